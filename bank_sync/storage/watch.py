"""Connections that somebody should hear of: access that ends, logins that are refused, data that grow old.

Belongs here: finding them, with when their person was last told. Does not belong here: what is told
(`notifications.reminders`), the state as such (`storage.connections`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, func, literal, or_, select

from bank_sync.domain.errors import TRANSIENT
from bank_sync.domain.models import ConnectionState
from bank_sync.storage.connections import COLUMNS, LINK_UNCLEAR, StoredConnection, stored_connection
from bank_sync.storage.tables import connections, notifications

_OVER = (ConnectionState.REVOKED, ConnectionState.ERASED)
_PROMISE_NOTHING = (ConnectionState.DISCONNECTED, ConnectionState.ERROR, *_OVER)


@dataclass(frozen=True, slots=True)
class Watched:
    """A connection, and when its person was last told of the matter it was found for."""

    connection: StoredConnection
    last_told_at: datetime | None
    told_before: int
    first_failed_at: datetime | None


def expiring(db: Connection, kinds: Collection[str], *, now: datetime, within: timedelta) -> list[Watched]:
    """Connections whose access ends soon, the soonest first; those already refused were told so."""
    query = _watched(kinds).where(
        connections.c.consent_expires_at > now,
        connections.c.consent_expires_at <= now + within,
        connections.c.state.not_in((*_OVER, ConnectionState.DISCONNECTED)),
    )
    return _found(db, query.order_by(connections.c.consent_expires_at))


def disconnected(db: Connection, kinds: Collection[str]) -> list[Watched]:
    """Connections whose login is refused, the longest so first."""
    query = _watched(kinds).where(
        connections.c.state == ConnectionState.DISCONNECTED, connections.c.first_failed_at.is_not(None)
    )
    return _found(db, query.order_by(connections.c.first_failed_at))


def stale(
    db: Connection, kinds: Collection[str], *, now: datetime, promised: Mapping[str, timedelta]
) -> list[Watched]:
    """Connections read longer ago than their provider's promise allows, the oldest first.

    Those that wait for their person, or for a link to be settled, promise nothing.
    """
    query = _watched(kinds).where(
        _read_at() < now - _promise(promised),
        connections.c.state.not_in(_PROMISE_NOTHING),
        connections.c.error_code.is_distinct_from(LINK_UNCLEAR),
    )
    return _found(db, query.order_by(_read_at()))


def recovering(db: Connection, *, now: datetime, limit: int) -> list[StoredConnection]:
    """Connections that failed for a passing reason and are due for another try, the longest due first."""
    query = select(*COLUMNS).where(
        connections.c.failures > 0,
        connections.c.error_recovery.in_(TRANSIENT),
        connections.c.next_sync_at <= now,
        connections.c.state.not_in(_PROMISE_NOTHING),
        or_(connections.c.lease_until.is_(None), connections.c.lease_until < now),
    )
    rows = db.execute(query.order_by(connections.c.next_sync_at).limit(limit)).mappings()
    return [stored_connection(row) for row in rows]


def _read_at() -> ColumnElement[datetime]:
    """The last good sync, or the link where there was none."""
    return func.coalesce(connections.c.last_synced_at, connections.c.linked_at)


def _promise(promised: Mapping[str, timedelta]) -> ColumnElement[timedelta]:
    """Of each row's provider; a provider that is not configured promises nothing."""
    never = literal(timedelta(days=36_500))
    whens = [(connections.c.provider == name, literal(span)) for name, span in promised.items()]
    return case(*whens, else_=never) if whens else never


def _watched(kinds: Collection[str]) -> Select[tuple[object, ...]]:
    theirs = and_(
        notifications.c.connection_id == connections.c.connection_id,
        notifications.c.kind.in_(sorted(kinds)),
    )
    since_linked = and_(theirs, notifications.c.created_at >= connections.c.linked_at)
    last = select(func.max(notifications.c.created_at)).where(theirs).scalar_subquery()
    before = select(func.count()).select_from(notifications).where(since_linked).scalar_subquery()
    return select(
        *COLUMNS, connections.c.first_failed_at, last.label("last_told_at"), before.label("told_before")
    )


def _found(db: Connection, query: Select[tuple[object, ...]]) -> list[Watched]:
    return [_as_watched(row) for row in db.execute(query).mappings()]


def _as_watched(row: RowMapping) -> Watched:
    connection = StoredConnection(**{name: row[name] for name in StoredConnection.__slots__})
    return Watched(connection, row["last_told_at"], row["told_before"], row["first_failed_at"])
