"""Connections at the beginning of their life.

Belongs here: finding those that were never synced or whose history is still loading. Does not belong here:
those that are due in the ordinary way (`storage.connections`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from bank_sync.domain.models import ConnectionState, HistoryState, SyncState
from bank_sync.storage.connections import COLUMNS, LINK_UNCLEAR, StoredConnection, stored_connection
from bank_sync.storage.tables import connections


def connection_ids(db: Connection) -> list[str]:
    """All connections but erased ones, oldest link first."""
    query = select(connections.c.connection_id).where(connections.c.state != ConnectionState.ERASED)
    return list(db.execute(query.order_by(connections.c.linked_at, connections.c.connection_id)).scalars())


def never_synced(db: Connection, *, limit: int) -> list[StoredConnection]:
    """Connections of which nothing was ever asked, oldest link first.

    One leaves this list when its first sync begins, so that no more than `limit` first syncs wait at a time.
    """
    query = select(*COLUMNS).where(
        *_may_be_synced(),
        connections.c.first_synced_at.is_(None),
        connections.c.sync_state == SyncState.IDLE,
    )
    rows = db.execute(query.order_by(connections.c.linked_at, connections.c.connection_id).limit(limit))
    return [stored_connection(row) for row in rows.mappings()]


def loading_history(db: Connection, *, now: datetime, limit: int) -> list[StoredConnection]:
    """Synced connections whose provider still loads their history and that are due, the longest due first."""
    query = select(*COLUMNS).where(
        *_may_be_synced(),
        connections.c.first_synced_at.is_not(None),
        connections.c.history_state.in_((HistoryState.NOT_READY, HistoryState.RECENT)),
        connections.c.error_code.is_(None),
        connections.c.next_sync_at <= now,
        or_(connections.c.lease_until.is_(None), connections.c.lease_until < now),
    )
    rows = db.execute(query.order_by(connections.c.next_sync_at).limit(limit)).mappings()
    return [stored_connection(row) for row in rows]


def _may_be_synced() -> tuple[ColumnElement[bool], ...]:
    return (
        connections.c.state.not_in((ConnectionState.REVOKED, ConnectionState.ERASED)),
        connections.c.error_code.is_distinct_from(LINK_UNCLEAR),
    )
