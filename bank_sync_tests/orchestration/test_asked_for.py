"""Syncs that people ask for through the web: one run each, with the reserve."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from bank_sync.domain.models import AskedBy
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.orchestration.reporting import asked_by
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage.connections import get_connection
from bank_sync.storage.database import transaction
from bank_sync.sync.asking import AskOutcome, ask
from bank_sync_tests.conftest import Clock


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The real Dagster instance, on PostgreSQL."""
    with open_instance(settings) as opened:
        yield opened


def tick(settings: Settings, clock: Clock, instance: dg.DagsterInstance) -> object:
    """One evaluation of the sensor."""
    sensor = build_definitions(settings, clock=clock).resolve_sensor_def("asked_for")
    return sensor(dg.build_sensor_context(instance=instance))


def test_asked_for(
    settings: Settings,
    services: Services,
    clock: Clock,
    instance: dg.DagsterInstance,
    link: Callable[..., str],
) -> None:
    """A wish waits for the partition, starts one run that counts as a person's, and is a wish no more."""
    connection_id = link("teller")
    with transaction(services.engine) as db:
        connection = get_connection(db, connection_id)
    assert isinstance(tick(settings, clock, instance), dg.SkipReason)
    outcomes = [ask(services, connection, by="user_1").outcome for _ in range(2)]
    assert outcomes == [AskOutcome.QUEUED, AskOutcome.ALREADY_QUEUED]
    assert isinstance(tick(settings, clock, instance), dg.SkipReason)
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    asked = tick(settings, clock, instance)
    assert isinstance(asked, dg.SensorResult)
    [request] = asked.run_requests or []
    assert request.partition_key == connection_id
    assert isinstance(tick(settings, clock, instance), dg.SkipReason)
    run = dg.DagsterRun(job_name="x", tags={**request.tags, "dagster/sensor_name": "asked_for"})
    assert asked_by(run) is AskedBy.PERSON
    assert ask(services, connection, by="user_1").outcome is AskOutcome.QUEUED
    again = tick(settings, clock, instance)
    assert isinstance(again, dg.SensorResult)
    assert [one.run_key != request.run_key for one in again.run_requests or []] == [True]
