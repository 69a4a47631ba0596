"""When each login was last seen to work.

Belongs here: `checked_at` of `bank.credentials`. Does not belong here: the sealed secrets themselves
(`storage.connections`), what a look finds (`sync.logins`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, or_, select, update

from bank_sync.domain.models import ConnectionState
from bank_sync.storage.connections import COLUMNS, StoredConnection, stored_connection
from bank_sync.storage.tables import connections, credentials

_NOT_LOOKED_AT = (ConnectionState.DISCONNECTED, ConnectionState.REVOKED, ConnectionState.ERASED)


def due_for_a_look(
    db: Connection, ages: Mapping[str, timedelta], *, now: datetime, limit: int
) -> list[StoredConnection]:
    """Connections whose login was sealed or checked longer ago than their provider's age, oldest first."""
    seen_at = func.greatest(credentials.c.checked_at, credentials.c.sealed_at)
    is_due = [(connections.c.provider == name) & (seen_at <= now - age) for name, age in ages.items()]
    if not is_due:
        return []
    query = (
        select(*COLUMNS)
        .join(credentials, credentials.c.connection_id == connections.c.connection_id)
        .where(or_(*is_due), connections.c.state.not_in(_NOT_LOOKED_AT))
        .order_by(seen_at)
        .limit(limit)
    )
    return [stored_connection(row) for row in db.execute(query).mappings()]


def mark_checked(db: Connection, connection_id: str, *, now: datetime) -> None:
    """The provider was asked about this login now."""
    theirs = update(credentials).where(credentials.c.connection_id == connection_id)
    db.execute(theirs.values(checked_at=now))
