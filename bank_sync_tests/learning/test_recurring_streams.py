"""Streams of a real ledger: found by the daily job, kept, shown, and found anew."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from bank_sync.services import Services
from bank_sync.storage.recurring_streams import RecurringStream, streams_of
from bank_sync_tests.learning.town import Town
from bank_sync_tests.orchestration.conftest import Daemon

MONTHS = [date(2025, month, 14) for month in range(7, 13)] + [date(2026, 1, 14), date(2026, 2, 14)]
SATURDAYS = [date(2026, month, day) for month, day in ((1, 3), (1, 10), (1, 17), (1, 24), (1, 31), (2, 7))]


def kept(services: Services, person: str | None = None) -> list[RecurringStream]:
    """What is kept of a person's streams, or of everybody's."""
    with services.engine.connect() as db:
        return streams_of(db, person and f"app-{person}", ended=True)


def subscribed(town: Town) -> str:
    """Somebody with a subscription, a salary, and a shop that they go to on Saturdays."""
    person = town.person()
    for month in MONTHS:
        town.pays(person, "NETFLIX.COM 866-579-7172", "-12.99", on=month)
        town.pays(person, "PAYROLL QVOZK WJK GMBH", "2410.55", on=month.replace(day=28))
    for number, day in enumerate(SATURDAYS):
        town.pays(person, "TESCO STORES 2218", f"-{50 + 7 * (number % 4)}", on=day)
    town.categorize(person)
    return person


def test_the_daily_job(daemon: Daemon, town: Town) -> None:
    """It keeps a subscription and a salary with what is next, and no habit; a second day changes nothing."""
    person = subscribed(town)
    assert daemon.chore("find_recurring").success
    first, second = found = kept(town.services, person)
    assert {one.money_in for one in found} == {True, False}
    paid, earned = (first, second) if second.money_in else (second, first)
    assert (paid.merchant_key, paid.cadence, paid.state) == ("netflix", "monthly", "active")
    assert (paid.usual_amount, paid.occurrences) == (Decimal("12.99"), 8)
    assert (paid.next_on, paid.category_primary) == (date(2026, 3, 14), "ENTERTAINMENT")
    assert (earned.usual_amount, earned.next_on) == (Decimal("2410.55"), date(2026, 3, 28))
    assert daemon.chore("find_recurring").success
    assert kept(town.services, person) == found
    assert kept(town.services, town.person()) == []


def test_streams_follow_the_ledger(daemon: Daemon, town: Town) -> None:
    """What was cancelled ends after two months; hidden and removed rows make no stream."""
    person = subscribed(town)
    daemon.chore("find_recurring")
    town.services.clock.advance(days=60)  # type: ignore[attr-defined]  # the test's clock
    daemon.chore("find_recurring")
    states = {(one.state, one.next_on) for one in kept(town.services, person)}
    assert states == {("ended", None)}
    town.run("UPDATE bank.transactions SET removed_at = now() WHERE amount < 0")
    daemon.chore("find_recurring")
    assert [one.money_in for one in kept(town.services)] == [True]


def test_the_website_of_a_merchant(town: Town) -> None:
    """A known merchant's domain is kept with the decision; of any other nothing is claimed."""
    person = town.person()
    town.pays(person, "NETFLIX.COM 866-579-7172")
    town.pays(person, "QVOZK WJK")
    town.categorize(person)
    assert town.run(
        "SELECT merchant_domain FROM bank.transaction_categories ORDER BY merchant_domain NULLS LAST"
    ) == ["netflix.com", None]
