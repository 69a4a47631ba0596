"""From a failure to what happens next: retries, breakers, the one message, syncs that lost their worker.

Belongs here: which errors concern whom, and noting what follows from them. Does not belong here: the rules
themselves (`domain.trouble`, `domain.breaker`).

The engine calls `refusal_by_breakers` before it asks a provider, `note_failure` in the transaction that notes
a failed attempt, and `close_breakers` in the one that ends a sync. A schedule calls `reap_stuck`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bank_sync.domain.breaker import BreakerRule
from bank_sync.domain.errors import NEEDS_USER, ContractBroken, ProviderError, Recovery
from bank_sync.domain.models import AskedBy
from bank_sync.domain.trouble import NextStep, Tell, Trouble, after_failure
from bank_sync.services import Services
from bank_sync.storage import breakers, budgets, journal, outbox, troubles
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction

INSTITUTION_RULE = BreakerRule(
    connections=5,
    within=timedelta(minutes=15),
    first_open_for=timedelta(minutes=15),
    longest_open_for=timedelta(hours=4),
)
"""Five people of one bank failing, with nobody getting through: the bank is down, not their connections."""

CREDENTIAL_RULE = BreakerRule(
    connections=1,
    within=timedelta(0),
    first_open_for=timedelta(days=1),
    longest_open_for=timedelta(days=7),
)
"""A login that was refused is not tried again by the schedule: banks lock accounts for that."""

_SHOWN_BY_A_LOOK = frozenset({Recovery.RETRY_BACKOFF, *NEEDS_USER})

_TOO_MANY_REQUESTS = 429
_PROBLEMS_OF_OURS = frozenset({"sandbox_not_running", "tls_failed"})

_TEXTS = {
    Tell.CONNECTION_FAILING: "{bank}: updates have not come through for a while. We keep trying every day; "
    "there is nothing you need to do.",
    Tell.RECONNECT_NEEDED: "{bank}: log in to the bank again to go on getting updates.",
}

_log = logging.getLogger(__name__)


def refusal_by_breakers(
    db: Connection, connection: StoredConnection, asked_by: AskedBy, *, now: datetime
) -> ProviderError | None:
    """Let a sync through, as a probe where a breaker is open, or say why not.

    A person may always try a login again; an institution that is down is down for everybody.

    Returns:
        `institution_breaker_open` or `credential_breaker_open` with the time to come back; None to go on.
    """
    rules = [(_institution_key(connection), INSTITUTION_RULE, "institution_breaker_open")]
    if asked_by is AskedBy.SCHEDULE:
        rules.append((_credential_key(connection), CREDENTIAL_RULE, "credential_breaker_open"))
    probing = {}
    known = breakers.find(db, [key for key, _, _ in rules])
    for key, rule, code in rules:
        breaker = known.get(key)
        if breaker is None:
            continue
        admitted = breaker.admitted(rule, connection.connection_id, now)
        if admitted is None:
            return _come_back(connection, code, breaker.retry_at or now, now)
        if admitted != breaker:
            probing[key] = admitted
    for key, probe in probing.items():
        breakers.keep(db, key, probe)
    return None


def note_failure(
    db: Connection, connection: StoredConnection, error: ProviderError, *, now: datetime
) -> datetime:
    """Note what a failed attempt means, in the caller's transaction; returns when the next sync is due."""
    connection_id = connection.connection_id
    trouble = troubles.trouble_of(db, connection_id)
    step = after_failure(error, trouble, now=now, spread=_spread(connection_id, trouble.failures))
    trouble = _told(db, connection, step, now=now)
    troubles.note_trouble(db, connection_id, trouble)
    if error.recovery in NEEDS_USER:
        _trip(db, _credential_key(connection), CREDENTIAL_RULE, connection_id, now)
    elif _is_of_institution(error) and _trip(
        db, _institution_key(connection), INSTITUTION_RULE, connection_id, now
    ):
        _alert(db, connection)
    return step.due_at


def note_success(db: Connection, connection: StoredConnection) -> None:
    """All is well again: the count starts anew, and so does the next episode's message."""
    troubles.note_trouble(db, connection.connection_id, Trouble())
    close_breakers(db, connection)


