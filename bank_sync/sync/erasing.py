"""A person is forgotten, on request.

Belongs here: telling the providers, then our own tables, in two steps. Does not belong here: what each table
does (`storage.erasure`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from bank_sync.domain.errors import BankSyncError, ProviderError
from bank_sync.domain.models import ConnectionState
from bank_sync.services import Services
from bank_sync.storage import connections, erasure, journal
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import DatabaseError, transaction

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 20
_LOCKED = "55P03"


@dataclass(frozen=True, slots=True)
class Erased:
    """Connections whose rows are gone now, and people who still have to wait for a writer to end."""

    connection_ids: tuple[str, ...]
    waiting: int


def erase_person(services: Services, user_id: str, *, by: str) -> int:
    """Revoke a person's links and make the person nobody; returns how many connections that ends.

    What was stored is deleted soon after, by `finish_erasures`.

    Raises:
        ProviderError: a provider could not be reached; nothing is erased, try again.
    """
    with transaction(services.engine) as db:
        found = [connections.get_connection(db, one) for one in erasure.connections_of(db, user_id)]
    revoked = {one.connection_id: _revoke(services, one) for one in found}
    with transaction(services.engine) as db:
        erasure.end_at_once(db, user_id)
        for one in found:
            details = {"provider": one.provider, "is_revoked": revoked[one.connection_id]}
            journal.record_audit(
                db, action="erase", actor=by, connection_id=one.connection_id, details=details
            )
    return len(found)


def finish_erasures(services: Services, *, patience_s: float = 5.0) -> Erased:
    """Delete what is left of people who asked for it; one that somebody still writes for waits."""
    with transaction(services.engine) as db:
        people = erasure.ended_users(db, limit=_MOST_AT_ONCE)
    gone: list[str] = []
    waiting = 0
    for user_id in people:
        try:
            with transaction(services.engine) as db:
                gone += erasure.delete_all(db, user_id, patience_s=patience_s)
        except DatabaseError as error:
            if error.sqlstate != _LOCKED and not error.is_collision:
                raise
            waiting += 1
    return Erased(tuple(gone), waiting)


def _revoke(services: Services, connection: StoredConnection) -> bool:
    """End the link at the provider; one that has ended there, or cannot be ended by us, holds nothing up.

    Raises:
        ProviderError: it may work later: the link would go on for ever if we forgot it now.
    """
    if connection.state in (ConnectionState.REVOKED, ConnectionState.ERASED):
        return False
    try:
        with transaction(services.engine) as db:
            credential = connections.open_credential(db, services.cipher, connection)
        services.provider(connection.provider).end_link(credential)
    except BankSyncError as error:  # no secret any more, or no key for it, or no provider: we cannot end it
        if isinstance(error, ProviderError) and error.is_transient:
            raise
        _log.warning("%s: its link was not ended: %s", connection.connection_id, type(error).__name__)
        return False
    return True
