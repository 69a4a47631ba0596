"""The asset graph, jobs, schedules, sensors and checks are what the committed text says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorType

from bank_sync_tests.orchestration.definitions import SNAPSHOT

ROOT = Path(__file__).resolve().parents[2]


def test_definitions_are_as_committed(tmp_path: Path) -> None:
    """A change of any of them is seen in review; `make renew-definitions` writes the text anew."""
    now = tmp_path / "definitions.json"
    command = [sys.executable, "-m", "bank_sync_tests.orchestration.definitions", str(now)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "BANK_SYNC_HOME": str(tmp_path)}, check=True)
    assert now.read_text(encoding="utf-8") == SNAPSHOT.read_text(encoding="utf-8")


def test_every_schedule_and_sensor_is_on() -> None:
    """Nothing has to be switched on by hand, and no two schedules start in the same minute of the hour."""
    told = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    minutes: list[str] = []
    for location in told.values():
        for one in (*location["schedules"].values(), *location["sensors"].values()):
            assert one["status"] == "RUNNING"
        minutes += [one["cron"].split()[0] for one in location["schedules"].values()]
    assert len(set(minutes)) == len(minutes)


def test_ticks_are_deleted_by_dagster(instance: dg.DagsterInstance) -> None:
    """A sensor that looks every five seconds leaves 17,000 ticks a day: skipped ones stay for one."""
    kept = instance.get_tick_retention_settings(InstigatorType.SENSOR)
    assert {status.value: days for status, days in kept.items()} == {
        "SKIPPED": 1,
        "FAILURE": 30,
        "SUCCESS": 7,
        "STARTED": 1,
    }
    assert set(instance.get_tick_retention_settings(InstigatorType.SCHEDULE).values()) == {30}
