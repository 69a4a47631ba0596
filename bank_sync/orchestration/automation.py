"""The job of one connection.

Belongs here: what a run of one connection does. Does not belong here: what starts it
(`orchestration.triggers`), many of them in one run (`orchestration.batch`).
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import dagster as dg

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.checks import FLEET_CHECKS
from bank_sync.services import Services

ServicesFactory = Callable[[], AbstractContextManager[Services]]

SYNC_CONNECTION = "sync_connection"

sync_connection = dg.define_asset_job(
    SYNC_CONNECTION,
    selection=dg.AssetSelection.assets(*CONNECTION_ASSETS) - dg.AssetSelection.checks(*FLEET_CHECKS),
    description="Pull, project, link, categorize, check and announce one connection.",
)
