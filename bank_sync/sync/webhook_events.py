"""What webhooks mean, and what is done about those of one connection, pure.

Belongs here: each provider's kinds of events, and the plan for the events that wait. Does not belong here:
carrying it out (`sync.webhooks`), Dagster's runs, verifying and storing what came.

An event is a hint, never a fact: it makes us ask the provider, whose answer is the newest state there is. So
events may come twice, late or in any order, and an old one undoes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from bank_sync.domain.models import ConnectionState
from bank_sync.storage.inbox_draining import Standing, WaitingEvent

MOST_TRIES = 3
"""Runs that one event may ask for; a run that never reaches the bank is trouble of ours."""

OWNER_WAIT = timedelta(minutes=10)
"""How long an event waits for the link that it may have overtaken."""


class Meaning(StrEnum):
    """What an event makes us do."""

    SYNC = "sync"
    """There is something to read."""
    LOOK = "look"
    """The login may have changed for the worse: the provider is asked."""
    REPAIRED = "repaired"
    """The login works again: the provider is asked, whatever it refused before."""
    EXPIRING = "expiring"
    """Access ends at a known time."""
    NEW_ACCOUNTS = "new_accounts"
    """The bank has accounts that the person did not share."""
    NOTHING = "nothing"
    """Said beside another event, or of no interest."""
    UNKNOWN = "unknown"
    """Nobody has decided what it means."""


_FLOOD = "webhooks"

ASKS_THE_BANK = frozenset({Meaning.SYNC, Meaning.LOOK, Meaning.REPAIRED})

_MEANINGS = {
    "plaid": {
        "TRANSACTIONS/SYNC_UPDATES_AVAILABLE": Meaning.SYNC,
        # sent beside the one above by an older way of reading
        "TRANSACTIONS/INITIAL_UPDATE": Meaning.NOTHING,
        "TRANSACTIONS/HISTORICAL_UPDATE": Meaning.NOTHING,
        "TRANSACTIONS/DEFAULT_UPDATE": Meaning.NOTHING,
        "TRANSACTIONS/TRANSACTIONS_REMOVED": Meaning.NOTHING,
        "TRANSACTIONS/RECURRING_TRANSACTIONS_UPDATE": Meaning.NOTHING,
        "ITEM/ERROR": Meaning.LOOK,
        "ITEM/USER_PERMISSION_REVOKED": Meaning.LOOK,
        "ITEM/USER_ACCOUNT_REVOKED": Meaning.LOOK,
        "ITEM/LOGIN_REPAIRED": Meaning.REPAIRED,
        "ITEM/PENDING_EXPIRATION": Meaning.EXPIRING,
        "ITEM/PENDING_DISCONNECT": Meaning.EXPIRING,
        "ITEM/NEW_ACCOUNTS_AVAILABLE": Meaning.NEW_ACCOUNTS,
        "ITEM/WEBHOOK_UPDATE_ACKNOWLEDGED": Meaning.NOTHING,
        # the browser brings back what these tell
        "LINK/ITEM_ADD_RESULT": Meaning.NOTHING,
        "LINK/SESSION_FINISHED": Meaning.NOTHING,
        "LINK/EVENTS": Meaning.NOTHING,
    },
    "teller": {
        "transactions.processed": Meaning.SYNC,
        "enrollment.disconnected": Meaning.LOOK,
        "account.number_verification.processed": Meaning.NOTHING,
        "webhook.test": Meaning.NOTHING,
    },
}


class Progress(StrEnum):
    """How far the run is that an event asked for."""

    MISSING = "missing"
    UNDER_WAY = "under_way"
    ENDED = "ended"


@dataclass(slots=True)
class Plan:
    """What becomes of the waiting events of one connection; what is in no list waits on.

    Attributes:
        run_key: of the run to ask for; asking twice for one key starts one run.
        claimed: events which that run is for.
        is_urgent: more than new rows is at stake.
        forgives: the provider says that a refused login works again.
        ends_at: when access ends, where an event told it.
    """

    handled: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    parked: list[WaitingEvent] = field(default_factory=list)
    run_key: str | None = None
    claimed: list[int] = field(default_factory=list)
    is_urgent: bool = False
    forgives: bool = False
    ends_at: datetime | None = None
    has_new_accounts: bool = False


def meaning_of(event: WaitingEvent) -> Meaning:
    """What the provider's kind of event stands for."""
    return _MEANINGS.get(event.provider, {}).get(event.kind, Meaning.UNKNOWN)


def without_owner(events: Iterable[WaitingEvent], *, now: datetime) -> Plan:
    """What becomes of events that belong to no connection we know."""
    plan = Plan()
    for event in events:
        meaning = meaning_of(event)
        if meaning is Meaning.NOTHING:
            plan.handled.append(event.event_id)
        elif meaning is Meaning.UNKNOWN or now - event.received_at > OWNER_WAIT:
            plan.parked.append(event)
    return plan


