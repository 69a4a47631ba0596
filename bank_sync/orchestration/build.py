"""How the code location is put together.

Belongs here: `build_definitions` and nothing else. Takes what may differ (settings, clock) as arguments, so
that tests build the same location over a fresh database.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.automation import SYNC_CONNECTION, sync_connection
from bank_sync.orchestration.batch import refresh_due_schedule, refresh_job
from bank_sync.orchestration.category_model import (
    category_drift,
    category_model,
    retrain_categories,
    retrain_categories_schedule,
)
from bank_sync.orchestration.checks import CHECKS, FLEET_CHECKS
from bank_sync.orchestration.triggers.asked_for import ASKED_FOR_SYNCS
from bank_sync.orchestration.triggers.erasures import erasures_sensor
from bank_sync.orchestration.triggers.failures import failed_runs_sensor
from bank_sync.orchestration.triggers.freshness import check_freshness, check_freshness_schedule
from bank_sync.orchestration.triggers.links import links_under_way_sensor
from bank_sync.orchestration.triggers.starts import CONNECTION_RECOVERY, NEW_CONNECTIONS
from bank_sync.orchestration.triggers.upkeep import CHORES
from bank_sync.orchestration.triggers.webhooks import WEBHOOK_INBOX
from bank_sync.services import Clock, Services, open_services, utc_now
from bank_sync.settings import Settings, load_settings


def build_definitions(settings: Settings | None = None, *, clock: Clock = utc_now) -> dg.Definitions:
    """The `bank_sync` code location; settings are read when a run or tick starts unless given."""

    def fresh() -> AbstractContextManager[Services]:
        return open_services(settings or load_settings(), clock=clock)

    @dg.resource(description="Database, cipher and providers, built from the settings of the process.")
    def services() -> Iterator[Services]:
        with fresh() as opened:
            yield opened

    @dg.resource(description="The same for a batch, whose workers share them and may wait their turn.")
    def batch_services() -> Iterator[Services]:
        wanted = settings or load_settings()
        with open_services(wanted, clock=clock, workers=3 * wanted.refresh_workers) as opened:
            yield opened

    refresh = refresh_job(lambda: definitions.resolve_job_def(SYNC_CONNECTION))
    chores = [(chore, chore.job()) for chore in CHORES]
    definitions = dg.Definitions(
        assets=[*CONNECTION_ASSETS, category_model],
        asset_checks=[*CHECKS, *FLEET_CHECKS, category_drift],
        jobs=[sync_connection, refresh, check_freshness, retrain_categories, *(job for _, job in chores)],
        schedules=[
            refresh_due_schedule(fresh, refresh),
            check_freshness_schedule,
            retrain_categories_schedule,
            *(chore.schedule(job) for chore, job in chores),
        ],
        sensors=[
            WEBHOOK_INBOX.sensor(fresh, refresh),
            NEW_CONNECTIONS.sensor(fresh),
            CONNECTION_RECOVERY.sensor(fresh),
            failed_runs_sensor(fresh),
            ASKED_FOR_SYNCS.sensor(fresh),
            links_under_way_sensor(fresh),
            erasures_sensor(fresh),
        ],
        resources={"services": services, "batch_services": batch_services},
        # A process per step would cost seconds each; runs are what is parallel.
        executor=dg.in_process_executor,
    )
    return definitions
