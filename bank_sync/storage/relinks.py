"""Links that renew a connection, and links of which nobody knows yet what they are.

Belongs here: what a re-link changes on `bank.connections` and `bank.credentials`. Does not belong here: the
ordinary life of a connection (`storage.connections`), the judgement (`sync.relink`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ConnectionState, Linked
from bank_sync.security.cipher import Cipher
from bank_sync.storage.connections import (
    COLUMNS,
    LINK_UNCLEAR,
    StoredConnection,
    facts_of,
    get_connection,
    open_credential,
    seal_credential,
    stored_connection,
    update_connection,
)
from bank_sync.storage.tables import account_details, connections, credentials


def at_same_bank(db: Connection, *, user_id: str, provider: str, linked: Linked) -> list[StoredConnection]:
    """A person's other connections to the same bank at the same provider; erased ones do not count."""
    query = select(*COLUMNS).where(
        connections.c.user_id == user_id,
        connections.c.provider == provider,
        connections.c.institution_id == linked.institution_id,
        connections.c.provider_connection_id != linked.provider_connection_id,
        connections.c.state != ConnectionState.ERASED,
    )
    return [stored_connection(row) for row in db.execute(query.order_by(connections.c.linked_at)).mappings()]


def renew_link(db: Connection, cipher: Cipher, connection_id: str, linked: Linked, *, now: datetime) -> None:
    """Put a new link in the place of an old one and begin the connection's next generation."""
    connection = get_connection(db, connection_id)
    update_connection(
        db,
        connection_id,
        provider_connection_id=linked.provider_connection_id,
        generation=connections.c.generation + 1,
        history_state=None,
        **facts_of(linked, now),
    )
    seal_credential(
        db, cipher, connection_id=connection_id, provider=connection.provider, secret=linked.secret, now=now
    )


def mark_unclear(db: Connection, connection_id: str) -> None:
    """Nobody knows yet whether this link is a connection of its own; it is not synced until settled."""
    update_connection(db, connection_id, state=ConnectionState.ERROR, error_code=LINK_UNCLEAR)


def mark_separate(db: Connection, connection_id: str, *, now: datetime) -> None:
    """The link is a connection of its own.

    Raises:
        NotFound: the connection is not an unclear link.
    """
    _check_unclear(get_connection(db, connection_id))
    settled = "What it is was just settled, so it is read at once."
    update_connection(
        db,
        connection_id,
        state=ConnectionState.CONNECTED,
        error_code=None,
        next_sync_at=now,
        next_sync_reason=settled,
    )


def take_apart(db: Connection, cipher: Cipher, connection: StoredConnection) -> Linked:
    """Remove an unclear link that was never synced, and return what it was made of.

    Raises:
        NotFound: the connection is not an unclear link.
    """
    _check_unclear(connection)
    credential = open_credential(db, cipher, connection)
    theirs = connection.connection_id
    for table in (credentials, account_details, connections):
        db.execute(delete(table).where(table.c.connection_id == theirs))
    return Linked(
        provider_connection_id=connection.provider_connection_id,
        secret=credential.secret,
        institution_id=connection.institution_id,
        institution_name=connection.institution_name,
        consent_expires_at=connection.consent_expires_at,
        history_days=connection.history_days,
    )


def _check_unclear(connection: StoredConnection) -> None:
    if connection.error_code != LINK_UNCLEAR:
        raise NotFound(f"Connection {connection.connection_id} is not waiting to be settled.")
