"""What was observed of a connection: its reads and what appeared in them, its webhooks, its person's looks.

Belongs here: what the next sync is decided on, read from the journal and the ledger, and noting a look and a
webhook. Does not belong here: what follows (`sync.cadence`), the attempts themselves (`storage.journal`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, text, update

from bank_sync.storage.tables import connections, users

_LATE_DAYS = (
    7  # a row that is older when it first shows is history, or was told late: it says nothing of an hour
)
_MOST_OTHERS = 8  # connections to the same bank, enough to know its hours

_READS = """
SELECT finished_at FROM bank.sync_attempts
WHERE connection_id = :connection_id AND part = 'transactions' AND outcome IN ('succeeded', 'partial')
    AND finished_at >= :since
ORDER BY finished_at
"""

_APPEARED = """
SELECT DISTINCT a.account_id, t.first_seen_at
FROM bank.accounts AS a
LEFT JOIN bank.transactions AS t ON t.account_id = a.account_id AND t.connection_id = a.connection_id
    AND t.changed_at >= :since AND t.first_seen_at >= :since
    AND t.booked_on >= t.first_seen_at::date - :late_days
WHERE a.connection_id = :connection_id AND a.state = 'active'
ORDER BY a.account_id, t.first_seen_at
"""

_AT_SAME_BANK = """
SELECT other.connection_id
FROM bank.connections AS mine
JOIN bank.connections AS other
    ON other.provider = mine.provider AND other.institution_id = mine.institution_id
WHERE mine.connection_id = :connection_id AND other.connection_id <> :connection_id
    AND other.first_synced_at < :before
ORDER BY other.last_synced_at DESC, other.connection_id
LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Reads:
    """Good reads of a connection's transactions, and by account when rows first appeared."""

    at: tuple[datetime, ...]
    appeared: dict[str, list[datetime]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signs:
    """When the connection's person last looked and its last webhook came; None where there was none."""

    user_active_at: datetime | None
    webhook_seen_at: datetime | None


def reads_of(db: Connection, connection_id: str, *, since: datetime) -> Reads:
    """What the reads since a moment found in the active accounts."""
    values: dict[str, object] = {"connection_id": connection_id, "since": since}
    at: tuple[datetime, ...] = tuple(db.execute(text(_READS), values).scalars())
    appeared: dict[str, list[datetime]] = {}
    for row in db.execute(text(_APPEARED), {**values, "late_days": _LATE_DAYS}):
        found = appeared.setdefault(row.account_id, [])
        if row.first_seen_at is not None:
            found.append(row.first_seen_at)
    return Reads(at, appeared)


def at_same_bank(db: Connection, connection_id: str, *, known_before: datetime) -> list[str]:
    """A few other connections to the same bank that were synced already before a moment."""
    values = {"connection_id": connection_id, "before": known_before, "most": _MOST_OTHERS}
    return list(db.execute(text(_AT_SAME_BANK), values).scalars())


def signs_of(db: Connection, connection_id: str) -> Signs:
    """Signs of life of a connection."""
    query = (
        select(users.c.last_active_at, connections.c.webhook_seen_at)
        .join_from(connections, users)
        .where(connections.c.connection_id == connection_id)
    )
    row = db.execute(query).one()
    return Signs(row.last_active_at, row.webhook_seen_at)


def note_look(db: Connection, user_id: str, *, now: datetime) -> None:
    """The person looked at their figures, or asked for fresh ones."""
    db.execute(update(users).where(users.c.user_id == user_id).values(last_active_at=now))


def note_webhook(db: Connection, connection_id: str, *, now: datetime) -> None:
    """The provider announced new rows of the connection."""
    mine = connections.c.connection_id == connection_id
    db.execute(update(connections).where(mine).values(webhook_seen_at=now))
