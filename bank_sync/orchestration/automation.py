"""The job of one connection, and the schedule of those that are due.

Belongs here: both. Does not belong here: when a connection is due (`sync.cadence`), what else starts by
itself (`orchestration.triggers`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import dagster as dg

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.checks import FLEET_CHECKS
from bank_sync.orchestration.partitions import CONNECTIONS, run_tags
from bank_sync.services import Services
from bank_sync.storage.connections import StoredConnection, due_connections
from bank_sync.storage.database import transaction
from bank_sync.sync.recovery import reap_stuck

ServicesFactory = Callable[[], AbstractContextManager[Services]]

SYNC_CONNECTION = "sync_connection"

_MOST_RUNS_PER_TICK = 100  # creating a run costs about 0.2 s, a tick may take 60 s

_LEFT_TO_RECOVERY = timedelta(minutes=10)  # the sensor `connection_recovery` starts these; beyond, it did not

sync_connection = dg.define_asset_job(
    SYNC_CONNECTION,
    selection=dg.AssetSelection.assets(*CONNECTION_ASSETS) - dg.AssetSelection.checks(*FLEET_CHECKS),
    description="Pull, project, link, categorize, check and announce one connection.",
)


def refresh_due_schedule(open_services: ServicesFactory) -> dg.ScheduleDefinition:
    """Every five minutes: a run for each connection whose next sync is due."""

    @dg.schedule(
        name="refresh_due",
        job=sync_connection,
        cron_schedule="*/5 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Ends syncs that lost their worker; starts those that are due, longest overdue first.",
    )
    def refresh_due(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        with open_services() as services:
            reap_stuck(services)
            now = services.clock()
            with transaction(services.engine) as db:
                due = due_connections(
                    db, now=now, limit=_MOST_RUNS_PER_TICK, left_to_recovery=_LEFT_TO_RECOVERY
                )
        known = set(context.instance.get_dynamic_partitions(CONNECTIONS))
        requests = [_refresh(one, now) for one in due if one.connection_id in known and not _is_new(one, now)]
        return requests or dg.SkipReason("No connection is due.")

    return refresh_due


def _is_new(connection: StoredConnection, now: datetime) -> bool:
    """Its first sync was just started by the sensor."""
    return connection.first_synced_at is None and now - connection.linked_at < timedelta(hours=1)


def _refresh(connection: StoredConnection, now: datetime) -> dg.RunRequest:
    # The hour is part of the key, so that a run that died without a trace is started again.
    due_at = f"{connection.next_sync_at:%Y%m%dT%H%M%S}:{now:%Y%m%dT%H}"
    return dg.RunRequest(
        run_key=f"refresh:{connection.connection_id}:{due_at}",
        partition_key=connection.connection_id,
        tags=run_tags(connection, kind="refresh"),
    )
