"""Linking a bank: from what the browser brings back to a stored connection.

Belongs here: finishing a link. Does not belong here: the pages a person sees and a provider's own link
protocol (`providers`).
"""

from __future__ import annotations

from collections.abc import Mapping

from bank_sync.services import Services
from bank_sync.storage import connections, journal
from bank_sync.storage.database import transaction


def finish_link(
    services: Services, provider_name: str, *, user_reference: str, proof: Mapping[str, str]
) -> str:
    """Exchange the proof and store the connection with its sealed secret; returns the connection_id.

    `proof` is described at `Provider.complete_link`; `user_reference` is the embedding application's opaque
    name of the person.

    Raises:
        ProviderError: the proof is used up, expired or not finished.
        NotFound: the link already belongs to another person.
    """
    linked = services.provider(provider_name).complete_link(proof)
    now = services.clock()
    with transaction(services.engine) as db:
        user_id = connections.ensure_user(db, user_reference, now=now)
        connection_id = connections.add_connection(
            db, services.cipher, user_id=user_id, provider=provider_name, linked=linked, now=now
        )
        journal.record_audit(
            db,
            action="connect",
            actor=user_id,
            connection_id=connection_id,
            details={"provider": provider_name, "institution": linked.institution_name},
        )
    return connection_id
