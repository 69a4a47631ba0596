"""What providers said: rounds of pages, the cursor they end at, and what they cover.

Belongs here: `raw.rounds`, `raw.pages`, `raw.cursors`, `raw.coverage`. Does not belong here: what the pages
mean (each provider reads its own), the ledger.

A round and its cursor are written in one transaction by `store_round`. The cursor moves by compare-and-set,
so that a worker that lost its turn cannot overwrite a newer round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from bank_sync.domain.errors import CursorMoved
from bank_sync.domain.models import DateWindow, Page, Part
from bank_sync.storage.tables import accounts, coverage, cursors, pages, rounds

_PAGES_PER_INSERT = 20  # bounds memory: a page is up to some hundred kilobytes


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A committed round; `pages` is how many it has."""

    round_id: int
    pages: int


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page of a committed round."""

    page_id: int
    page: Page


def current_cursor(db: Connection, connection_id: str) -> str | None:
    """Where the last committed round ended; None before the first."""
    query = select(cursors.c.cursor).where(cursors.c.connection_id == connection_id)
    return db.execute(query).scalar_one_or_none()


def store_round(
    db: Connection,
    connection_id: str,
    part: Part,
    received: Iterable[Page],
    *,
    cursor_before: str | None,
    now: datetime,
) -> StoredRound:
    """Write a whole round as its pages arrive and, for cursor providers, move the cursor.

    `cursor_before` is the cursor the round was read from. The caller owns the transaction: any error from the
    provider rolls everything back.

    Raises:
        CursorMoved: another worker committed a round meanwhile.
    """
    opened = insert(rounds).values(
        connection_id=connection_id, part=part, cursor_before=cursor_before, pages=0, fetched_at=now
    )
    round_id = int(db.execute(opened.returning(rounds.c.round_id)).scalar_one())
    count, cursor_after = _store_pages(db, connection_id, round_id, received, now=now)
    db.execute(
        update(rounds).where(rounds.c.round_id == round_id).values(pages=count, cursor_after=cursor_after)
    )
    if cursor_after is not None:
        _move_cursor(db, connection_id, cursor_before, cursor_after, now=now)
    return StoredRound(round_id, count)


def _store_pages(
    db: Connection, connection_id: str, round_id: int, received: Iterable[Page], *, now: datetime
) -> tuple[int, str | None]:
    """Insert pages in small batches; returns their number and the last cursor seen."""
    batch: list[dict[str, object]] = []
    count, cursor_after = 0, None
    for page in received:
        batch.append(_page_values(connection_id, round_id, count, page, now=now))
        count += 1
        cursor_after = page.cursor_after or cursor_after
        if len(batch) == _PAGES_PER_INSERT:
            db.execute(insert(pages), batch)
            batch = []
    if batch:
        db.execute(insert(pages), batch)
    return count, cursor_after


def _page_values(
    connection_id: str, round_id: int, sequence: int, page: Page, *, now: datetime
) -> dict[str, object]:
    return {
        "round_id": round_id,
        "connection_id": connection_id,
        "part": page.part,
        "sequence": sequence,
        "provider_account_id": page.provider_account_id,
        "window_first": page.window.first if page.window else None,
        "window_last": page.window.last if page.window else None,
        "body": page.body,
        "fetched_at": now,
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


def rounds_to_project(db: Connection, connection_id: str, part: Part) -> list[int]:
    """Ids of committed rounds that the ledger does not reflect yet, oldest first."""
    query = (
        select(rounds.c.round_id)
        .where(rounds.c.connection_id == connection_id, rounds.c.part == part)
        .where(rounds.c.projected_at.is_(None))
        .order_by(rounds.c.round_id)
    )
    return list(db.execute(query).scalars())


def pages_of(db: Connection, round_id: int) -> Iterator[StoredPage]:
    """The pages of a round in order, one at a time."""
    ids = select(pages.c.page_id).where(pages.c.round_id == round_id).order_by(pages.c.sequence)
    in_order: list[int] = list(db.execute(ids).scalars())
    for page_id in in_order:
        row = db.execute(select(pages).where(pages.c.page_id == page_id)).one()
        window = DateWindow(row.window_first, row.window_last) if row.window_first else None
        yield StoredPage(page_id, Page(Part(row.part), row.body, row.provider_account_id, window=window))


def mark_projected(db: Connection, round_id: int, *, now: datetime) -> bool:
    """Move the watermark past a round; False when another worker already did."""
    statement = update(rounds).where(rounds.c.round_id == round_id, rounds.c.projected_at.is_(None))
    return db.execute(statement.values(projected_at=now)).rowcount == 1


def covered_windows(db: Connection, connection_id: str) -> dict[str, DateWindow]:
    """By account_id: the dates that complete answers have covered so far."""
    query = (
        select(coverage.c.account_id, coverage.c.first_on, coverage.c.last_on)
        .join(accounts, accounts.c.account_id == coverage.c.account_id)
        .where(accounts.c.connection_id == connection_id)
    )
    return {row.account_id: DateWindow(row.first_on, row.last_on) for row in db.execute(query)}


def extend_coverage(db: Connection, account_id: str, first: date, last: date, *, now: datetime) -> None:
    """Add a completely read window to what an account has covered."""
    statement = upsert(coverage).values(account_id=account_id, first_on=first, last_on=last, read_at=now)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id"],
            set_={
                "first_on": func.least(coverage.c.first_on, first),
                "last_on": func.greatest(coverage.c.last_on, last),
                "read_at": now,
            },
        )
    )
