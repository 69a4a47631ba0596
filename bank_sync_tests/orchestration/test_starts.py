"""What starts by itself for one connection: first syncs, histories still loading, tries after a failure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.models import HistoryState, SyncState
from bank_sync.orchestration.partitions import CONNECTIONS, PRIORITIES
from bank_sync.providers.retries import TRIES
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections, tables
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import engine
from bank_sync_tests.conftest import Clock
from bank_sync_tests.orchestration.conftest import Daemon

Link = Callable[..., str]


def stored(services: Services, connection_id: str) -> StoredConnection:
    """The connection as it stands."""
    with transaction(services.engine) as db:
        return connections.get_connection(db, connection_id)


def put(services: Services, connection_id: str, **values: object) -> None:
    """Put a connection into a state."""
    with transaction(services.engine) as db:
        connections.update_connection(db, connection_id, **values)


def test_new_connections(daemon: Daemon, services: Services, link: Link) -> None:
    """Partitions for all at once, one first sync each, ahead of refreshes, asked for until it has begun."""
    ids = [link("teller"), link("plaid")]
    requests = daemon.sensor("new_connections")
    assert set(daemon.instance.get_dynamic_partitions(CONNECTIONS)) == set(ids)
    assert [one.partition_key for one in requests] == ids
    assert [one.run_key for one in requests] == [f"first_sync:{one}" for one in ids]
    assert {one.tags["bank_sync/provider"] for one in requests} == {"teller", "plaid"}
    assert int(requests[0].tags["dagster/priority"]) > PRIORITIES["refresh"]
    again = daemon.sensor("new_connections")  # the tick before died
    assert [one.run_key for one in again] == [one.run_key for one in requests]
    by_hand = {"dagster/partition": ids[0]}
    daemon.instance.create_run_for_job(daemon.location.resolve_job_def("sync_connection"), tags=by_hand)
    assert [one.partition_key for one in daemon.sensor("new_connections")] == [ids[1]]
    put(services, ids[0], sync_state=SyncState.IN_PROGRESS)
    assert [one.partition_key for one in daemon.sensor("new_connections")] == [ids[1]]


def test_partition_of_a_connection_that_was_synced_otherwise(
    daemon: Daemon, services: Services, clock: Clock, link: Link
) -> None:
    """It gets its partition and no first sync."""
    connection_id = link("teller")
    put(services, connection_id, first_synced_at=clock(), sync_state=SyncState.COMPLETED)
    assert daemon.sensor("new_connections") == []
    assert list(daemon.instance.get_dynamic_partitions(CONNECTIONS)) == [connection_id]


def test_history_that_is_still_loading(
    daemon: Daemon, services: Services, clock: Clock, linked: Link
) -> None:
    """It is read on when due, ahead of refreshes, until the provider says it is complete."""
    connection_id = linked("plaid")
    [first] = daemon.sensor("new_connections")
    assert daemon.run(first).success
    put(
        services,
        connection_id,
        history_state=HistoryState.RECENT,
        next_sync_at=clock() + timedelta(minutes=2),
    )
    assert daemon.sensor("new_connections") == []
    clock.advance(minutes=2)
    [more] = daemon.sensor("new_connections")
    assert more.run_key is not None
    assert more.run_key.startswith(f"history:{connection_id}:")
    assert int(more.tags["dagster/priority"]) > PRIORITIES["refresh"]
    put(services, connection_id, history_state=HistoryState.COMPLETE)
    assert daemon.sensor("new_connections") == []


def test_recovery(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, clock: Clock, linked: Link
) -> None:
    """Tries after 15, 30 and 60 minutes, each with one cheap call first; then told once, then daily."""
    connection_id = linked("plaid")
    assert daemon.run(daemon.sensor("new_connections")[0]).success
    faults = f"{sandbox.url}/_sandbox/faults"
    down = {"kind": "http_503", "paths": "/plaid/", "retry_after": "0", "times": 1000}
    httpx.post(faults, json={"next": [down]}).raise_for_status()
    clock.now = stored(services, connection_id).next_sync_at
    with pytest.raises(ProviderError):
        engine.pull_accounts(services, connection_id)
    for minutes in (15, 30, 60):
        assert stored(services, connection_id).next_sync_at == clock() + timedelta(minutes=minutes)
        clock.advance(minutes=minutes - 1)
        assert daemon.sensor("connection_recovery") == []
        clock.advance(minutes=1)
        assert daemon.schedule("refresh_due") == []  # left to the recovery
        [request] = daemon.sensor("connection_recovery")
        assert request.partition_key == connection_id
        with pytest.raises(ProviderError):
            engine.pull_accounts(services, connection_id)
    assert stored(services, connection_id).next_sync_at > clock() + timedelta(hours=20)
    with transaction(services.engine) as db:
        kinds: list[str] = list(db.execute(select(tables.notifications.c.kind)).scalars())
    assert kinds == ["first_sync_done", "connection_failing"]
    httpx.delete(faults).raise_for_status()
    clock.now = stored(services, connection_id).next_sync_at
    [request] = daemon.sensor("connection_recovery")
    assert daemon.run(request).success
    assert stored(services, connection_id).error_code is None
    assert daemon.sensor("connection_recovery") == []


def test_health_probe(services: Services, sandbox: RunningSandbox, linked: Link) -> None:
    """After a failure one cheap call is made first, and while it fails no other."""
    connection_id = linked("plaid")
    put(services, connection_id, error_code="INSTITUTION_DOWN", error_recovery="retry_backoff")
    faults = f"{sandbox.url}/_sandbox/faults"
    down = {"kind": "http_503", "paths": "/plaid/item/get", "retry_after": "0", "times": 1000}
    httpx.post(faults, json={"next": [down]}).raise_for_status()
    before = httpx.get(faults).json()["requests"]
    with pytest.raises(ProviderError):
        engine.pull_accounts(services, connection_id)
    assert httpx.get(faults).json() == {"hit": {"http_503": TRIES}, "requests": before + TRIES}
    httpx.delete(faults).raise_for_status()
    assert engine.pull_accounts(services, connection_id).pages == 1
    assert httpx.get(faults).json()["requests"] == before + TRIES + 2


def test_failed_connection_that_nobody_recovers(
    daemon: Daemon, services: Services, clock: Clock, linked: Link
) -> None:
    """With the sensor off, a batch takes it up after ten minutes."""
    connection_id = linked("plaid")
    put(
        services,
        connection_id,
        first_synced_at=clock(),
        failures=1,
        error_code="INSTITUTION_DOWN",
        error_recovery="retry_backoff",
        next_sync_at=clock(),
    )
    clock.advance(minutes=9)
    assert daemon.schedule("refresh_due") == []
    clock.advance(minutes=1)
    assert len(daemon.schedule("refresh_due")) == 1
