"""Who syncs a connection now.

Belongs here: the lease on `bank.connections`, and the lock that a running read holds. A lease outlives the
process that took it, so that a worker that died is noticed; the lock ends with its transaction, so that two
workers never read one part at once. Does not belong here: what a sync does (`sync`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, text, update

from bank_sync.domain.models import Part
from bank_sync.storage.tables import connections

LEASE = timedelta(minutes=15)
"""Longer than any pause between two signs of life of a running sync."""


def take(db: Connection, connection_id: str, holder: str, *, now: datetime) -> bool:
    """Take or renew the lease; False while another holder's is running."""
    free = or_(
        connections.c.lease_holder.is_(None),
        connections.c.lease_holder == holder,
        connections.c.lease_until < now,
    )
    taken = update(connections).where(connections.c.connection_id == connection_id, free)
    return db.execute(taken.values(lease_holder=holder, lease_until=now + LEASE)).rowcount == 1


def is_held(db: Connection, connection_id: str, holder: str) -> bool:
    """Whether the lease is this holder's."""
    query = select(connections.c.lease_holder).where(connections.c.connection_id == connection_id)
    return db.execute(query).scalar() == holder


def ends_at(db: Connection, connection_id: str) -> datetime | None:
    """When the running lease ends unless it is renewed."""
    query = select(connections.c.lease_until).where(connections.c.connection_id == connection_id)
    until: datetime | None = db.execute(query).scalar()
    return until


def give_back(db: Connection, connection_id: str, holder: str) -> None:
    """End the lease, if it is still this holder's."""
    theirs = (connections.c.connection_id == connection_id, connections.c.lease_holder == holder)
    db.execute(update(connections).where(*theirs).values(lease_holder=None, lease_until=None))


def try_lock(db: Connection, connection_id: str, part: Part) -> bool:
    """Lock one part of a connection until the transaction ends; False while another worker reads it."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 1))")
    return bool(db.execute(statement, {"name": f"{connection_id}/{part}"}).scalar())