def close_breakers(db: Connection, connection: StoredConnection) -> None:
    """The provider answered: neither its login nor its bank stands in the way."""
    breakers.forget(db, (_institution_key(connection), _credential_key(connection)))


def needs_look(connection: StoredConnection) -> bool:
    """Whether its last sync failed in a way that one cheap call may show to be mended or not."""
    is_the_banks = connection.error_code != troubles.WORKER_LOST
    return is_the_banks and connection.error_recovery in _SHOWN_BY_A_LOOK


def note_repaired(db: Connection, connection: StoredConnection) -> None:
    """The provider says that a refused login works again: the next sync may try it at once."""
    breakers.forget(db, (_credential_key(connection),))


def reap_stuck(services: Services, *, ended_of: Callable[[Collection[str]], Collection[str]]) -> int:
    """End syncs whose worker is gone; they are due again at once. Returns how many.

    What budgets and quotas no longer need goes by the way.

    Args:
        services: database and clock.
        ended_of: which of these runs have ended, so that nobody waits for the end of their leases.
    """
    with transaction(services.engine) as db:
        reaped = troubles.reap(db, now=services.clock(), ended=ended_of(troubles.at_work(db)))
        budgets.forget_idle(db)
    if services.quota is not None:
        services.quota.forget_old()
    return len(reaped)


def _told(db: Connection, connection: StoredConnection, step: NextStep, *, now: datetime) -> Trouble:
    """Queue the message of this step; the same one is queued once per episode."""
    if step.tell is None or step.trouble.first_failed_at is None:
        return step.trouble
    episode = step.trouble.first_failed_at.isoformat()
    is_new = outbox.enqueue(
        db,
        user_id=connection.user_id,
        connection_id=connection.connection_id,
        kind=step.tell,
        dedupe_key=f"{connection.connection_id}:{step.tell}:{episode}",
        message=_TEXTS[step.tell].format(bank=connection.institution_name),
        details={"since": episode},
        now=now,
    )
    return replace(step.trouble, told_at=now) if is_new else step.trouble


def _trip(db: Connection, key: str, rule: BreakerRule, connection_id: str, now: datetime) -> bool:
    """Count a failure; True when it opened a breaker that was closed."""
    before = breakers.find_or_begin(db, key)
    after = before.failed(rule, connection_id, now)
    breakers.keep(db, key, after)
    return after.is_open and not before.is_open


def _alert(db: Connection, connection: StoredConnection) -> None:
    """Once per opening, to whoever runs this."""
    _log.warning(
        "%s: many connections of institution %s fail; it is asked again in %s",
        connection.provider,
        connection.institution_id,
        INSTITUTION_RULE.first_open_for,
    )
    journal.record_audit(
        db,
        action="institution_breaker_opened",
        actor="sync",
        connection_id=None,
        details={"provider": connection.provider, "institution": connection.institution_id},
    )


def _is_of_institution(error: ProviderError) -> bool:
    """Passing trouble at or behind the provider, other than asking too often."""
    return (
        error.recovery is Recovery.RETRY_BACKOFF
        and error.http_status != _TOO_MANY_REQUESTS
        and error.code not in _PROBLEMS_OF_OURS
        and not isinstance(error, ContractBroken)
    )


def _institution_key(connection: StoredConnection) -> str:
    """Where a connection names no institution, it stands for itself."""
    return f"institution:{connection.provider}:{connection.institution_id or connection.connection_id}"


def _credential_key(connection: StoredConnection) -> str:
    return f"credential:{connection.connection_id}"


def _come_back(connection: StoredConnection, code: str, retry_at: datetime, now: datetime) -> ProviderError:
    return ProviderError(
        provider=connection.provider,
        code=code,
        recovery=Recovery.RETRY_AT,
        retry_after_s=(retry_at - now).total_seconds(),
    )


def _spread(connection_id: str, failures: int) -> float:
    """The same for the same failure, so that one seed replays a story."""
    return random.Random(f"{connection_id}/{failures}").random()  # noqa: S311 - sets apart, hides nothing
