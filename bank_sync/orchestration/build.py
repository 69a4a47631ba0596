"""How the code location is put together.

Belongs here: `build_definitions` and nothing else. Takes what may differ (settings, clock) as arguments, so
that tests build the same location over a fresh database.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import dagster as dg

from bank_sync.orchestration.asked_for import asked_for_sensor, tidy_links_sensor
from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.automation import (
    new_connections_sensor,
    refresh_due_schedule,
    sync_connection,
)
from bank_sync.orchestration.checks import CHECKS
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

    return dg.Definitions(
        assets=list(CONNECTION_ASSETS),
        asset_checks=list(CHECKS),
        jobs=[sync_connection],
        schedules=[refresh_due_schedule(fresh)],
        sensors=[new_connections_sensor(fresh), asked_for_sensor(fresh), tidy_links_sensor(fresh)],
        resources={"services": services},
        # A process per step would cost seconds each; runs are what is parallel.
        executor=dg.in_process_executor,
    )
