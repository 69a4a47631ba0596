"""The sensor of syncs that people asked for.

Belongs here: from a row to a run. Does not belong here: what may be asked for (`sync.asking`).
"""

import dagster as dg
from sqlalchemy import Connection

from bank_sync.orchestration.automation import ServicesFactory, sync_connection
from bank_sync.orchestration.partitions import ASKED_FOR, CONNECTIONS, run_tags
from bank_sync.storage.connections import get_connection
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import SyncRequest, note_started, waiting_requests

_MOST_RUNS_PER_TICK = 100


def asked_for_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every 5 s: a run for each sync that a person asked for."""

    @dg.sensor(
        name="asked_for",
        job=sync_connection,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts the syncs that people asked for.",
    )
    def asked_for(context: dg.SensorEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        with open_services() as services:
            with transaction(services.engine) as db:
                found = waiting_requests(db, limit=_MOST_RUNS_PER_TICK)
            if not found:
                return dg.SkipReason("Nobody asks.")
            known = set(context.instance.get_dynamic_partitions(CONNECTIONS))
            served = [one for one in found if one.connection_id in known]
            with transaction(services.engine) as db:
                requests = [_run(db, one) for one in served]
                note_started(db, [one.request_id for one in served], now=services.clock())
        return requests or dg.SkipReason("Those asked for wait for their first sync.")

    return asked_for


def _run(db: Connection, request: SyncRequest) -> dg.RunRequest:
    connection = get_connection(db, request.connection_id)
    return dg.RunRequest(
        run_key=f"asked:{request.request_id}",
        partition_key=request.connection_id,
        tags=run_tags(connection, kind=ASKED_FOR),
    )
