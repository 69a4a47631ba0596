"""The job that runs the checks on all connections at once, every hour.

Belongs here: the job and its schedule. Does not belong here: the checks (`orchestration.checks`).
"""

import dagster as dg

from bank_sync.orchestration.checks import FLEET_CHECKS
from bank_sync.orchestration.partitions import KIND_TAG, PRIORITIES, PRIORITY_TAG

check_freshness = dg.define_asset_job(
    "check_freshness",
    selection=dg.AssetSelection.checks(*FLEET_CHECKS),
    tags={KIND_TAG: "upkeep", PRIORITY_TAG: str(PRIORITIES["upkeep"])},
    description="Check that each connection is as fresh as promised, and that no webhook is parked.",
)

check_freshness_schedule = dg.ScheduleDefinition(
    name="check_freshness",
    job=check_freshness,
    cron_schedule="47 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
