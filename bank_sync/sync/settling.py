"""A person says what a new link is that resembles a stored connection.

Belongs here: which connections it may be, and the person's word. Does not belong here: what follows from it
(`sync.onboarding.settle_link`), noticing the resemblance (`sync.relink`).
"""

from __future__ import annotations

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ConnectionState
from bank_sync.services import Services
from bank_sync.storage import owned
from bank_sync.storage.connections import LINK_UNCLEAR, StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync.onboarding import settle_link


def candidates(services: Services, unclear: StoredConnection) -> list[StoredConnection]:
    """The person's other connections to that bank, the one linked last first; none of a clear one."""
    if unclear.error_code != LINK_UNCLEAR:
        return []
    with transaction(services.engine) as db:
        found = owned.owned_connections(db, unclear.user_id, with_ended=True)
    return [one for one in reversed(found) if _may_be(one, unclear)]


def settle(services: Services, unclear: StoredConnection, *, renews: str | None, by: str) -> str:
    """The link renews that connection, or is one of its own; returns the connection_id it goes on under.

    Raises:
        NotFound: nothing is unclear about the link, or it cannot be that connection.
    """
    if renews is not None and renews not in {one.connection_id for one in candidates(services, unclear)}:
        raise NotFound(f"{unclear.connection_id} cannot be {renews}.")
    return settle_link(services, unclear.connection_id, renews=renews, by=by)


def _may_be(one: StoredConnection, unclear: StoredConnection) -> bool:
    same_bank = (one.provider, one.institution_id) == (unclear.provider, unclear.institution_id)
    is_stored = one.state is not ConnectionState.ERASED and one.error_code != LINK_UNCLEAR
    return same_bank and is_stored and one.connection_id != unclear.connection_id
