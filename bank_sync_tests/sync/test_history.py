"""The ledger remembers what it believed: any earlier state can be asked for, whatever happened since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.history import parse_moment
from bank_sync.domain.errors import NotFound
from bank_sync.services import Services
from bank_sync.storage.history import resolve_owner, transactions_as_of
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import sync

LIVE = text(
    "SELECT transaction_id, version, posting, amount, booked_on, description FROM bank.transactions "
    "WHERE removed_at IS NULL AND superseded_by IS NULL"
)


def live_now(services: Services) -> set[tuple[object, ...]]:
    """The live rows as they stand."""
    with services.engine.connect() as db:
        return {tuple(row) for row in db.execute(LIVE)}


def live_then(services: Services, owner: str, moment: datetime) -> set[tuple[object, ...]]:
    """The live rows as history tells them."""
    with services.engine.connect() as db:
        return {
            (one.transaction_id, one.version, one.posting, one.amount, one.booked_on, one.description)
            for one in transactions_as_of(db, owner, moment)
        }


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_every_state_since_the_first(
    provider: str, services: Services, clock: Clock, link: Callable[..., str]
) -> None:
    """After days of holds, postings and removals the ledger of each day is told exactly as it was."""
    connection_id = link(provider)
    states: list[tuple[datetime, set[tuple[object, ...]]]] = []
    before = clock() - timedelta(seconds=1)
    for _ in range(5):
        sync(services, connection_id)
        states.append((clock(), live_now(services)))
        clock.advance(days=1, hours=7)
    assert len({frozenset(state) for _, state in states}) == len(states)
    assert live_then(services, connection_id, before) == set()
    for moment, state in states:
        assert live_then(services, connection_id, moment) == state
        assert live_then(services, connection_id, moment + timedelta(hours=3)) == state


def test_one_account_of_several(services: Services, link: Callable[..., str]) -> None:
    """An account's history is its own rows, and an id may be given by its start."""
    connection_id = link("teller")
    sync(services, connection_id)
    now = services.clock()
    with services.engine.connect() as db:
        ids: list[str] = list(db.execute(text("SELECT account_id FROM bank.accounts")).scalars())
        parts = [len(list(transactions_as_of(db, one, now))) for one in ids]
        assert len(parts) > 1
        assert sum(parts) == len(list(transactions_as_of(db, connection_id, now)))
        assert resolve_owner(db, ids[0][:12]) == ids[0]
        with pytest.raises(NotFound, match="Several"):
            resolve_owner(db, "acc_")


@pytest.mark.parametrize(
    ("given", "moment"),
    [
        ("2026-05-03", datetime(2026, 5, 3, 23, 59, 59, 999999, UTC)),
        ("2026-05-03T14:00", datetime(2026, 5, 3, 14, 0, tzinfo=UTC)),
        ("2026-05-03T14:00+02:00", datetime(2026, 5, 3, 12, 0, tzinfo=UTC)),
    ],
)
def test_moments(given: str, moment: datetime) -> None:
    """A bare date means its end, so that all of that day is known."""
    assert parse_moment(given) == moment


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "03.05.2026", ""])
def test_no_moment(given: str) -> None:
    """Anything else is refused with what would do."""
    with pytest.raises(UsageMistake, match="2026-05-03"):
        parse_moment(given)
