"""What one person owns: every look-up here asks for the owner, so that a foreign id is no id at all.

Belongs here: reading connections, accounts and links on behalf of a person. Does not belong here: what the
pipeline reads for itself (`storage.connections`).
"""

from __future__ import annotations

from sqlalchemy import Connection, select, text

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ConnectionState
from bank_sync.storage.connections import COLUMNS, StoredConnection, stored_connection
from bank_sync.storage.tables import connections, users


def find_user(db: Connection, external_reference: str) -> str | None:
    """The user_id behind a reference; None for a person never seen."""
    query = select(users.c.user_id).where(users.c.external_reference == external_reference)
    found: str | None = db.execute(query).scalar_one_or_none()
    return found


def reference_of(db: Connection, user_id: str) -> str:
    """The embedding application's reference of a person."""
    query = select(users.c.external_reference).where(users.c.user_id == user_id)
    return str(db.execute(query).scalar_one())


def owned_connections(db: Connection, user_id: str, *, with_ended: bool = False) -> list[StoredConnection]:
    """A person's connections, oldest first; those the person ended are left out unless asked for."""
    query = select(*COLUMNS).where(connections.c.user_id == user_id)
    if not with_ended:
        query = query.where(connections.c.state.not_in((ConnectionState.REVOKED, ConnectionState.ERASED)))
    query = query.order_by(connections.c.linked_at, connections.c.connection_id)
    return [stored_connection(row) for row in db.execute(query).mappings()]


def owned_connection(db: Connection, user_id: str, connection_id: str) -> StoredConnection:
    """One of a person's connections, also one the person ended.

    Raises:
        NotFound: the person has none with this id.
    """
    query = select(*COLUMNS).where(
        connections.c.connection_id == connection_id, connections.c.user_id == user_id
    )
    row = db.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such connection.")
    return stored_connection(row)


def transactions_by_connection(db: Connection, user_id: str) -> dict[str, int]:
    """How many live transactions each of a person's connections has."""
    rows = db.execute(text(_COUNTS), {"user_id": user_id})
    return {row.connection_id: row.transactions for row in rows}


_COUNTS = """
SELECT c.connection_id, count(t.transaction_id) AS transactions
FROM bank.connections AS c
LEFT JOIN bank.transactions AS t
    ON t.connection_id = c.connection_id AND t.removed_at IS NULL AND t.superseded_by IS NULL
WHERE c.user_id = :user_id GROUP BY c.connection_id
"""


def end_connection(db: Connection, connection_id: str) -> None:
    """The person has ended it: no state but erased follows, and its secret is gone."""
    values = {"id": connection_id}
    db.execute(text("DELETE FROM bank.credentials WHERE connection_id = :id"), values)
    db.execute(text(_END), values)


_END = """
UPDATE bank.connections SET state = 'revoked', sync_state = 'idle', error_code = NULL, error_recovery = NULL
WHERE connection_id = :id AND state <> 'erased'
"""
