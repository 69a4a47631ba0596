"""Who syncs a connection now.

Belongs here: the lease on `bank.connections`, taking that of the next due one, and the lock that a running
read holds. A lease outlives the process that took it, so that a worker that died is noticed; the lock ends
with its transaction, so that two workers never read one part at once. Does not belong here: what a sync does
(`sync`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select, text, update

from bank_sync.domain.errors import TRANSIENT
from bank_sync.domain.models import Part
from bank_sync.storage.tables import connections

LEASE = timedelta(minutes=15)
"""Longer than any pause between two signs of life of a running sync."""

_RENEW_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lease:
    """Who syncs a connection, and until when unless it is renewed; nobody, when there is no holder."""

    holder: str | None
    until: datetime | None

    def is_fresh(self, holder: str, now: datetime) -> bool:
        """Whether it is this holder's and was renewed just now."""
        return self.holder == holder and self.until is not None and self.until > now + LEASE - _RENEW_AFTER


def find(db: Connection, connection_id: str) -> Lease:
    """The lease as it stands; nobody's for a connection that does not exist."""
    columns = (connections.c.lease_holder, connections.c.lease_until)
    row = db.execute(select(*columns).where(connections.c.connection_id == connection_id)).one_or_none()
    return Lease(row[0], row[1]) if row else Lease(None, None)


def take(db: Connection, connection_id: str, holder: str, *, now: datetime, **values: object) -> bool:
    """Take or renew the lease and set other columns with it; False while another holder's is running."""
    free = or_(
        connections.c.lease_holder.is_(None),
        connections.c.lease_holder == holder,
        connections.c.lease_until < now,
    )
    taken = update(connections).where(connections.c.connection_id == connection_id, free)
    taken = taken.values(lease_holder=holder, lease_until=now + LEASE, **values)
    return db.execute(taken).rowcount == 1


def take_next_due(
    db: Connection, provider: str, holder: str, *, now: datetime, new_since: datetime, due_since: datetime
) -> str | None:
    """Take the lease of the provider's connection that is due longest; None when none is free and due.

    Any number of workers may ask at once: each gets another one. Those linked after `new_since` and never
    synced are left to who starts first syncs, and those that failed for a passing reason and are due only
    `due_since` to who starts next tries.
    """
    values = {"provider": provider, "holder": holder, "until": now + LEASE}
    whose = _free_and_due(now, new_since, due_since)
    taken: str | None = db.execute(text(_TAKE_NEXT), {**values, **whose}).scalar()
    return taken


def count_due(db: Connection, *, now: datetime, new_since: datetime, due_since: datetime) -> int:
    """How many connections `take_next_due` would give, over all providers."""
    query = text(f"SELECT count(*) FROM bank.connections WHERE {_FREE_AND_DUE}")  # noqa: S608 - a constant
    return int(db.execute(query, _free_and_due(now, new_since, due_since)).scalar_one())


def _free_and_due(now: datetime, new_since: datetime, due_since: datetime) -> dict[str, object]:
    return {"now": now, "new_since": new_since, "due_since": due_since, "passing": sorted(TRANSIENT)}


_FREE_AND_DUE = """
    next_sync_at <= :now AND state NOT IN ('revoked', 'erased') AND error_code IS DISTINCT FROM 'link_unclear'
    AND (lease_holder IS NULL OR lease_until < :now)
    AND (first_synced_at IS NOT NULL OR linked_at <= :new_since)
    AND (failures = 0 OR error_recovery <> ALL (:passing) OR next_sync_at <= :due_since)
"""

# Due again when the lease ends, or when the sync says: a failed step gives its lease back before
# the failure is noted, and another worker of the batch would take the connection at once.
# Those never synced come first, as in `connections.due_connections`.
_TAKE_NEXT = f"""
UPDATE bank.connections SET lease_holder = :holder, lease_until = :until, next_sync_at = :until
WHERE connection_id = (
    SELECT connection_id FROM bank.connections
    WHERE provider = :provider AND {_FREE_AND_DUE}
    ORDER BY (first_synced_at IS NOT NULL), next_sync_at
    LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING connection_id
"""  # noqa: S608 - built from constants


def give_back(db: Connection, connection_id: str, holder: str) -> None:
    """End the lease, if it is still this holder's."""
    theirs = (connections.c.connection_id == connection_id, connections.c.lease_holder == holder)
    db.execute(update(connections).where(*theirs).values(lease_holder=None, lease_until=None))


def try_lock(db: Connection, connection_id: str, part: Part) -> bool:
    """Lock one part of a connection until the transaction ends; False while another worker reads it."""
    statement = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 1))")
    return bool(db.execute(statement, {"name": f"{connection_id}/{part}"}).scalar())
