"""A real Dagster instance on PostgreSQL, the code location, and ticks as the daemon makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import dagster as dg
import pytest

from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.settings import Settings
from bank_sync_tests.conftest import Clock


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The real Dagster instance, on PostgreSQL."""
    with open_instance(settings) as opened:
        yield opened


@pytest.fixture
def location(settings: Settings, clock: Clock) -> dg.Definitions:
    """The code location over the test's database and clock."""
    return build_definitions(settings, clock=clock)


@dataclass
class Daemon:
    """What Dagster's daemon does with the location, one step at a time."""

    location: dg.Definitions
    instance: dg.DagsterInstance
    clock: Clock
    cursors: dict[str, str | None] = field(default_factory=dict)

    def sensor(self, name: str) -> Sequence[dg.RunRequest]:
        """Tick a sensor, add the partitions it asks for, and give the runs it asks for that are new."""
        repository = self.location.get_repository_def()
        context = dg.SensorEvaluationContext(
            self.instance.get_ref(),
            last_tick_completion_time=None,
            last_run_key=None,
            cursor=self.cursors.get(name),
            repository_name=repository.name,
            repository_def=repository,
            sensor_name=name,
        )
        with context:
            told = repository.get_sensor_def(name).evaluate_tick(context)
        self.cursors[name] = told.cursor
        for wish in told.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions(CONNECTIONS, list(wish.partition_keys))
        return [one for one in told.run_requests or () if not self._has_run(one.run_key)]

    def schedule(self, name: str) -> Sequence[dg.RunRequest]:
        """Tick a schedule and give the runs it asks for."""
        repository = self.location.get_repository_def()
        context = dg.ScheduleEvaluationContext(
            self.instance.get_ref(),
            self.clock(),
            repository_name=repository.name,
            schedule_name=name,
            resources={},
            repository_def=repository,
        )
        with context:
            told = repository.get_schedule_def(name).evaluate_tick(context)
        return list(told.run_requests or ())

    def run(self, request: dg.RunRequest, job_name: str = "sync_connection") -> dg.ExecuteInProcessResult:
        """Carry out a run request in this process."""
        tags = {**request.tags, "dagster/sensor_name": "test"}
        if request.run_key:
            tags["dagster/run_key"] = request.run_key
        return self.location.resolve_job_def(job_name).execute_in_process(
            instance=self.instance, partition_key=request.partition_key, tags=tags, raise_on_error=False
        )

    def chore(self, name: str) -> dg.ExecuteInProcessResult:
        """Tick the schedule of a job and carry out the one run it asks for."""
        [request] = self.schedule(name)
        return self.run(request, name)

    def _has_run(self, run_key: str | None) -> bool:
        return bool(self.instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": run_key or ""})))


@pytest.fixture
def daemon(location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock) -> Daemon:
    """The daemon of this test."""
    return Daemon(location, instance, clock)


@pytest.fixture
def linked(link: Callable[..., str], instance: dg.DagsterInstance) -> Callable[..., str]:
    """Link a bank and add the connection's partition; gives the connection_id."""

    def one(provider: str, user: str = "user_good") -> str:
        connection_id = link(provider, user)
        instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
        return connection_id

    return one
