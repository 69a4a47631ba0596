"""People's connections and their sealed credentials.

Belongs here: reading and writing `bank.users`, `bank.connections`, `bank.credentials`. Does not belong here:
what a state means for the next sync (`sync.cadence`), accounts (`storage.accounts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, case, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from ulid import ULID

from bank_sync.domain.errors import NEEDS_USER, TRANSIENT, NotFound, ProviderError
from bank_sync.domain.models import ConnectionState, Credential, HistoryState, Linked, SyncState
from bank_sync.security.cipher import Cipher, Sealed
from bank_sync.storage.tables import connections, credentials, users

LINK_UNCLEAR = "link_unclear"
"""Error code of a link of which a person has to say what it is (`storage.relinks`)."""


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """One row of `bank.connections`."""

    connection_id: str
    user_id: str
    provider: str
    provider_connection_id: str
    institution_id: str | None
    institution_name: str
    state: ConnectionState
    sync_state: SyncState
    error_code: str | None
    error_recovery: str | None
    history_days: int | None
    history_state: HistoryState | None
    generation: int
    consent_expires_at: datetime | None
    linked_at: datetime
    first_synced_at: datetime | None
    last_synced_at: datetime | None
    next_sync_at: datetime
    next_sync_reason: str | None


def stored_connection(row: RowMapping) -> StoredConnection:
    """A row of `COLUMNS`."""
    return StoredConnection(**row)


COLUMNS = [connections.c[name] for name in StoredConnection.__slots__]


def ensure_user(db: Connection, external_reference: str, *, now: datetime) -> str:
    """The user_id behind the embedding application's opaque reference; made on first use."""
    statement = insert(users).values(
        user_id=f"user_{str(ULID()).lower()}", external_reference=external_reference, created_at=now
    )
    db.execute(statement.on_conflict_do_nothing(index_elements=["external_reference"]))
    found = select(users.c.user_id).where(users.c.external_reference == external_reference)
    return str(db.execute(found).scalar_one())


def add_connection(
    db: Connection, cipher: Cipher, *, user_id: str, provider: str, linked: Linked, now: datetime
) -> str:
    """Store a finished link with its sealed secret; linking the same one again renews the secret.

    Returns:
        The connection_id: new, or the existing one of this provider connection.
    """
    connection_id = f"conn_{str(ULID()).lower()}"
    facts = facts_of(linked, now)
    statement = insert(connections).values(
        connection_id=connection_id,
        user_id=user_id,
        provider=provider,
        provider_connection_id=linked.provider_connection_id,
        sync_state=SyncState.IDLE,
        **facts,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["provider", "provider_connection_id"],
        set_=facts,
        where=connections.c.user_id == user_id,
    )
    stored: str | None = db.execute(statement.returning(connections.c.connection_id)).scalar()
    if stored is None:
        raise NotFound("This bank link belongs to another person. Start a new link.")
    seal_credential(db, cipher, connection_id=stored, provider=provider, secret=linked.secret, now=now)
    return stored


def facts_of(linked: Linked, now: datetime) -> dict[str, object]:
    """What a finished link says of its connection: healthy, and due at once."""
    return {
        "institution_id": linked.institution_id,
        "institution_name": linked.institution_name,
        "state": ConnectionState.CONNECTED,
        "error_code": None,
        "error_recovery": None,
        "history_days": linked.history_days,
        "consent_expires_at": linked.consent_expires_at,
        "linked_at": now,
        "next_sync_at": now,
        "next_sync_reason": "It was just linked, so it is read at once.",
    }


def seal_credential(
    db: Connection, cipher: Cipher, *, connection_id: str, provider: str, secret: str, now: datetime
) -> None:
    """Store a secret sealed for its connection, in place of an older one."""
    sealed = cipher.seal(secret, provider=provider, connection_id=connection_id)
    values = {
        "provider": provider,
        "key_id": sealed.key_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "sealed_at": now,
    }
    statement = insert(credentials).values(connection_id=connection_id, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["connection_id"], set_=values))


def get_connection(db: Connection, connection_id: str) -> StoredConnection:
    """One connection.

    Raises:
        NotFound: there is none with this id.
    """
    query = select(*COLUMNS).where(connections.c.connection_id == connection_id)
    row = db.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(
            f"There is no connection {connection_id!r}. List them with `bank-sync connections list`."
        )
    return stored_connection(row)