def plan_for(events: Sequence[WaitingEvent], standing: Standing, runs: Mapping[str, Progress]) -> Plan:
    """What becomes of one connection's events, oldest first; `runs` by run_key."""
    plan = Plan()
    asking: list[WaitingEvent] = []
    for event in events:
        if _is_past(event, standing):
            plan.stale.append(event.event_id)
        elif _is_known(event, standing):
            plan.handled.append(event.event_id)
        elif meaning_of(event) in ASKS_THE_BANK:
            asking.append(event)
        else:
            _note(plan, event)
    _plan_run(plan, asking, standing, runs)
    return plan


def _is_past(event: WaitingEvent, standing: Standing) -> bool:
    """Whether something newer than the event stands already."""
    if standing.state in (ConnectionState.REVOKED, ConnectionState.ERASED):
        return True
    if event.received_at < standing.linked_at:
        return True
    was_read_since = standing.read_at is not None and standing.read_at >= event.received_at
    return meaning_of(event) is Meaning.LOOK and event.run_key is None and was_read_since


def _is_known(event: WaitingEvent, standing: Standing) -> bool:
    """A login that was refused already: its person was told, and banks lock accounts for asking again."""
    is_first_look = meaning_of(event) is Meaning.LOOK and event.run_key is None
    return is_first_look and standing.state is ConnectionState.DISCONNECTED


def _note(plan: Plan, event: WaitingEvent) -> None:
    """Events that are settled without asking the bank."""
    meaning = meaning_of(event)
    if meaning is Meaning.EXPIRING:
        ends_at = _ends_at(event.body)
        if ends_at is None:
            plan.parked.append(event)
            return
        plan.ends_at = ends_at  # the newest word on it wins
    elif meaning is Meaning.NEW_ACCOUNTS:
        plan.has_new_accounts = True
    elif meaning is Meaning.UNKNOWN:
        plan.parked.append(event)
        return
    plan.handled.append(event.event_id)


def _plan_run(
    plan: Plan, asking: Sequence[WaitingEvent], standing: Standing, runs: Mapping[str, Progress]
) -> None:
    """One run for all that ask, once nobody reads the connection who may have begun before they came."""
    open_: list[WaitingEvent] = []
    is_in_flood = False
    for event in asking:
        progress = _progress(event, runs)
        is_answered = standing.tried_at is not None and standing.tried_at >= event.received_at
        if event.run_key and is_answered and (progress is Progress.ENDED or is_of_flood(event.run_key)):
            plan.handled.append(event.event_id)
        elif event.run_key and progress is Progress.ENDED and _tries(event.run_key) >= MOST_TRIES:
            plan.parked.append(event)
        elif event.run_key and progress is Progress.UNDER_WAY and is_of_flood(event.run_key):
            is_in_flood = True
        else:
            open_.append(event)
            if progress is Progress.UNDER_WAY:
                return
    if is_in_flood and all(meaning_of(one) is Meaning.SYNC for one in open_):
        return  # more rows can wait for the batch, a login in doubt cannot
    lost = [one for one in open_ if one.run_key and _progress(one, runs) is Progress.MISSING]
    if lost:  # asked for, but the tick ended before the run was made: the same key again
        _ask(plan, [one for one in lost if one.run_key == lost[0].run_key], lost[0].run_key)
    elif open_ and not standing.is_busy:
        _ask(plan, open_, _next_key(open_))


def _progress(event: WaitingEvent, runs: Mapping[str, Progress]) -> Progress:
    """Of the run it asked for; one that asked for none has nothing to wait for."""
    return runs.get(event.run_key, Progress.MISSING) if event.run_key else Progress.ENDED


def _ask(plan: Plan, events: Sequence[WaitingEvent], run_key: str | None) -> None:
    meanings = {meaning_of(one) for one in events}
    plan.run_key = run_key
    plan.claimed = [one.event_id for one in events]
    plan.is_urgent = meanings != {Meaning.SYNC}
    plan.forgives = Meaning.REPAIRED in meanings


def _next_key(events: Sequence[WaitingEvent]) -> str:
    """Named by the newest event, so that a repeated tick asks for the same run."""
    tried = max((_tries(one.run_key) for one in events if one.run_key), default=0)
    newest = max(events, key=lambda one: one.event_id)
    return f"webhook:{newest.connection_id}:{newest.event_id}:{tried + 1}"


def flood_key(plans: Sequence[Plan]) -> str:
    """Of the one batch for all of these, named by the newest event."""
    tried = max((_tries(one.run_key) for one in plans if one.run_key), default=1)
    return f"{_FLOOD}:{max((max(one.claimed) for one in plans), default=0)}:{tried}"


def is_of_flood(run_key: str) -> bool:
    """Whether this is a batch's key, not that of one connection's run."""
    return run_key.startswith(f"{_FLOOD}:")


def _tries(run_key: str) -> int:
    return int(run_key.rsplit(":", 1)[-1])


class _Ending(msgspec.Struct):
    consent_expiration_time: datetime | None = None
    disconnect_time: datetime | None = None


def _ends_at(body: bytes) -> datetime | None:
    """The time of `PENDING_EXPIRATION` and `PENDING_DISCONNECT`; None when it cannot be read."""
    try:
        ending = msgspec.json.decode(body, type=_Ending)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    ends_at = ending.consent_expiration_time or ending.disconnect_time
    return ends_at if ends_at is not None and ends_at.tzinfo is not None else None
