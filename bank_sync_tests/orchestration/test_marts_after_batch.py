"""The models are rebuilt after batches: once for all of them, and not too often."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg
import pytest

from bank_sync.orchestration.triggers.marts import BATCH_JOBS, BUILD_MARTS, marts_after_batch_sensor
from bank_sync_tests.conftest import Clock
from bank_sync_tests.orchestration.conftest import Daemon


@pytest.fixture
def daemon(instance: dg.DagsterInstance, clock: Clock) -> Daemon:
    """A location with the sensor; the jobs do nothing but end."""
    clock.now = datetime.now(UTC)  # Dagster dates runs by the wall clock

    @dg.op
    def nothing() -> None:
        """Does nothing."""

    @dg.job(name=BUILD_MARTS)
    def build() -> None:
        nothing()

    @dg.job(name=BATCH_JOBS[0])
    def batch() -> None:
        nothing()

    sensor = marts_after_batch_sensor(clock=clock)
    location = dg.Definitions(jobs=[build, batch], sensors=[sensor], executor=dg.in_process_executor)
    return Daemon(location, instance, clock)


def test_one_build_for_all_batches(daemon: Daemon, clock: Clock) -> None:
    """No batch, no build; two batches, one build; the next not before a quarter of an hour."""

    def look() -> Sequence[dg.RunRequest]:
        return daemon.sensor("build_marts_after_batch")

    assert look() == []
    for _ in range(2):
        assert daemon.run(dg.RunRequest(), BATCH_JOBS[0]).success
    [request] = look()
    assert [one.run_key for one in look()] == [request.run_key]  # until there is a run
    time.sleep(0.01)  # real: Dagster's own clock has to move on
    daemon.run(request, BUILD_MARTS)
    assert look() == []
    daemon.run(dg.RunRequest(), BATCH_JOBS[0])
    assert look() == []
    clock.advance(minutes=16)
    [later] = look()
    assert later.run_key != request.run_key
