"""The code location `bank_sync`, as `workspace.yaml` names it."""

import dagster as dg

from bank_sync.orchestration.build import build_definitions


@dg.definitions
def defs() -> dg.Definitions:
    """Built when Dagster loads the location; nothing is connected before a run or tick starts."""
    return build_definitions()
