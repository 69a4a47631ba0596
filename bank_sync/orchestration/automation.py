"""What starts by itself: the job of one connection, the sensor of new ones.

Belongs here: jobs, schedules, sensors. Does not belong here: when a connection is due (`sync.cadence`), many
of them in one run (`orchestration.batch`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import dagster as dg

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.partitions import CONNECTIONS, connection_partitions, run_tags
from bank_sync.services import Services
from bank_sync.storage.connections import StoredConnection, list_connections
from bank_sync.storage.database import transaction

ServicesFactory = Callable[[], AbstractContextManager[Services]]

SYNC_CONNECTION = "sync_connection"

_MOST_RUNS_PER_TICK = 100  # creating a run costs about 0.2 s, a tick may take 60 s
_FIRST_SYNC_PRIORITY = "5"  # a person is waiting for it

sync_connection = dg.define_asset_job(
    SYNC_CONNECTION,
    selection=dg.AssetSelection.assets(*CONNECTION_ASSETS),
    description="Pull, project, link, categorize, check and announce one connection.",
)


def new_connections_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every 30 s: a partition and a first sync for each new connection."""

    @dg.sensor(
        name="new_connections",
        job=sync_connection,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds the partition of each new connection and starts its first sync.",
    )
    def new_connections(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        known = set(context.instance.get_dynamic_partitions(CONNECTIONS))
        with open_services() as services, transaction(services.engine) as db:
            found = [one for one in list_connections(db) if one.connection_id not in known]
        if not found:
            return dg.SkipReason("No connection is new.")
        now_served = found[:_MOST_RUNS_PER_TICK]
        keys = [one.connection_id for one in now_served]
        return dg.SensorResult(
            dynamic_partitions_requests=[connection_partitions.build_add_request(keys)],
            run_requests=[_first_sync(one) for one in now_served],
        )

    return new_connections


def _first_sync(connection: StoredConnection) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"first:{connection.connection_id}",
        partition_key=connection.connection_id,
        tags={**run_tags(connection, kind="first_sync"), "dagster/priority": _FIRST_SYNC_PRIORITY},
    )
