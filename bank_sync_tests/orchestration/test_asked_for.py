"""Syncs that people ask for through the web: one run each, with the reserve; links nobody finished end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.models import AskedBy
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.orchestration.reporting import asked_by
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage.connections import ensure_user, get_connection
from bank_sync.storage.database import transaction
from bank_sync.sync.asking import AskOutcome, ask
from bank_sync.sync.linking import LinkWish, start_new
from bank_sync_tests.conftest import Clock


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The real Dagster instance, on PostgreSQL."""
    with open_instance(settings) as opened:
        yield opened


def tick(settings: Settings, clock: Clock, instance: dg.DagsterInstance, name: str) -> object:
    """One evaluation of a sensor."""
    sensor = build_definitions(settings, clock=clock).resolve_sensor_def(name)
    return sensor(dg.build_sensor_context(instance=instance)) if name == "asked_for" else sensor()


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
    assert isinstance(tick(settings, clock, instance, "asked_for"), dg.SkipReason)
    outcomes = [ask(services, connection, by="user_1").outcome for _ in range(2)]
    assert outcomes == [AskOutcome.QUEUED, AskOutcome.ALREADY_QUEUED]
    assert isinstance(tick(settings, clock, instance, "asked_for"), dg.SkipReason)
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    requests = tick(settings, clock, instance, "asked_for")
    assert isinstance(requests, list)
    [request] = requests
    assert request.partition_key == connection_id
    assert isinstance(tick(settings, clock, instance, "asked_for"), dg.SkipReason)
    run = dg.DagsterRun(job_name="x", tags={**request.tags, "dagster/sensor_name": "asked_for"})
    assert asked_by(run) is AskedBy.PERSON
    assert ask(services, connection, by="user_1").outcome is AskOutcome.QUEUED
    [second] = tick(settings, clock, instance, "asked_for")  # type: ignore[misc]  # a list again
    assert second.run_key != request.run_key


@pytest.mark.parametrize("granted", [True, False])
def test_tidy_links(
    settings: Settings,
    services: Services,
    clock: Clock,
    instance: dg.DagsterInstance,
    granted: bool,  # noqa: FBT001 - a table
) -> None:
    """A requisition granted by somebody who never came back is stored; one that was not is deleted."""
    with transaction(services.engine) as db:
        user_id = ensure_user(db, "alice", now=services.clock())
    wish = LinkWish(
        provider="gocardless",
        country="GB",
        institution_id="SANDBOXFINANCE_SFIN0000",
        redirect_url="http://127.0.0.1/back",
    )
    attempt = start_new(services, user_id, wish)
    if granted:
        assert httpx.get(attempt.start["url"], params={"auto": "1"}).is_redirect
    clock.advance(minutes=31)
    tick(settings, clock, instance, "tidy_links")
    with services.engine.connect() as db:
        [told] = db.execute(text("SELECT state, connection_id, start FROM bank.link_attempts"))
        stored = list(db.execute(text("SELECT connection_id FROM bank.connections")).scalars())
    assert told.state == ("finished" if granted else "expired")
    assert stored == ([told.connection_id] if granted else [])
    assert told.start == {}
    if not granted:
        gone = httpx.get(attempt.start["url"], params={"auto": "1"})
        assert gone.status_code == 404
