"""What starts by itself: each new connection once, each due connection at its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.sync import engine
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


def tick_sensor(location: dg.Definitions, instance: dg.DagsterInstance) -> object:
    """One evaluation of `new_connections`."""
    sensor = location.resolve_sensor_def("new_connections")
    return sensor(dg.build_sensor_context(instance=instance))


def tick_schedule(location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock) -> object:
    """One evaluation of `refresh_due`."""
    schedule = location.resolve_schedule_def("refresh_due")
    return schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=clock.now))


def test_new_connection(
    location: dg.Definitions, instance: dg.DagsterInstance, link: Callable[..., str]
) -> None:
    """It gets its partition and one first sync ahead of refreshes; the next tick finds nothing new."""
    connection_id = link("teller")
    result = tick_sensor(location, instance)
    assert isinstance(result, dg.SensorResult)
    assert result.dynamic_partitions_requests is not None
    [added] = result.dynamic_partitions_requests
    assert (added.partitions_def_name, list(added.partition_keys)) == (CONNECTIONS, [connection_id])
    assert result.run_requests is not None
    [request] = result.run_requests
    assert (request.partition_key, request.run_key) == (connection_id, f"first:{connection_id}")
    assert request.tags["bank_sync/provider"] == "teller"
    assert int(request.tags["dagster/priority"]) > 0
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    assert isinstance(tick_sensor(location, instance), dg.SkipReason)


def test_due_connection(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    services: Services,
    clock: Clock,
    link: Callable[..., str],
) -> None:
    """A batch is started once a connection's time has come, and not before."""
    connection_id = link("plaid")
    engine.finish_sync(services, connection_id)
    assert isinstance(tick_schedule(location, instance, clock), dg.SkipReason)
    clock.advance(hours=6, minutes=1)
    requests = tick_schedule(location, instance, clock)
    assert isinstance(requests, list)
    assert len(requests) == 1


def test_first_sync_is_not_started_twice(
    location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock, link: Callable[..., str]
) -> None:
    """The schedule leaves a fresh connection to the sensor for an hour, then sees to it that it is synced."""
    link("plaid")
    assert isinstance(tick_schedule(location, instance, clock), dg.SkipReason)
    clock.advance(hours=1, minutes=1)
    assert isinstance(tick_schedule(location, instance, clock), list)


def test_connection_that_waits_for_its_person(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    services: Services,
    clock: Clock,
    link: Callable[..., str],
) -> None:
    """No state but the end lasts: a refused login is tried again when due, a revoked connection never."""
    link("plaid")
    clock.advance(days=2)
    with services.engine.begin() as db:
        db.exec_driver_sql("UPDATE bank.connections SET state = 'disconnected'")
    assert isinstance(tick_schedule(location, instance, clock), list)
    with services.engine.begin() as db:
        db.exec_driver_sql("UPDATE bank.connections SET state = 'revoked'")
    assert isinstance(tick_schedule(location, instance, clock), dg.SkipReason)
