"""Links that were begun and that nobody finished.

Belongs here: their end. Does not belong here: how a link is begun and finished (`sync.linking`).
"""

from __future__ import annotations

from contextlib import suppress

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.models import Credential
from bank_sync.services import Services
from bank_sync.storage import link_attempts, owned
from bank_sync.storage.database import transaction
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.sync.linking import close, finish_at_provider
from bank_sync.sync.onboarding import LinkUnclear

_MOST_TIDIED = 200


def tidy_up(services: Services) -> int:
    """End tries nobody finished; a requisition that was granted after all is stored. Returns how many."""
    now = services.clock()
    with transaction(services.engine) as db:
        overdue = link_attempts.overdue_attempts(db, now=now, limit=_MOST_TIDIED)
    for attempt in overdue:
        connection_id = _granted_after_all(services, attempt)
        state = "finished" if connection_id else "expired"
        close(
            services,
            attempt,
            state,
            connection_id=connection_id,
            error_code=None if connection_id else "abandoned",
        )
    return len(overdue)


def _granted_after_all(services: Services, attempt: LinkAttempt) -> str | None:
    """Only a requisition lives without the browser: it is stored when it was granted, else deleted."""
    if attempt.start.get("kind") != "redirect":
        return None
    with transaction(services.engine) as db:
        user_reference = owned.reference_of(db, attempt.user_id)
    try:
        return finish_at_provider(services, attempt, user_reference, {})
    except LinkUnclear as unclear:
        return unclear.connection_id
    except ProviderError:
        _delete_requisition(services, attempt)
    return None


def _delete_requisition(services: Services, attempt: LinkAttempt) -> None:
    left = Credential("", attempt.provider, attempt.reference, attempt.reference)
    with suppress(ProviderError):  # it ends by itself in a day; deleting it is good manners
        services.provider(attempt.provider).end_link(left)
