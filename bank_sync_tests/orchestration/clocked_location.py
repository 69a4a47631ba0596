"""The code location as a test's code server loads it: on the test's clock, and nothing starts by itself.

Belongs here: that location. The clock stands in the file that `CLOCK_FILE` names.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import dagster as dg

from bank_sync.orchestration.build import build_definitions

CLOCK_FILE = "BANK_SYNC_TESTS_CLOCK"


def _now() -> datetime:
    return datetime.fromisoformat(Path(os.environ[CLOCK_FILE]).read_text())


def _without_triggers(whole: dg.Definitions) -> dg.Definitions:
    return dg.Definitions(
        assets=whole.assets,
        asset_checks=whole.asset_checks,
        jobs=whole.jobs,
        resources=whole.resources,
        executor=whole.executor,
    )


definitions = _without_triggers(build_definitions(clock=_now))
