"""How often a connection has failed in a row, and which syncs have lost their worker.

Belongs here: `failures`, `first_failed_at` and `told_at` of `bank.connections`, and the reaper's statement.
Does not belong here: what follows from them (`sync.recovery`), leases as such (`storage.leases`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, or_, select, update

from bank_sync.domain.errors import Recovery
from bank_sync.domain.models import SyncState
from bank_sync.domain.trouble import Trouble
from bank_sync.storage.tables import connections

WORKER_LOST = "worker_lost"
"""Error code of a sync that ended without a word: it says nothing about the bank."""


def trouble_of(db: Connection, connection_id: str) -> Trouble:
    """The failures since the last good sync; the row is locked until the transaction ends."""
    columns = (
        connections.c.failures,
        connections.c.first_failed_at,
        connections.c.told_at,
        connections.c.next_sync_at,
    )
    query = select(*columns).where(connections.c.connection_id == connection_id).with_for_update()
    row = db.execute(query).one()
    return Trouble(row.failures, row.first_failed_at, row.told_at, due_at=row.next_sync_at)


def note_trouble(db: Connection, connection_id: str, trouble: Trouble) -> None:
    """Store them."""
    values = {
        "failures": trouble.failures,
        "first_failed_at": trouble.first_failed_at,
        "told_at": trouble.told_at,
    }
    db.execute(update(connections).where(connections.c.connection_id == connection_id).values(**values))


def at_work(db: Connection) -> list[str]:
    """Who holds the leases of syncs in progress."""
    query = select(connections.c.lease_holder).where(
        connections.c.sync_state == SyncState.IN_PROGRESS, connections.c.lease_holder.is_not(None)
    )
    return list(db.execute(query.distinct()).scalars())


def reap(db: Connection, *, now: datetime, ended: Collection[str]) -> list[str]:
    """Syncs in progress whose lease or holder has ended become failed, due at once; gives connection_ids."""
    is_lost = or_(connections.c.lease_until < now, connections.c.lease_holder.in_(ended))
    statement = (
        update(connections)
        .where(connections.c.sync_state == SyncState.IN_PROGRESS, is_lost)
        .values(
            sync_state=SyncState.FAILED,
            error_code=WORKER_LOST,
            error_recovery=Recovery.RETRY_BACKOFF,
            lease_holder=None,
            lease_until=None,
            next_sync_at=now,
            next_sync_reason="Its last sync lost its worker, so it is read again at once.",
        )
        .returning(connections.c.connection_id)
    )
    return list(db.execute(statement).scalars())
