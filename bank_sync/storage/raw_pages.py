"""What providers said: rounds of pages, the cursor they end at, and what they cover.

Belongs here: `raw.rounds`, `raw.pages`, `raw.cursors`, `raw.coverage`. Does not belong here: what the pages
mean (each provider reads its own), the ledger.

A round and its cursor are written in one transaction by `store_round`. The cursor moves by compare-and-set,
so that a worker that lost its turn cannot overwrite a newer round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from bank_sync.domain.errors import CursorMoved
from bank_sync.domain.models import AccountFailure, DateWindow, HistoryState, Page, Part
from bank_sync.storage.tables import cursors, pages, rounds

_PAGES_AT_A_TIME = 20  # bounds memory: a page is up to some hundred kilobytes


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A committed round.

    Attributes:
        generation: of the connection when it was read: which renewal of the link the ids belong to.
        is_complete: False when an account could not be read.
        released_at: when a person let it through although it removes nearly everything.
        pruned_at: when its pages were deleted for their age.
    """

    round_id: int
    connection_id: str
    pages: int
    generation: int
    is_complete: bool
    history_state: HistoryState | None
    fetched_at: datetime
    cursor_before: str | None = None
    cursor_after: str | None = None
    held_at: datetime | None = None
    released_at: datetime | None = None
    pruned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page of a committed round."""

    page_id: int
    page: Page


def current_cursor(db: Connection, connection_id: str) -> str | None:
    """Where the last committed round ended; None before the first."""
    query = select(cursors.c.cursor).where(cursors.c.connection_id == connection_id)
    return db.execute(query).scalar_one_or_none()


def forget_cursor(db: Connection, connection_id: str) -> None:
    """The next round starts from the beginning; a worker that still reads from the old cursor loses."""
    db.execute(delete(cursors).where(cursors.c.connection_id == connection_id))


def store_round(
    db: Connection,
    connection_id: str,
    part: Part,
    received: Iterable[Page | AccountFailure],
    *,
    cursor_before: str | None,
    cursor_stored: str | None,
    generation: int,
    now: datetime,
) -> tuple[StoredRound, list[AccountFailure]]:
    """Write a whole round as its pages arrive and, for cursor providers, move the cursor.

    `cursor_before` is the cursor the round was read from: usually `cursor_stored`, the one found stored when
    reading began, but an earlier one when rows are asked for again. The caller owns the transaction: any
    error from the provider rolls everything back. Of an account that failed nothing is kept: half a window
    would look like a whole one with rows missing.

    Returns:
        The round, and the accounts that could not be read.

    Raises:
        CursorMoved: another worker committed a round meanwhile.
    """
    begun: dict[str, object] = {"connection_id": connection_id, "part": part, "generation": generation}
    writer = _PageWriter(db, begun | {"cursor_before": cursor_before, "fetched_at": now})
    failures = writer.write(received)
    round_id = writer.close(is_complete=not failures)
    if writer.cursor_after is not None:
        _move_cursor(db, connection_id, cursor_stored, writer.cursor_after, now=now)
    stored = StoredRound(
        round_id, connection_id, writer.count, generation, not failures, writer.history_state, now
    )
    return stored, failures


@dataclass(slots=True)
class _PageWriter:
    """Writes a round's pages in small batches as they arrive; the round itself with the first of them."""

    db: Connection
    begun: dict[str, object]
    round_id: int | None = None
    count: int = 0
    cursor_after: str | None = None
    history_state: HistoryState | None = None
    _batch: list[dict[str, object]] = field(default_factory=list)

    def write(self, received: Iterable[Page | AccountFailure]) -> list[AccountFailure]:
        """Write all pages; returns the failures among them."""
        failures: list[AccountFailure] = []
        sequence = 0
        for item in received:
            if isinstance(item, AccountFailure):
                failures.append(item)
                self._forget_account(item.provider_account_id)
            else:
                self._add(item, sequence)
                sequence += 1
        return failures

    def close(self, *, is_complete: bool) -> int:
        """Write what waits, and what is known of the round at its end; returns its id."""
        told: dict[str, object] = {
            "pages": self.count,
            "cursor_after": self.cursor_after,
            "is_complete": is_complete,
            "history_state": self.history_state,
        }
        if self.round_id is None:
            return self._flush(told)
        round_id = self._flush({})
        self.db.execute(update(rounds).where(rounds.c.round_id == round_id).values(**told))
        return round_id

    def _add(self, page: Page, sequence: int) -> None:
        self._batch.append(_page_values(page, sequence))
        self.count += 1
        self.cursor_after = page.cursor_after or self.cursor_after
        self.history_state = page.history_state or self.history_state
        if len(self._batch) == _PAGES_AT_A_TIME:
            self._flush({"pages": 0})

    def _flush(self, told: dict[str, object]) -> int:
        if self.round_id is None:
            opened = insert(rounds).values(**self.begun, **told).returning(rounds.c.round_id)
            self.round_id = int(self.db.execute(opened).scalar_one())
        if self._batch:
            whose = {"round_id": self.round_id, "connection_id": self.begun["connection_id"]}
            whose["fetched_at"] = self.begun["fetched_at"]
            self.db.execute(insert(pages), [page | whose for page in self._batch])
            self._batch = []
        return self.round_id

    def _forget_account(self, provider_account_id: str) -> None:
        round_id = self._flush({"pages": 0})
        theirs = (pages.c.round_id == round_id, pages.c.provider_account_id == provider_account_id)
        self.count -= self.db.execute(delete(pages).where(*theirs)).rowcount


