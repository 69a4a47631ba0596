"""Due connections are started at their time, each once."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from bank_sync.services import Services
from bank_sync.sync import engine
from bank_sync_tests.conftest import Clock


def tick_schedule(location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock) -> object:
    """One evaluation of `refresh_due`."""
    schedule = location.resolve_schedule_def("refresh_due")
    return schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=clock.now))


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
    clock.advance(days=1)
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
