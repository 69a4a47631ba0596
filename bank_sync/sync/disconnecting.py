"""A person ends a connection.

Belongs here: revoking it at the provider, destroying the secret, saying so. Does not belong here: erasing
what was read (that is the right of erasure, another wish).
"""

from __future__ import annotations

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ConnectionState
from bank_sync.services import Services
from bank_sync.storage import connections, journal, owned
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction


def disconnect(services: Services, connection: StoredConnection, *, by: str) -> None:
    """Revoke at the provider first: a link we forget but the bank does not would go on for ever.

    What was read stays. Ending one that has ended changes nothing.

    Raises:
        ProviderError: the provider did not answer; nothing has changed, try again.
        SettingsError: the provider is not configured.
    """
    if connection.state in (ConnectionState.REVOKED, ConnectionState.ERASED):
        return
    try:
        with transaction(services.engine) as db:
            credential = connections.open_credential(db, services.cipher, connection)
    except NotFound:
        credential = None
    if credential is not None:
        services.provider(connection.provider).end_link(credential)
    with transaction(services.engine) as db:
        owned.end_connection(db, connection.connection_id)
        details = {"provider": connection.provider, "institution": connection.institution_name}
        journal.record_audit(
            db, action="disconnect", actor=by, connection_id=connection.connection_id, details=details
        )
