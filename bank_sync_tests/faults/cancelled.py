"""A Dagster run worker that is cancelled: one sync job, in a process that takes signals as workers do.

Belongs here: that process. Run as `python -m bank_sync_tests.faults.cancelled CONNECTION NOW`; settings come
from the environment.
"""

from __future__ import annotations

import sys
from datetime import datetime

from dagster._utils.interrupts import capture_interrupts

from bank_sync.orchestration.launch import open_instance, sync_connection
from bank_sync.settings import load_settings


def main() -> None:
    """Run the job of one connection."""
    connection_id, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
    with open_instance(load_settings()) as instance, capture_interrupts():
        sync_connection(instance, connection_id, clock=lambda: now)


if __name__ == "__main__":
    main()
