"""A worker with one batch, in a process that can be killed.

Belongs here: that process. Run as `python -m bank_sync_tests.orchestration.batch_worker NOW`; settings come
from the environment.
"""

from __future__ import annotations

import sys
from datetime import datetime

from dagster._utils.interrupts import capture_interrupts

from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.settings import load_settings


def main() -> None:
    """Sync what is due."""
    now = datetime.fromisoformat(sys.argv[1])
    job = build_definitions(clock=lambda: now).resolve_job_def(REFRESH_DUE_CONNECTIONS)
    with open_instance(load_settings()) as instance, capture_interrupts():
        job.execute_in_process(instance=instance)


if __name__ == "__main__":
    main()
