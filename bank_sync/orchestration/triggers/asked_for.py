"""The sensor of syncs that people asked for.

Belongs here: from a row to a run. Does not belong here: what may be asked for (`sync.asking`).
"""

import dagster as dg
from sqlalchemy import Connection

from bank_sync.orchestration.partitions import ASKED_FOR, CONNECTIONS, run_tags
from bank_sync.orchestration.triggers.watches import Watch
from bank_sync.services import Services
from bank_sync.storage.connections import get_connection
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import SyncRequest, note_started, waiting_requests

_MOST_RUNS_PER_TICK = 100


def _asked_for(instance: dg.DagsterInstance, services: Services) -> dg.SensorResult | dg.SkipReason:
    with transaction(services.engine) as db:
        found = waiting_requests(db, limit=_MOST_RUNS_PER_TICK)
    if not found:
        return dg.SkipReason("Nobody asks.")
    known = instance.get_existing_dynamic_partitions(CONNECTIONS, [one.connection_id for one in found])
    served = [one for one in found if one.connection_id in known]
    if not served:
        return dg.SkipReason("Those asked for wait for their first sync.")
    with transaction(services.engine) as db:
        requests = [_run(db, one) for one in served]
        note_started(db, [one.request_id for one in served], now=services.clock())
    return dg.SensorResult(run_requests=requests)


def _run(db: Connection, request: SyncRequest) -> dg.RunRequest:
    connection = get_connection(db, request.connection_id)
    return dg.RunRequest(
        run_key=f"asked:{request.request_id}",
        partition_key=request.connection_id,
        tags=run_tags(connection, kind=ASKED_FOR),
    )


ASKED_FOR_SYNCS = Watch("asked_for", 5, "Starts the syncs that people asked for.", _asked_for)
