"""Sensors that start syncs of single connections: new ones, those still loading their history, failed ones.

Belongs here: which runs a tick asks for. Does not belong here: connections that are due in the ordinary way
(`orchestration.automation`), webhooks (`orchestration.triggers.webhooks`).

Nothing is remembered between ticks but what the database says. A repeated tick asks for the same run keys
again, of which Dagster makes one run each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import dagster as dg

from bank_sync.orchestration.partitions import CONNECTIONS, connection_partitions, run_tags
from bank_sync.orchestration.runs import ended, partitions_with_a_run
from bank_sync.orchestration.triggers.watches import Watch
from bank_sync.services import Services
from bank_sync.storage import beginnings, watch
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync.recovery import reap_stuck

_MOST_RUNS_PER_TICK = 100  # creating a run costs about 0.2 s, a tick may take 60 s


def _new_connections(instance: dg.DagsterInstance, services: Services) -> dg.SensorResult | dg.SkipReason:
    known = set(instance.get_dynamic_partitions(CONNECTIONS))
    with transaction(services.engine) as db:
        added = [one for one in beginnings.connection_ids(db) if one not in known]
        first = beginnings.never_synced(db, limit=_MOST_RUNS_PER_TICK)
        loading = beginnings.loading_history(db, now=services.clock(), limit=_MOST_RUNS_PER_TICK - len(first))
    first, loading = _without_a_run(instance, first), _without_a_run(instance, loading)
    if not (added or first or loading):
        return dg.SkipReason("No connection is new.")
    return dg.SensorResult(
        dynamic_partitions_requests=[connection_partitions.build_add_request(added)] if added else [],
        run_requests=[*map(_first_sync, first), *map(_next_of_history, loading)],
    )


def _recovery(instance: dg.DagsterInstance, services: Services) -> dg.SensorResult | dg.SkipReason:
    reap_stuck(services, ended_of=partial(ended, instance))
    with transaction(services.engine) as db:
        failed = watch.recovering(db, now=services.clock(), limit=_MOST_RUNS_PER_TICK)
    due = _of_partitions(instance, _without_a_run(instance, failed))
    if not due:
        return dg.SkipReason("No failed connection is due.")
    return dg.SensorResult(run_requests=[_next_try(one) for one in due])


def _without_a_run(instance: dg.DagsterInstance, found: Sequence[StoredConnection]) -> list[StoredConnection]:
    """Those that nobody has started yet: a person in the UI, or the tick before."""
    started = partitions_with_a_run(instance, [one.connection_id for one in found])
    return [one for one in found if one.connection_id not in started]


def _of_partitions(instance: dg.DagsterInstance, found: Sequence[StoredConnection]) -> list[StoredConnection]:
    """Those that may be started: the others get their partition first."""
    keys = [one.connection_id for one in found]
    existing = instance.get_existing_dynamic_partitions(CONNECTIONS, keys) if keys else frozenset()
    return [one for one in found if one.connection_id in existing]


def _requests(
    kind: str, key_of: Callable[[StoredConnection], str]
) -> Callable[[StoredConnection], dg.RunRequest]:
    def request(connection: StoredConnection) -> dg.RunRequest:
        return dg.RunRequest(
            run_key=f"{kind}:{connection.connection_id}{key_of(connection)}",
            partition_key=connection.connection_id,
            tags=run_tags(connection, kind=kind),
        )

    return request


def _due_at(connection: StoredConnection) -> str:
    return f":{connection.next_sync_at:%Y%m%dT%H%M%S}"


_first_sync = _requests("first_sync", lambda _: "")
_next_of_history = _requests("history", _due_at)
_next_try = _requests("recovery", _due_at)


NEW_CONNECTIONS = Watch(
    "new_connections",
    30,
    "Adds the partitions of new connections and starts their first sync; goes on, ahead of refreshes, while "
    "the provider still loads a history.",
    _new_connections,
)

CONNECTION_RECOVERY = Watch(
    "connection_recovery",
    60,
    "Starts the next try of failed connections: 15, 30 and 60 minutes after each failure, then daily. Each "
    "try asks the provider with one cheap call first. Frees connections whose run was cancelled or died.",
    _recovery,
)
