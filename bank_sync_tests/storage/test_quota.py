"""The ledger of a day's calls: never more than the quota, whoever asks and whatever comes back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import CallOutcome, Counted, Scope, allowance, free_at
from bank_sync.settings import Settings
from bank_sync.storage.database import side_engine
from bank_sync.storage.locations import locate
from bank_sync.storage.quota import QuotaLedger
from bank_sync_tests.conftest import Clock

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
CALLS = st.lists(
    st.builds(
        Counted,
        st.integers(0, 5),
        st.integers(-50, 3000).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    ),
    max_size=8,
)


@given(CALLS, st.integers(1, 6))
def test_the_first_moment_at_which_a_call_fits(calls: list[Counted], allowed: int) -> None:
    """At that moment there is room for one more, and at no earlier one was there."""

    def used(at: datetime) -> int:
        return sum(call.units for call in calls if call.until > at)

    moment = free_at(calls, allowed, NOON)
    assert moment >= NOON
    assert used(moment) < allowed
    assert all(used(call.until) >= allowed for call in calls if NOON <= call.until < moment)
    assert moment == NOON or used(NOON) >= allowed


def test_who_may_use_how_much() -> None:
    """The schedule leaves one call to a person, but it is never left without any."""
    assert [allowance(limit, AskedBy.PERSON) for limit in (1, 2, 4)] == [1, 2, 4]
    assert [allowance(limit, AskedBy.SCHEDULE) for limit in (1, 2, 4)] == [1, 1, 3]


@pytest.fixture
def side(settings: Settings) -> Iterator[Engine]:
    """An engine of its own for what must be committed at once."""
    engine = side_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(side: Engine, clock: Clock) -> QuotaLedger:
    """Four calls a day, on the test's clock."""
    return QuotaLedger(side, clock, 4)


def reserve(
    ledger: QuotaLedger, asked_by: AskedBy = AskedBy.PERSON, scope: Scope = Scope.BALANCES
) -> int | None:
    """One call about one account."""
    return ledger.reserve("gocardless", "account-canary", scope, asked_by).call_id


def test_many_at_once(side: Engine, ledger: QuotaLedger) -> None:
    """Ten that ask at the same moment share four calls, under no provider's id."""
    with ThreadPoolExecutor(10) as pool:
        given_out = list(pool.map(lambda _: reserve(ledger), range(10)))
    assert sum(call_id is not None for call_id in given_out) == 4
    assert reserve(ledger, scope=Scope.DETAILS) is not None
    with side.connect() as db:
        found = db.execute(text("SELECT row_to_json(q)::text FROM bank.quota_calls q"))
        rows: list[str] = [row[0] for row in found]
    assert len(rows) == 5
    assert not any("canary" in row for row in rows)


def test_a_call_is_kept_for_a_person(ledger: QuotaLedger, clock: Clock) -> None:
    """The schedule stops at three, a person gets the fourth, and each hears when to come back."""
    begun = clock()
    for remaining in (3, 2, 1):
        call_id = reserve(ledger, AskedBy.SCHEDULE)
        assert call_id is not None
        ledger.settle(call_id, CallOutcome.SUCCEEDED, limit=4, remaining=remaining)
        clock.advance(hours=1)
    assert reserve(ledger, AskedBy.SCHEDULE) is None
    assert reserve(ledger, AskedBy.PERSON) is not None
    assert reserve(ledger, AskedBy.PERSON) is None
    standing = ledger.standing("gocardless", "account-canary", Scope.BALANCES)
    assert (standing.used, standing.calls_per_day) == (4, 4)
    assert standing.person_at == begun + timedelta(days=1, minutes=1)
    assert standing.schedule_at == begun + timedelta(days=1, hours=1, minutes=1)
    clock.advance(hours=21, minutes=1)
    assert ledger.next_allowed_at("gocardless", "account-canary", Scope.BALANCES, AskedBy.PERSON) == clock()


def test_a_call_whose_end_is_unknown(ledger: QuotaLedger, clock: Clock) -> None:
    """It counts as used for a day and a little, as the bank may have counted it late."""
    assert [reserve(ledger) for _ in range(5)].count(None) == 1
    clock.advance(hours=24, minutes=9)
    assert reserve(ledger) is None
    clock.advance(minutes=1)
    assert reserve(ledger) is not None


def test_a_call_that_failed(ledger: QuotaLedger) -> None:
    """It costs nothing when the provider itself said that it failed."""
    for _ in range(10):
        call_id = reserve(ledger)
        assert call_id is not None
        ledger.settle(call_id, CallOutcome.FAILED)


def test_a_bank_that_gives_less(ledger: QuotaLedger) -> None:
    """The answer's limit is believed where it is lower, and not where it is higher."""
    call_id = reserve(ledger)
    assert call_id is not None
    ledger.settle(call_id, CallOutcome.SUCCEEDED, limit=2, remaining=1)
    assert reserve(ledger, AskedBy.SCHEDULE) is None
    assert reserve(ledger, AskedBy.PERSON) is not None
    assert reserve(ledger, AskedBy.PERSON) is None


def test_somebody_else_reads_the_account(ledger: QuotaLedger, clock: Clock) -> None:
    """Calls that the bank counted and this ledger did not are used up all the same."""
    call_id = reserve(ledger)
    assert call_id is not None
    ledger.settle(call_id, CallOutcome.SUCCEEDED, limit=4, remaining=0)
    assert reserve(ledger) is None
    clock.advance(days=1, minutes=1)
    assert reserve(ledger) is not None


def test_the_bank_refuses(ledger: QuotaLedger, clock: Clock) -> None:
    """Nothing is asked until the moment the bank named."""
    call_id = reserve(ledger)
    assert call_id is not None
    ledger.settle(call_id, CallOutcome.REFUSED, refused_for_s=3_600)
    assert reserve(ledger) is None
    clock.advance(hours=1)
    assert reserve(ledger) is not None


def test_old_calls_are_forgotten(ledger: QuotaLedger, clock: Clock) -> None:
    """A month after they stopped counting they are gone, and not before."""
    reserve(ledger)
    clock.advance(days=31)
    assert ledger.forget_old() == 0
    clock.advance(days=1)
    assert ledger.forget_old() == 1
