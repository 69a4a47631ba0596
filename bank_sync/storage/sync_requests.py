"""Syncs that people asked for and no run has begun yet.

Belongs here: `bank.sync_requests`. Does not belong here: starting runs (`orchestration.triggers.asked_for`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.tables import connections, sync_requests


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """One wish."""

    request_id: int
    connection_id: str


def ask_for_sync(db: Connection, connection_id: str, *, asked_by: str, now: datetime) -> bool:
    """Note a wish; False when one waits already."""
    statement = insert(sync_requests).values(connection_id=connection_id, asked_by=asked_by, asked_at=now)
    once = statement.on_conflict_do_nothing().returning(sync_requests.c.request_id)
    return db.execute(once).first() is not None


def waiting_requests(db: Connection, *, limit: int) -> list[SyncRequest]:
    """Wishes no run was started for, oldest first."""
    query = (
        select(sync_requests.c.request_id, sync_requests.c.connection_id)
        .where(sync_requests.c.started_at.is_(None))
        .order_by(sync_requests.c.request_id)
        .limit(limit)
    )
    return [SyncRequest(**row) for row in db.execute(query).mappings()]


def waiting_connections(db: Connection, user_id: str) -> set[str]:
    """The person's connections with a wish that waits."""
    query = (
        select(sync_requests.c.connection_id)
        .join(connections, connections.c.connection_id == sync_requests.c.connection_id)
        .where(sync_requests.c.started_at.is_(None), connections.c.user_id == user_id)
    )
    return set(db.execute(query).scalars())


def note_started(db: Connection, request_ids: list[int], *, now: datetime) -> None:
    """Runs have been asked for; new wishes are wishes for another run."""
    statement = update(sync_requests).where(sync_requests.c.request_id.in_(request_ids))
    db.execute(statement.values(started_at=now))
