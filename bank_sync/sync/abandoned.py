"""Links that were begun and whose browser did not come back.

Belongs here: storing those that were granted after all, ending the others. Does not belong here: how a link
is begun and finished (`sync.linking`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bank_sync.domain.errors import BankSyncError, ProviderError
from bank_sync.domain.models import Credential
from bank_sync.services import Services
from bank_sync.storage import link_attempts, owned
from bank_sync.storage.database import transaction
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.sync.linking import close, finish, finish_at_provider
from bank_sync.sync.onboarding import LinkUnclear

_MOST_AT_ONCE = 200
_BROWSER_TIME = timedelta(minutes=1)
"""Nobody is through a bank's login sooner, and a browser that comes back is quicker than we are."""


@dataclass(frozen=True, slots=True)
class LookedAfter:
    """Links that were stored without a browser, and links that ended."""

    finished: int
    ended: int


def look_after(services: Services) -> LookedAfter:
    """Store what banks granted meanwhile, then end what is overdue."""
    now = services.clock()
    with transaction(services.engine) as db:
        away = link_attempts.away_attempts(db, begun_before=now - _BROWSER_TIME, now=now, limit=_MOST_AT_ONCE)
        overdue = link_attempts.overdue_attempts(db, now=now, limit=_MOST_AT_ONCE)
    granted = sum(_is_granted(services, one) for one in away)
    stored = sum(_end(services, one) for one in overdue)
    return LookedAfter(granted + stored, len(overdue) - stored)


def _is_granted(services: Services, attempt: LinkAttempt) -> bool:
    """Ask the provider; trouble is for the next look, and a refusal ends the try."""
    try:
        finish(services, attempt, user_reference=_reference(services, attempt), proof={})
    except LinkUnclear:
        return True
    except BankSyncError:
        return False
    return True


def _end(services: Services, attempt: LinkAttempt) -> bool:
    """Close an overdue try; True when it was granted in the last moment."""
    connection_id = _granted_after_all(services, attempt)
    if connection_id:
        close(services, attempt, "finished", connection_id=connection_id)
    else:
        close(services, attempt, "expired", error_code="abandoned")
    return connection_id is not None


def _granted_after_all(services: Services, attempt: LinkAttempt) -> str | None:
    """Only a requisition lives without the browser: it is stored when it was granted, else deleted."""
    if attempt.start.get("kind") != "redirect":
        return None
    try:
        return finish_at_provider(services, attempt, _reference(services, attempt), {})
    except LinkUnclear as unclear:
        return unclear.connection_id
    except ProviderError:
        _delete_requisition(services, attempt)
    except BankSyncError:  # it belongs to somebody else, or the provider is not configured any more
        pass
    return None


def _reference(services: Services, attempt: LinkAttempt) -> str:
    with transaction(services.engine) as db:
        return owned.reference_of(db, attempt.user_id)


def _delete_requisition(services: Services, attempt: LinkAttempt) -> None:
    left = Credential("", attempt.provider, attempt.reference, attempt.reference)
    with suppress(ProviderError):  # it ends by itself in a day; deleting it is good manners
        services.provider(attempt.provider).end_link(left)
