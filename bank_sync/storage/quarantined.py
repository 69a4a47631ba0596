"""Rows in quarantine: what waits, where it stands, and what became of it.

Belongs here: `bank.quarantine` and the look-ups that a retry needs. Does not belong here: putting rows there
(`storage.journal`), reading them again (`sync.quarantine`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select, text, update

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import DateWindow, Page, Part
from bank_sync.storage.tables import connections, pages, quarantine, rounds


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row in quarantine."""

    quarantine_id: int
    connection_id: str
    institution_name: str
    part: Part
    round_id: int
    page_id: int
    locator: str
    reason: str
    quarantined_at: datetime
    retried_at: datetime | None


_COLUMNS = (
    quarantine.c.quarantine_id,
    quarantine.c.connection_id,
    connections.c.institution_name,
    pages.c.part,
    pages.c.round_id,
    pages.c.page_id,
    quarantine.c.locator,
    quarantine.c.reason,
    quarantine.c.quarantined_at,
    quarantine.c.retried_at,
)


def waiting_rows(
    db: Connection,
    connection_id: str | None = None,
    *,
    untried_since: datetime | None = None,
    most: int | None = None,
) -> list[Waiting]:
    """Unresolved rows, oldest first; with `untried_since` only those not tried again since then."""
    query = (
        select(*_COLUMNS)
        .join(pages, pages.c.page_id == quarantine.c.page_id)
        .join(connections, connections.c.connection_id == quarantine.c.connection_id)
        .where(quarantine.c.resolved_at.is_(None))
        .order_by(pages.c.round_id, pages.c.sequence, quarantine.c.quarantine_id)
        .limit(most)
    )
    if connection_id is not None:
        query = query.where(quarantine.c.connection_id == connection_id)
    if untried_since is not None:
        tried = quarantine.c.retried_at
        query = query.where(or_(tried.is_(None), tried < untried_since))
    return [Waiting(**row) for row in db.execute(query).mappings()]


def resolve(db: Connection, ids: Collection[int], resolution: str, *, now: datetime) -> int:
    """Close rows as `applied`, `overtaken` or `dismissed`; returns how many were open."""
    statement = update(quarantine).where(
        quarantine.c.quarantine_id.in_(ids), quarantine.c.resolved_at.is_(None)
    )
    return db.execute(statement.values(resolved_at=now, retried_at=now, resolution=resolution)).rowcount


def note_tried(db: Connection, ids: Collection[int], *, now: datetime) -> None:
    """These were tried again and wait on."""
    db.execute(update(quarantine).where(quarantine.c.quarantine_id.in_(ids)).values(retried_at=now))


def dismiss(db: Connection, quarantine_id: int, *, now: datetime) -> str:
    """Close one row for good, on a person's word; returns its connection_id.

    Raises:
        NotFound: no such row waits.
    """
    statement = update(quarantine).where(
        quarantine.c.quarantine_id == quarantine_id, quarantine.c.resolved_at.is_(None)
    )
    closed = statement.values(resolved_at=now, resolution="dismissed").returning(quarantine.c.connection_id)
    connection_id: str | None = db.execute(closed).scalar()
    if connection_id is None:
        raise NotFound(f"No row {quarantine_id} waits. List them with `bank-sync quarantine list`.")
    return connection_id


def page_by_id(db: Connection, page_id: int) -> Page:
    """A stored page without its window: read again, it tells of rows, not of what is missing."""
    row = db.execute(select(pages).where(pages.c.page_id == page_id)).one()
    return Page(Part(row.part), row.body, row.provider_account_id)


def has_newer_round(db: Connection, connection_id: str, part: Part, round_id: int) -> bool:
    """Whether the ledger reflects a later reading of a part that is told whole each time."""
    query = select(rounds.c.round_id).where(
        rounds.c.connection_id == connection_id,
        rounds.c.part == part,
        rounds.c.round_id > round_id,
        rounds.c.projected_at.is_not(None),
    )
    return db.execute(query.limit(1)).first() is not None


def newer_windows(db: Connection, connection_id: str, round_id: int) -> list[tuple[str, DateWindow]]:
    """(provider_account_id, dates) that later rounds read completely."""
    query = (
        select(pages.c.provider_account_id, pages.c.window_first, pages.c.window_last)
        .join(rounds, rounds.c.round_id == pages.c.round_id)
        .where(
            rounds.c.connection_id == connection_id,
            rounds.c.part == Part.TRANSACTIONS,
            rounds.c.round_id > round_id,
            rounds.c.projected_at.is_not(None),
            pages.c.window_first.is_not(None),
        )
    )
    return [(row[0], DateWindow(row[1], row[2])) for row in db.execute(query)]


def newer_pages_naming(db: Connection, connection_id: str, round_id: int, name: str) -> Iterator[Page]:
    """Pages of later rounds of transactions in which a provider's id occurs."""
    query = (
        select(pages.c.body, pages.c.provider_account_id)
        .join(rounds, rounds.c.round_id == pages.c.round_id)
        .where(
            rounds.c.connection_id == connection_id,
            rounds.c.part == Part.TRANSACTIONS,
            rounds.c.round_id > round_id,
            rounds.c.projected_at.is_not(None),
            pages.c.body.contains(name, autoescape=True),
        )
    )
    for row in db.execute(query):
        yield Page(Part.TRANSACTIONS, row.body, row.provider_account_id)


def last_told(db: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """By (account_id, transaction_key): the round that last changed the row known by it."""
    found = db.execute(
        text(
            "SELECT known.account_id, known.transaction_key, stored.round_id "
            "FROM unnest(CAST(:accounts AS text[]), CAST(:keys AS text[])) "
            "AS asked(account_id, transaction_key) "
            "JOIN transaction_keys AS known USING (account_id, transaction_key) "
            "JOIN transactions AS stored USING (transaction_id)"
        ),
        {"accounts": [one[0] for one in keys], "keys": [one[1] for one in keys]},
    )
    return {(row.account_id, row.transaction_key): row.round_id for row in found}
