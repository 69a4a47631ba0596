"""Sensors that act for people and start no run: links without a browser, and erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from sqlalchemy import text

from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage.connections import get_connection
from bank_sync.storage.database import transaction
from bank_sync.sync.erasing import erase_person
from bank_sync_tests.conftest import Clock


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The real Dagster instance, on PostgreSQL."""
    with open_instance(settings) as opened:
        yield opened


def tick(settings: Settings, clock: Clock, instance: dg.DagsterInstance, name: str) -> object:
    """One evaluation of a sensor."""
    sensor = build_definitions(settings, clock=clock).resolve_sensor_def(name)
    return sensor(dg.build_sensor_context(instance=instance))


def test_erasures(
    settings: Settings,
    services: Services,
    clock: Clock,
    instance: dg.DagsterInstance,
    link: Callable[..., str],
) -> None:
    """Whoever asked to be forgotten is gone after the next tick, and so are the partitions."""
    connection_id = link("teller")
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id, "conn_of_another"])
    with transaction(services.engine) as db:
        user_id = get_connection(db, connection_id).user_id
    erase_person(services, user_id, by="test")
    told = tick(settings, clock, instance, "erasures")
    assert isinstance(told, dg.SensorResult)
    [request] = told.dynamic_partitions_requests or []
    assert list(request.partition_keys) == [connection_id]
    assert not told.run_requests
    with services.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM bank.users")).scalar() == 0
    again = tick(settings, clock, instance, "erasures")
    assert isinstance(again, dg.SensorResult)
    assert not again.dynamic_partitions_requests


def test_links_under_way(settings: Settings, clock: Clock, instance: dg.DagsterInstance) -> None:
    """The tick says what it found; what it does is tested with the links."""
    told = tick(settings, clock, instance, "links_under_way")
    assert isinstance(told, dg.SkipReason)
    assert told.skip_message == "0 links were granted, 0 were never finished."
