"""What `workspace.yaml` loads for the dbt models.

Belongs here: settings to definitions, nothing else. Does not belong here: the definitions
(`orchestration.dbt_location`).
"""

from __future__ import annotations

import dagster as dg

from bank_sync.orchestration.dbt_location import build_dbt_definitions
from bank_sync.settings import load_settings


@dg.definitions
def defs() -> dg.Definitions:
    """The dbt code location with the settings of this process."""
    return build_dbt_definitions(load_settings())