def _page_values(page: Page, sequence: int) -> dict[str, object]:
    return {
        "part": page.part,
        "sequence": sequence,
        "provider_account_id": page.provider_account_id,
        "window_first": page.window.first if page.window else None,
        "window_last": page.window.last if page.window else None,
        "body": page.body,
    }


def _move_cursor(
    db: Connection, connection_id: str, expected: str | None, cursor: str, *, now: datetime
) -> None:
    """Compare and set: only the worker that read `expected` may move on from it."""
    if expected is None:
        first = upsert(cursors).values(connection_id=connection_id, cursor=cursor, moved_at=now)
        first_ever = first.on_conflict_do_nothing().returning(cursors.c.connection_id)
        moved = db.execute(first_ever).first()
    else:
        later = update(cursors).where(cursors.c.connection_id == connection_id, cursors.c.cursor == expected)
        moved = db.execute(
            later.values(cursor=cursor, moved_at=now).returning(cursors.c.connection_id)
        ).first()
    if moved is None:
        raise CursorMoved(f"Another sync of {connection_id} committed first; this round was thrown away.")


def rounds_of(
    db: Connection, connection_id: str, part: Part, *, only_waiting: bool = True
) -> list[StoredRound]:
    """Committed rounds, oldest first: those the ledger does not reflect yet, or all."""
    columns = [rounds.c[name] for name in StoredRound.__slots__]
    query = (
        select(*columns)
        .where(rounds.c.connection_id == connection_id, rounds.c.part == part)
        .order_by(rounds.c.round_id)
    )
    if only_waiting:
        query = query.where(rounds.c.projected_at.is_(None))
    return [StoredRound(**row) for row in db.execute(query).mappings()]


def parts_waiting_before(db: Connection, newer: StoredRound) -> set[Part]:
    """Of which parts a round of the same connection that is older waits for the ledger, and is not held."""
    query = select(rounds.c.part).where(
        rounds.c.connection_id == newer.connection_id,
        rounds.c.round_id < newer.round_id,
        rounds.c.projected_at.is_(None),
        rounds.c.held_at.is_(None),
    )
    waiting: list[str] = list(db.execute(query.distinct()).scalars())
    return {Part(one) for one in waiting}


def mark_held(db: Connection, round_ids: Sequence[int], reason: str, *, now: datetime) -> int:
    """Keep rounds from the ledger until a person or a later round clears them; returns how many are new."""
    statement = update(rounds).where(rounds.c.round_id.in_(round_ids), rounds.c.held_at.is_(None))
    return db.execute(statement.values(held_at=now, held_reason=reason)).rowcount


def mark_released(db: Connection, round_id: int, *, by: str, now: datetime) -> str | None:
    """Let a held round through; returns its connection_id, None when no such round is held."""
    statement = update(rounds).where(
        rounds.c.round_id == round_id, rounds.c.held_at.is_not(None), rounds.c.projected_at.is_(None)
    )
    released = statement.values(released_at=now, released_by=by).returning(rounds.c.connection_id)
    connection_id: str | None = db.execute(released).scalar()
    return connection_id


def held_rounds(db: Connection, connection_id: str) -> list[int]:
    """Rounds of a connection that are kept from the ledger."""
    query = select(rounds.c.round_id).where(
        rounds.c.connection_id == connection_id,
        rounds.c.held_at.is_not(None),
        rounds.c.projected_at.is_(None),
    )
    return list(db.execute(query.order_by(rounds.c.round_id)).scalars())


def pages_of(db: Connection, round_id: int) -> Iterator[StoredPage]:
    """The pages of a round in order, a few in memory at a time."""
    theirs = select(pages).where(pages.c.round_id == round_id).order_by(pages.c.sequence)
    after = -1
    while rows := db.execute(theirs.where(pages.c.sequence > after).limit(_PAGES_AT_A_TIME)).all():
        for row in rows:
            window = DateWindow(row.window_first, row.window_last) if row.window_first else None
            page = Page(Part(row.part), row.body, row.provider_account_id, window=window)
            yield StoredPage(row.page_id, page)
        if len(rows) < _PAGES_AT_A_TIME:
            return
        after = rows[-1].sequence


def mark_projected(db: Connection, round_id: int, *, now: datetime) -> bool:
    """Move the watermark past a round; False when another worker already did."""
    statement = update(rounds).where(rounds.c.round_id == round_id, rounds.c.projected_at.is_(None))
    return db.execute(statement.values(projected_at=now)).rowcount == 1
