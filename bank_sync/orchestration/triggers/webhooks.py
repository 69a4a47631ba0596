"""The sensor that drains the inbox of webhooks.

Belongs here: the tick, and how far the runs are that it asked for. Does not belong here: what events mean and
which syncs they call for (`sync.webhooks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import dagster as dg

from bank_sync.orchestration.automation import SYNC_CONNECTION
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.partitions import CONNECTIONS, PRIORITIES, PRIORITY_TAG, run_tags
from bank_sync.orchestration.runs import RUN_KEY_TAG
from bank_sync.orchestration.triggers.watches import Watch
from bank_sync.services import Services
from bank_sync.sync.webhook_events import Progress
from bank_sync.sync.webhooks import Wanted, drain


def _webhook_inbox(instance: dg.DagsterInstance, services: Services) -> dg.SensorResult | dg.SkipReason:
    drained = drain(
        services,
        runs_of=lambda keys: _progress_of(instance, keys),
        partitions=lambda ids: instance.get_existing_dynamic_partitions(CONNECTIONS, list(ids)),
    )
    if not (drained.wanted or drained.floods):
        return dg.SkipReason("No webhook calls for a new sync.")
    return dg.SensorResult(run_requests=[*map(_single, drained.wanted), *map(_batch, drained.floods)])


def _single(wanted: Wanted) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=wanted.run_key,
        job_name=SYNC_CONNECTION,
        partition_key=wanted.connection.connection_id,
        tags=run_tags(wanted.connection, kind="webhook"),
    )


def _batch(run_key: str) -> dg.RunRequest:
    """A refresh, ahead of first syncs; one that is at it already takes the same connections."""
    return dg.RunRequest(
        run_key=run_key,
        job_name=REFRESH_DUE_CONNECTIONS,
        tags={PRIORITY_TAG: str(PRIORITIES["webhook"])},
    )


def _progress_of(instance: dg.DagsterInstance, keys: Collection[str]) -> Mapping[str, Progress]:
    """How far the runs with these keys are; a key without a run is left out.

    A run that lost its worker is started again under the same key: while one of them goes on, all do.
    """
    if not keys:
        return {}
    found: dict[str, Progress] = {}
    for run in instance.get_runs(dg.RunsFilter(tags={RUN_KEY_TAG: sorted(keys)})):
        key = run.tags[RUN_KEY_TAG]
        is_over = run.is_finished and found.get(key) is not Progress.UNDER_WAY
        found[key] = Progress.ENDED if is_over else Progress.UNDER_WAY
    return found


WEBHOOK_INBOX = Watch(
    "webhook_inbox",
    5,
    "Groups waiting webhooks by connection and starts one sync for each, ahead of all others; one batch for "
    "all of a flood.",
    _webhook_inbox,
)
