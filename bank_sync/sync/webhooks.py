"""Draining the inbox of webhooks: from waiting events to syncs that somebody has to start.

Belongs here: carrying out the plan for each connection, in one transaction. Does not belong here: what events
mean and what follows (`sync.webhook_events`), starting runs (`orchestration`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection

from bank_sync.notifications import reminders
from bank_sync.notifications.alerts import alert
from bank_sync.services import Services
from bank_sync.storage import connections, inbox_draining, observations
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.inbox_draining import WaitingEvent
from bank_sync.sync import recovery
from bank_sync.sync.batch import LEFT_TO_RECOVERY
from bank_sync.sync.webhook_events import Plan, Progress, flood_key, is_of_flood, plan_for, without_owner

FLOOD = 100
"""More connections than this at once are read together by a batch, not one by one."""

_MOST_EVENTS = 2_000  # what one look takes in; the rest waits for the next

RunsOf = Callable[[Collection[str]], Mapping[str, Progress]]
Partitions = Callable[[Collection[str]], AbstractSet[str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A sync to start; asking again under the same key starts no second one."""

    connection: StoredConnection
    run_key: str


@dataclass(frozen=True, slots=True)
class Drained:
    """What one look at the inbox came to: syncs of single connections to start, and batches by run key."""

    wanted: tuple[Wanted, ...] = ()
    floods: tuple[str, ...] = ()


def drain(services: Services, *, runs_of: RunsOf, partitions: Partitions) -> Drained:
    """Settle what can be settled and say which syncs are wanted.

    Args:
        services: database and clock.
        runs_of: how far the runs with these keys are.
        partitions: which of these connections may be started already.

    An event stays unsettled until a read of its connection began after it: a tick or a run that dies
    in between loses nothing.
    """
    now = services.clock()
    with transaction(services.engine) as db:
        waiting = inbox_draining.waiting(db, limit=_MOST_EVENTS)
        if not waiting:
            return Drained()
        by_connection = _by_connection(waiting)
        plans: dict[str | None, Plan] = {None: without_owner(by_connection.pop(None, []), now=now)}
        ids = [one for one in by_connection if one is not None]
        standings = inbox_draining.standings(db, ids, now=now)
        runs = runs_of({one.run_key for one in waiting if one.run_key})
        for connection_id in ids:
            events = by_connection[connection_id]
            standing = standings.get(connection_id)  # none: the connection is erased
            stale = [one.event_id for one in events]
            plans[connection_id] = plan_for(events, standing, runs) if standing else Plan(stale=stale)
        _settle(services, db, plans)
        asked = {one: plan for one, plan in plans.items() if one is not None and plan.run_key}
        startable = partitions(asked)
        under_way = sum(one is Progress.UNDER_WAY for one in runs.values())
        plans_to_start = {one: plan for one, plan in asked.items() if one in startable}
        return _start(services, db, plans_to_start, is_flood=len(plans_to_start) + under_way > FLOOD)


def _by_connection(waiting: Sequence[WaitingEvent]) -> dict[str | None, list[WaitingEvent]]:
    grouped: dict[str | None, list[WaitingEvent]] = defaultdict(list)
    for event in waiting:
        grouped[event.connection_id].append(event)
    return grouped


def _settle(services: Services, db: Connection, plans: Mapping[str | None, Plan]) -> None:
    """What needs no run."""
    now = services.clock()
    for connection_id, plan in plans.items():
        inbox_draining.settle(db, plan.handled, "handled", now=now)
        inbox_draining.settle(db, plan.stale, "stale", now=now)
        inbox_draining.settle(db, [one.event_id for one in plan.parked], "parked", now=now)
        for event in plan.parked:
            _alert(services, db, event)
        if connection_id is not None and plan.ends_at is not None:
            connections.update_connection(db, connection_id, consent_expires_at=plan.ends_at)
        if connection_id is not None and plan.has_new_accounts:
            reminders.tell_new_accounts(db, connections.get_connection(db, connection_id), now=now)


def _start(services: Services, db: Connection, asked: Mapping[str, Plan], *, is_flood: bool) -> Drained:
    """Each on its own, the urgent ones first; of a flood, a batch takes all that a batch takes."""
    wanted: list[Wanted] = []
    flooding: list[tuple[StoredConnection, Plan]] = []
    for connection_id, plan in sorted(asked.items(), key=lambda one: (not one[1].is_urgent, one[1].claimed)):
        connection = connections.get_connection(db, connection_id)
        is_asked_again = plan.run_key is not None and is_of_flood(plan.run_key)
        if is_asked_again or (is_flood and not plan.is_urgent and connection.first_synced_at is not None):
            flooding.append((connection, plan))
        elif len(wanted) < FLOOD and plan.run_key:
            _note(services, db, connection, plan, plan.run_key)
            wanted.append(Wanted(connection, plan.run_key))
    return Drained(tuple(wanted), _flood(services, db, flooding))


def _flood(
    services: Services, db: Connection, flooding: Sequence[tuple[StoredConnection, Plan]]
) -> tuple[str, ...]:
    """Make these due and note the batch that is for them; gives the run keys of the batches."""
    key_of_all = flood_key([plan for _, plan in flooding])
    keys: dict[str, None] = {}
    for connection, plan in flooding:
        key = plan.run_key if plan.run_key and is_of_flood(plan.run_key) else key_of_all
        connections.update_connection(
            db,
            connection.connection_id,
            next_sync_at=services.clock() - LEFT_TO_RECOVERY,  # so that a batch takes those that failed, too
            next_sync_reason="The provider announced new rows, so it is read at once.",
        )
        _note(services, db, connection, plan, key)
        keys[key] = None
    return tuple(keys)


def _note(services: Services, db: Connection, connection: StoredConnection, plan: Plan, run_key: str) -> None:
    """Which run is for these events, and what they say of the connection."""
    inbox_draining.claim(db, plan.claimed, run_key)
    if plan.forgives:
        recovery.note_repaired(db, connection)
    if not plan.is_urgent:
        observations.note_webhook(db, connection.connection_id, now=services.clock())


def _alert(services: Services, db: Connection, event: WaitingEvent) -> None:
    whose = "of a connection" if event.connection_id else "of no known connection"
    alert(
        db,
        "webhook_parked",
        event.provider,
        event.kind,
        message=f"A webhook {whose} was parked: nothing here knows what to do with it. See "
        "bank.webhook_inbox where state = 'parked'.",
        now=services.clock(),
    )
