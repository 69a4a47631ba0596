"""The sensor that drains the inbox of webhooks.

Belongs here: the tick, and how far the runs are that it asked for. Does not belong here: what events mean and
which syncs they call for (`sync.webhooks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import dagster as dg

from bank_sync.orchestration.automation import ServicesFactory, sync_connection
from bank_sync.orchestration.partitions import CONNECTIONS, run_tags
from bank_sync.sync.webhook_events import Progress
from bank_sync.sync.webhooks import Drained, Wanted, drain

_RUN_KEY_TAG = "dagster/run_key"


def webhook_inbox_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every five seconds: a sync for each connection that a provider spoke of."""

    @dg.sensor(
        name="webhook_inbox",
        job=sync_connection,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Groups waiting webhooks by connection and starts one sync for each, ahead of all "
        "others; a flood is left to the next refresh.",
    )
    def webhook_inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        instance = context.instance
        with open_services() as services:
            drained = drain(
                services,
                runs_of=lambda keys: _progress_of(instance, keys),
                partitions=lambda ids: instance.get_existing_dynamic_partitions(CONNECTIONS, list(ids)),
            )
        if not drained.wanted:
            return dg.SkipReason(_why(drained))
        return dg.SensorResult(run_requests=[_request(one) for one in drained.wanted])

    return webhook_inbox


def _request(wanted: Wanted) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=wanted.run_key,
        partition_key=wanted.connection.connection_id,
        tags=run_tags(wanted.connection, kind="webhook"),
    )


def _why(drained: Drained) -> str:
    if drained.left_to_refresh:
        return f"{drained.left_to_refresh} connections of a flood are due at once, for the next refresh."
    return "No webhook calls for a new sync."


def _progress_of(instance: dg.DagsterInstance, keys: Collection[str]) -> Mapping[str, Progress]:
    """How far the runs with these keys are; a key without a run is left out."""
    if not keys:
        return {}
    found = instance.get_runs(dg.RunsFilter(tags={_RUN_KEY_TAG: sorted(keys)}))
    return {
        run.tags[_RUN_KEY_TAG]: Progress.ENDED if run.is_finished else Progress.UNDER_WAY for run in found
    }
