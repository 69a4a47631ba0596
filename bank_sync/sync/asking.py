"""A person asks for a sync now.

Belongs here: what can be promised at once. Does not belong here: starting the run, which a sensor does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bank_sync.domain.models import ConnectionState
from bank_sync.domain.quota import Scope
from bank_sync.services import Services
from bank_sync.storage.accounts import account_references
from bank_sync.storage.connections import LINK_UNCLEAR, StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import ask_for_sync


class AskOutcome(StrEnum):
    """What became of the wish."""

    QUEUED = "queued"
    ALREADY_QUEUED = "already_queued"
    LATER = "later"
    """The bank's calls of the day are used up, also the one kept for a person."""
    NEEDS_REPAIR = "needs_repair"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to one wish; `earliest_at` is when it can be asked again, where that is later."""

    connection_id: str
    outcome: AskOutcome
    earliest_at: datetime | None = None


def ask(services: Services, connection: StoredConnection, *, by: str) -> Asked:
    """Queue a sync of one connection, unless it could not read anything now."""
    name = connection.connection_id
    if connection.state in (ConnectionState.REVOKED, ConnectionState.ERASED):
        return Asked(name, AskOutcome.ENDED)
    if connection.state is ConnectionState.DISCONNECTED or connection.error_code == LINK_UNCLEAR:
        return Asked(name, AskOutcome.NEEDS_REPAIR)
    earliest_at = may_be_asked_at(services, connection)
    if earliest_at is not None:
        return Asked(name, AskOutcome.LATER, earliest_at)
    with transaction(services.engine) as db:
        is_new = ask_for_sync(db, name, asked_by=by, now=services.clock())
    return Asked(name, AskOutcome.QUEUED if is_new else AskOutcome.ALREADY_QUEUED)


def may_be_asked_at(services: Services, connection: StoredConnection) -> datetime | None:
    """When the first account may be read again for a person; None when one may be now."""
    if services.quota is None:
        return None
    with transaction(services.engine) as db:
        references = account_references(db, connection.connection_id)
    names = [one.provider_account_id for one in references]
    now = services.clock()
    standings = [
        one
        for one in services.quota.standings(connection.provider, names)
        if one.scope is Scope.TRANSACTIONS and one.used
    ]
    if len(standings) < len(names) or not standings or any(one.person_at <= now for one in standings):
        return None
    return min(one.person_at for one in standings)
