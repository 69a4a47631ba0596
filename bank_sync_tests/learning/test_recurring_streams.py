"""Streams of a real ledger: found by the daily job, kept, shown, and found anew."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.storage.recurring_streams import RecurringStream, streams_of
from bank_sync.sync.recurring_streams import find_all
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


def members(services: Services) -> dict[str, list[str]]:
    """Transactions of each stream, in the order of time."""
    query = text(
        "SELECT stream_id, array_agg(transaction_id ORDER BY booked_on) AS ids "
        "FROM bank.recurring_transactions JOIN bank.transactions USING (transaction_id) GROUP BY stream_id"
    )
    with services.engine.connect() as db:
        return {row.stream_id: row.ids for row in db.execute(query)}


def test_transactions_know_their_stream(town: Town) -> None:
    """Each row of a stream is kept with it, its newest one last; rows of a habit belong to none."""
    person = subscribed(town)
    find_all(town.services)
    found = members(town.services)
    for one in kept(town.services, person):
        assert len(found[one.stream_id]) == one.occurrences == 8
        assert found[one.stream_id][-1] == one.last_transaction_id
    assert set(found) == {one.stream_id for one in kept(town.services, person)}


def test_a_stream_keeps_its_id(town: Town) -> None:
    """Older history that arrives later, and first rows that are gone, leave a stream its id."""
    person = town.person()
    rows = [town.pays(person, "NETFLIX.COM 866-579-7172", "-12.99", on=month) for month in MONTHS]
    town.categorize(person)
    find_all(town.services)
    [before] = kept(town.services, person)
    town.pays(person, "NETFLIX.COM 866-579-7172", "-12.99", on=date(2025, 6, 14))
    town.categorize(person)
    find_all(town.services)
    [older] = kept(town.services, person)
    assert (older.stream_id, older.occurrences) == (before.stream_id, 9)
    town.run(f"UPDATE bank.transactions SET removed_at = now() WHERE transaction_id = '{rows[0][0]}'")
    town.run("UPDATE bank.transactions SET removed_at = now() WHERE booked_on = '2025-06-14'")
    find_all(town.services)
    [newer] = kept(town.services, person)
    assert (newer.stream_id, newer.occurrences) == (before.stream_id, 7)


def test_salary_twice_a_month(town: Town) -> None:
    """Wages of the 15th and the last working day, with overtime, are one income with band and next date."""
    person = town.person()
    days = [(2025, 9, 15), (2025, 9, 30), (2025, 10, 15), (2025, 10, 31), (2025, 11, 14), (2025, 11, 28)]
    days += [(2025, 12, 15), (2025, 12, 31), (2026, 1, 15), (2026, 1, 30), (2026, 2, 13), (2026, 2, 27)]
    for number, day in enumerate(days):
        town.pays(person, "PAYROLL QVOZK WJK GMBH", f"{1200 + 35 * (number % 5)}", on=date(*day))
    town.categorize(person)
    find_all(town.services)
    [wages] = kept(town.services, person)
    assert (wages.cadence, wages.money_in, wages.occurrences) == ("semi_monthly", True, 12)
    assert wages.next_on == date(2026, 3, 13)  # the 15th is a Sunday
    assert (wages.low_amount, wages.high_amount) == (Decimal(1200), Decimal(1340))


def test_the_website_of_a_merchant(town: Town) -> None:
    """A known merchant's domain is kept with the decision; of any other nothing is claimed."""
    person = town.person()
    town.pays(person, "NETFLIX.COM 866-579-7172")
    town.pays(person, "QVOZK WJK")
    town.categorize(person)
    assert town.run(
        "SELECT merchant_domain FROM bank.transaction_categories ORDER BY merchant_domain NULLS LAST"
    ) == ["netflix.com", None]
