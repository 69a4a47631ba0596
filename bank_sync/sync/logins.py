"""Seeing to logins before they end: each is checked in time, and its person told when it has ended.

Belongs here: which logins are due for a look, and what follows from it. Does not belong here: asking one
provider (`Provider.check_access`), reminders (`notifications.reminders`).

Nothing is exchanged that need not be: Plaid's and Teller's tokens do not end by themselves, and Plaid's
rotation would kill the old token before the new one is stored. GoCardless's application token is the one that
is renewed, by whichever call comes first after four fifths of its life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bank_sync.domain.errors import NEEDS_USER, ProviderError, Recovery
from bank_sync.domain.trouble import OUR_LIMITS
from bank_sync.notifications.alerts import alert
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage import connections, logins
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import reasons, recovery

_LEAD = 0.2  # of the nominal life: what fails to be checked today still has time


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the logins that were due found, by provider."""

    good: Mapping[str, int]
    refused: Mapping[str, int]
    put_off: Mapping[str, int]


def nominal_lives(settings: Settings) -> dict[str, timedelta]:
    """How long a login of each provider is believed without a look."""
    return {
        "plaid": timedelta(days=settings.plaid_token_days),
        "teller": timedelta(days=settings.teller_token_days),
        "gocardless": timedelta(days=settings.gocardless_token_days),
    }


def refresh_logins(services: Services, *, limit: int) -> Checked:
    """Check the logins whose nominal life is nearly over, the longest unchecked first.

    A refusal is noted like that of a sync: the connection waits for its person, who is told once. Where the
    provider is not to be asked now, the rest of its logins waits until next time.
    """
    ages = {name: life * (1 - _LEAD) for name, life in nominal_lives(services.settings).items()}
    configured = {name: age for name, age in ages.items() if name in services.providers}
    with transaction(services.engine) as db:
        due = logins.due_for_a_look(db, configured, now=services.clock(), limit=limit)
    good, refused, put_off = Counter[str](), Counter[str](), Counter[str]()
    closed: set[str] = set()
    for connection in due:
        if connection.provider in closed:
            put_off[connection.provider] += 1
            continue
        try:
            _look(services, connection)
            good[connection.provider] += 1
        except ProviderError as error:
            is_settled = _note(services, connection, error)
            (refused if is_settled else put_off)[connection.provider] += 1
            if error.code in OUR_LIMITS or error.recovery is Recovery.OPERATOR:
                closed.add(connection.provider)
    return Checked(good, refused, put_off)


def _look(services: Services, connection: StoredConnection) -> None:
    with transaction(services.engine) as db:
        credential = connections.open_credential(db, services.cipher, connection)
    access = services.provider(connection.provider).check_access(credential)
    with transaction(services.engine) as db:
        logins.mark_checked(db, connection.connection_id, now=services.clock())
        if access.ends_at is not None:
            connections.update_connection(db, connection.connection_id, consent_expires_at=access.ends_at)


def _note(services: Services, connection: StoredConnection, error: ProviderError) -> bool:
    """Note what a look failed with; True when it ended the login, False when it says nothing about it."""
    now = services.clock()
    with transaction(services.engine) as db:
        if error.recovery not in NEEDS_USER:
            if error.recovery in (Recovery.OPERATOR, Recovery.BUG):
                alert(db, "token_refresh_failed", error.provider, error.code, message=str(error), now=now)
            return False
        due_at = recovery.note_failure(db, connection, error, now=now)
        reason = reasons.why_after(error, due_at - now)
        connections.mark_failed(db, connection.connection_id, error, next_sync_at=due_at, reason=reason)
        logins.mark_checked(db, connection.connection_id, now=now)
        return True
