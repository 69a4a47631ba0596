"""Due connections are started at their time, each once."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services
from bank_sync.sync import engine
from bank_sync_tests.conftest import Clock


def tick_schedule(location: dg.Definitions, instance: dg.DagsterInstance) -> object:
    """One evaluation of `refresh_due`."""
    schedule = location.resolve_schedule_def("refresh_due")
    return schedule(dg.build_schedule_context(instance=instance))


def test_due_connection(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    services: Services,
    clock: Clock,
    link: Callable[..., str],
) -> None:
    """It is started once its time has come, once per due time, and not before."""
    connection_id = link("plaid")
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    engine.finish_sync(services, connection_id)
    assert isinstance(tick_schedule(location, instance), dg.SkipReason)
    clock.advance(hours=6, minutes=1)
    first, second = tick_schedule(location, instance), tick_schedule(location, instance)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert [one.partition_key for one in first] == [connection_id]
    assert [one.run_key for one in first] == [one.run_key for one in second]


def test_first_sync_is_not_started_twice(
    location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock, link: Callable[..., str]
) -> None:
    """The schedule leaves a fresh connection to the sensor for an hour, then sees to it that it is synced."""
    connection_id = link("plaid")
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    assert isinstance(tick_schedule(location, instance), dg.SkipReason)
    clock.advance(hours=1, minutes=1)
    requests = tick_schedule(location, instance)
    assert isinstance(requests, list)
    assert [one.partition_key for one in requests] == [connection_id]


def test_connection_that_waits_for_its_person(
    location: dg.Definitions,
    instance: dg.DagsterInstance,
    services: Services,
    clock: Clock,
    link: Callable[..., str],
) -> None:
    """No state but the end lasts: a refused login is tried again when due, a revoked connection never."""
    connection_id = link("plaid")
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    clock.advance(days=2)
    with services.engine.begin() as db:
        db.exec_driver_sql("UPDATE bank.connections SET state = 'disconnected'")
    requests = tick_schedule(location, instance)
    assert isinstance(requests, list)
    assert [one.partition_key for one in requests] == [connection_id]
    with services.engine.begin() as db:
        db.exec_driver_sql("UPDATE bank.connections SET state = 'revoked'")
    assert isinstance(tick_schedule(location, instance), dg.SkipReason)