def list_connections(db: Connection) -> list[StoredConnection]:
    """All connections, oldest link first."""
    query = select(*COLUMNS).order_by(connections.c.linked_at, connections.c.connection_id)
    return [stored_connection(row) for row in db.execute(query).mappings()]


def due_connections(db: Connection, *, now: datetime, limit: int) -> list[StoredConnection]:
    """Connections whose next sync is due, the longest overdue first; those never synced come before all.

    A login that was refused is tried again too, as seldom as its breaker allows: no state but the end lasts.
    """
    query = (
        select(*COLUMNS)
        .where(
            connections.c.next_sync_at <= now,
            connections.c.state.not_in((ConnectionState.REVOKED, ConnectionState.ERASED)),
            connections.c.error_code.is_distinct_from(LINK_UNCLEAR),
        )
        .order_by(connections.c.first_synced_at.is_not(None), connections.c.next_sync_at)
        .limit(limit)
    )
    return [stored_connection(row) for row in db.execute(query).mappings()]


def open_credential(db: Connection, cipher: Cipher, connection: StoredConnection) -> Credential:
    """The credential of a connection, opened.

    Raises:
        NotFound: the connection has none any more.
        CredentialUnreadable: it does not open with the keyring.
    """
    query = select(credentials).where(credentials.c.connection_id == connection.connection_id)
    row = db.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"Connection {connection.connection_id} has no credential. Connect the bank again.")
    sealed = Sealed(key_id=row.key_id, nonce=row.nonce, ciphertext=row.ciphertext)
    return Credential(
        connection_id=connection.connection_id,
        provider=connection.provider,
        provider_connection_id=connection.provider_connection_id,
        secret=cipher.open(sealed, provider=connection.provider, connection_id=connection.connection_id),
    )


def begin_generation(db: Connection, connection_id: str) -> None:
    """From now on, keys that are not told again say nothing: the link or its cursor is a new one."""
    update_connection(db, connection_id, generation=connections.c.generation + 1, history_state=None)


def locked_generation(db: Connection, connection_id: str) -> int:
    """The generation, which nobody can change until the transaction ends."""
    query = select(connections.c.generation).where(connections.c.connection_id == connection_id)
    return int(db.execute(query.with_for_update(read=True, key_share=False)).scalar_one())


def mark_completed(
    db: Connection, connection_id: str, *, now: datetime, next_sync_at: datetime, reason: str
) -> StoredConnection:
    """A sync has gone through: the connection is healthy again, whatever it was before."""
    healthy = {
        "state": _unless_ended(ConnectionState.CONNECTED),
        "sync_state": SyncState.COMPLETED,
        "error_code": None,
        "error_recovery": None,
        "failures": 0,
        "first_failed_at": None,
        "told_at": None,
        "last_synced_at": now,
        "first_synced_at": func.coalesce(connections.c.first_synced_at, now),
        "next_sync_at": next_sync_at,
        "next_sync_reason": reason,
    }
    statement = update(connections).where(connections.c.connection_id == connection_id).values(**healthy)
    return stored_connection(db.execute(statement.returning(*COLUMNS)).mappings().one())


def mark_failed(
    db: Connection, connection_id: str, error: ProviderError, *, next_sync_at: datetime, reason: str
) -> None:
    """A sync has failed; a transient failure leaves the connection's state as it was."""
    values: dict[str, object] = {
        "sync_state": SyncState.FAILED,
        "error_code": error.code,
        "error_recovery": error.recovery,
        "next_sync_at": next_sync_at,
        "next_sync_reason": reason,
    }
    if error.recovery in NEEDS_USER:
        values["state"] = _unless_ended(ConnectionState.DISCONNECTED)
    elif error.recovery not in TRANSIENT:
        values["state"] = _unless_ended(ConnectionState.ERROR)
    update_connection(db, connection_id, **values)


def _unless_ended(state: ConnectionState) -> ColumnElement[str]:
    """A sync that was under way when the person left does not bring the connection back."""
    ended = connections.c.state.in_((ConnectionState.REVOKED, ConnectionState.ERASED))
    return case((ended, connections.c.state), else_=literal(state, connections.c.state.type))


def update_connection(db: Connection, connection_id: str, **values: object) -> None:
    """Set columns of a connection."""
    db.execute(update(connections).where(connections.c.connection_id == connection_id).values(**values))
