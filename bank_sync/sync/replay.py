"""Replay: the ledger built once more from its raw pages, and compared with the one that stands.

Belongs here: applying all rounds of a connection again, in the order they were applied. Does not belong here:
what a round does (`sync.project`), the place it is done in (`storage.shadow`).

Rows carry the time of the round that told them, so equal pages give equal bytes. What differs was changed by
something else than a round: by hand, by a defect mended since, or by rows that could not be read at first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from bank_sync.domain.errors import BankSyncError
from bank_sync.domain.models import Part
from bank_sync.providers.base import Provider
from bank_sync.services import Services
from bank_sync.storage import connections, raw_pages, shadow
from bank_sync.storage.quarantined import waiting_rows
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.storage.shadow import Comparison
from bank_sync.storage.tables import rounds
from bank_sync.sync.parts import ProjectRound, accounts_round, balances_round, transactions_round
from bank_sync.sync.quarantine import retry_rows

OnRound = Callable[[int, int], None]
"""Told (rounds done, rounds to do)."""

_APPLY: dict[Part, ProjectRound] = {
    Part.ACCOUNTS: accounts_round,
    Part.BALANCES: balances_round,
    Part.TRANSACTIONS: transactions_round,
}


class PagesPruned(BankSyncError):
    """Pages of a connection are gone: what they told can no longer be built once more."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found: `rows` were compared, `differing` of them are not given again."""

    connection_id: str
    rounds: int
    pages: int
    comparisons: tuple[Comparison, ...]
    seconds: float

    @property
    def rows(self) -> int:
        """Rows of the real ledger."""
        return sum(one.rows for one in self.comparisons)

    @property
    def differing(self) -> int:
        """Rows that are missing, extra or changed."""
        return sum(one.differing for one in self.comparisons)


def replay_connection(
    services: Services,
    connection_id: str,
    *,
    on_round: OnRound = lambda _done, _all: None,
    timer: Callable[[], float] = time.perf_counter,
) -> Replayed:
    """Build the ledger of one connection from its raw pages and compare; changes nothing.

    It sees one state of the database from beginning to end and keeps no sync waiting.

    Raises:
        NotFound: there is no such connection.
        SettingsError: its provider is not configured.
        PagesPruned: pages were deleted for their age.
    """
    started = timer()
    with services.engine.connect().execution_options(isolation_level="REPEATABLE READ") as db:
        connection = connections.get_connection(db, connection_id)
        provider = services.provider(connection.provider)
        applied = _applied_rounds(db, connection_id)
        _check_pages(applied)
        _apply_all(shadow.shadow_ledger(db), provider, applied, on_round)
        comparisons = shadow.compare_with_real(db, connection_id)
        db.rollback()
    pages = sum(round_.pages for round_, _, _ in applied)
    return Replayed(connection_id, len(applied), pages, tuple(comparisons), timer() - started)


_Applied = tuple[StoredRound, Part, object]


def _applied_rounds(db: Connection, connection_id: str) -> list[_Applied]:
    """(round, part, when it was applied), in the order in which the ledger met them."""
    known = {
        round_.round_id: (round_, part)
        for part in Part
        for round_ in raw_pages.rounds_of(db, connection_id, part, only_waiting=False)
    }
    query = (
        select(rounds.c.round_id, rounds.c.projected_at)
        .where(rounds.c.connection_id == connection_id, rounds.c.projected_at.is_not(None))
        .order_by(rounds.c.projected_at, rounds.c.round_id)
    )
    return [(*known[row.round_id], row.projected_at) for row in db.execute(query)]


def _check_pages(applied: list[_Applied]) -> None:
    pruned = [round_ for round_, _, _ in applied if round_.pruned_at is not None]
    if pruned:
        newest = max(pruned, key=lambda one: one.fetched_at)
        raise PagesPruned(
            f"{newest.connection_id} cannot be replayed: its pages up to {newest.fetched_at.date()} were "
            "deleted for their age (BANK_SYNC_RAW_PAGES_DAYS)."
        )


def _apply_all(db: Connection, provider: Provider, applied: list[_Applied], on_round: OnRound) -> None:
    for done, (round_, part, applied_at) in enumerate(applied, 1):
        if part is Part.TRANSACTIONS:
            shadow.point_at_successors_as_of(db, round_.connection_id, applied_at)
            _retry_quarantine(db, provider, round_)
        _APPLY[part](db, provider, round_)
        if done & (done - 1) == 0:  # at the 1st, 2nd, 4th, 8th ... round: tables grow most at first
            shadow.refresh_statistics(db)
        on_round(done, len(applied))
    if applied:
        _retry_quarantine(db, provider, applied[-1][0])


def _retry_quarantine(db: Connection, provider: Provider, round_: StoredRound) -> None:
    """As before every projection: accounts may have become known since."""
    rows = waiting_rows(db, round_.connection_id)
    retry_rows(db, provider, rows, generation=round_.generation, now=round_.fetched_at)
