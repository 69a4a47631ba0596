"""Syncing what is due by the library alone: what Dagster is compared with.

    python -m benchmarks.library

Belongs here: a process that does it and says how long it took, and starting such processes. Does not belong
here: who is due (`benchmarks.stage`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime

from bank_sync.services import open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.sync.batch import Batch


def without_dagster(settings: Settings, processes: int = 1) -> dict[str, float]:
    """Sync what is due by the library alone, in processes of their own; adds up what they used."""
    program = [sys.executable, "-m", "benchmarks.library"]
    environment = {**os.environ, **settings.as_environment()}
    running = [
        subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        for _ in range(processes)
    ]
    found = [json.loads(one.communicate()[0]) for one in running]
    wall_s = max(one["wall_s"] for one in found)
    return {
        "synced": sum(one["synced"] for one in found),
        "wall_s": wall_s,
        "cpu_s": sum(one["cpu_s"] for one in found),
    }


def by_the_library() -> dict[str, float]:
    """What each of those processes does."""
    settings = load_settings()
    with open_services(settings, workers=3 * settings.refresh_workers) as services:
        started, cpu = time.monotonic(), time.process_time()
        batch = Batch(services, "library", ends_at=datetime.max.replace(tzinfo=UTC))
        whole = sum(one.is_whole for one in batch.outcomes())
        return {"synced": whole, "wall_s": time.monotonic() - started, "cpu_s": time.process_time() - cpu}


if __name__ == "__main__":
    print(json.dumps(by_the_library()))
