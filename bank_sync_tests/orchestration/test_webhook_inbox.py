"""From webhooks in the inbox to syncs: one per connection and reason, whatever dies in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg
import httpx
import pytest
from sqlalchemy import insert, select, update

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import breakers, connections, tables
from bank_sync.storage.database import transaction
from bank_sync.sync import recovery, webhooks
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.orchestration.conftest import Daemon

Linked = Callable[..., str]
UPDATES = "TRANSACTIONS/SYNC_UPDATES_AVAILABLE"


@pytest.fixture
def receive(services: Services, clock: Clock) -> Callable[..., int]:
    """Put a verified webhook into the inbox; gives its event_id."""

    def received(connection_id: str | None, kind: str = UPDATES, **fields: object) -> int:
        number = str(clock.now.timestamp()) + kind + str(connection_id) + json.dumps(fields)
        row = {
            "provider": fields.pop("provider", "plaid"),
            "dedup_key": number + str(fields.pop("again", "")),
            "environment": "sandbox",
            "kind": kind,
            "provider_item": fields.pop("item", None),
            "connection_id": connection_id,
            "body": json.dumps({"item_id": connection_id, "kind": kind, **fields, "key": number}).encode(),
            "received_at": clock(),
        }
        with transaction(services.engine) as db:
            made = insert(tables.webhook_inbox).values(**row).returning(tables.webhook_inbox.c.event_id)
            return int(db.execute(made).scalar_one())

    return received


def states(services: Services) -> dict[int, str]:
    """State of each event."""
    inbox = tables.webhook_inbox.c
    with transaction(services.engine) as db:
        return {row[0]: row[1] for row in db.execute(select(inbox.event_id, inbox.state))}


def run_keys(services: Services) -> dict[int, str | None]:
    """Which run each event asked for."""
    inbox = tables.webhook_inbox.c
    with transaction(services.engine) as db:
        return {row[0]: row[1] for row in db.execute(select(inbox.event_id, inbox.run_key))}


def read_by(services: Services, run_id: str) -> set[str]:
    """The connections that a run read."""
    attempts = tables.sync_attempts.c
    with transaction(services.engine) as db:
        return set(db.execute(select(attempts.connection_id).where(attempts.run_id == run_id)).scalars())


def told(services: Services) -> list[str]:
    """Kinds of queued messages, in order."""
    query = select(tables.notifications.c.kind).order_by(tables.notifications.c.notification_id)
    with transaction(services.engine) as db:
        return list(db.execute(query).scalars())


def alerts(services: Services) -> list[tuple[str, int]]:
    """Causes of alerts, and how often each was met."""
    query = select(tables.alerts.c.cause, tables.alerts.c.times).order_by(tables.alerts.c.cause)
    with transaction(services.engine) as db:
        return [(row.cause, row.times) for row in db.execute(query)]


def set_connection(services: Services, connection_id: str, **values: object) -> None:
    """Put a connection into a state."""
    with transaction(services.engine) as db:
        connections.update_connection(db, connection_id, **values)


def test_events_of_one_connection_start_one_sync(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """Three events, one run, ahead of all others; they are settled once it has read the bank, and name it."""
    one, other = linked("plaid"), linked("teller")
    clock.advance(seconds=10)
    mine = [receive(one), receive(one, "ITEM/ERROR"), receive(one, "TRANSACTIONS/DEFAULT_UPDATE")]
    theirs = receive(other, "transactions.processed", provider="teller")
    requests = daemon.sensor("webhook_inbox")
    assert [(wish.partition_key, wish.run_key) for wish in requests] == [
        (one, f"webhook:{one}:{mine[1]}:1"),  # the urgent one first
        (other, f"webhook:{other}:{theirs}:1"),
    ]
    assert {wish.tags["dagster/priority"] for wish in requests} == {"10"}
    assert states(services) == {mine[0]: "new", mine[1]: "new", mine[2]: "handled", theirs: "new"}
    clock.advance(seconds=5)
    assert daemon.run(requests[0]).success
    assert daemon.run(requests[1]).success
    assert daemon.sensor("webhook_inbox") == []
    assert set(states(services).values()) == {"handled"}
    with transaction(services.engine) as db:
        query = select(tables.webhook_inbox.c.run_key).where(tables.webhook_inbox.c.event_id == mine[0])
        assert db.execute(query).scalar_one() == requests[0].run_key


def test_tick_that_dies_before_its_run_is_made(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """The next tick asks for the same run again; once there is one, no tick asks for another (F05, F40)."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    receive(connection_id)
    [first] = daemon.sensor("webhook_inbox")
    [again] = daemon.sensor("webhook_inbox")
    assert again.run_key == first.run_key
    clock.advance(seconds=10)
    later = receive(connection_id, "ITEM/LOGIN_REPAIRED")
    [still] = daemon.sensor("webhook_inbox")
    assert still.run_key == first.run_key
    clock.advance(seconds=1)
    assert daemon.run(first).success
    [second] = daemon.sensor("webhook_inbox")
    assert second.run_key == f"webhook:{connection_id}:{later}:1"
    daemon.run(second)
    assert daemon.sensor("webhook_inbox") == []
    assert set(states(services).values()) == {"handled"}


def test_event_while_a_sync_runs(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """The running sync may have read the bank already: a second one follows when it has ended (F48)."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    set_connection(
        services, connection_id, lease_holder="somebody", lease_until=clock() + timedelta(minutes=15)
    )
    receive(connection_id)
    assert daemon.sensor("webhook_inbox") == []
    set_connection(services, connection_id, lease_holder=None, lease_until=None)
    [request] = daemon.sensor("webhook_inbox")
    assert request.partition_key == connection_id


def test_run_that_never_reached_the_bank(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """It is asked for again under another key, three times in all; then the event is parked and told once."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    receive(connection_id)
    for number in (1, 2, 3):
        [request] = daemon.sensor("webhook_inbox")
        assert request.run_key is not None
        assert request.run_key.endswith(f":{number}")
        set_connection(
            services, connection_id, lease_holder="somebody", lease_until=clock() + timedelta(minutes=15)
        )
        assert not daemon.run(request).success
        set_connection(services, connection_id, lease_holder=None, lease_until=None)
    assert daemon.sensor("webhook_inbox") == []
    assert set(states(services).values()) == {"parked"}
    assert alerts(services) == [(f"webhook_parked:plaid:{UPDATES}", 1)]


def test_unknown_kinds_and_orphans(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """Parked, visible in a check, alerted once per kind; what follows them is processed (F06, F15)."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    strange = [receive(connection_id, "ITEM/SOMETHING_NEW", again=number) for number in range(3)]
    orphan = receive(None, item="item-of-nobody")
    good = receive(connection_id)
    [request] = daemon.sensor("webhook_inbox")
    assert request.run_key == f"webhook:{connection_id}:{good}:1"
    assert [states(services)[one] for one in strange] == ["parked"] * 3
    assert states(services)[orphan] == "new"  # its link may be about to be stored
    clock.advance(minutes=11)
    daemon.sensor("webhook_inbox")
    assert states(services)[orphan] == "parked"
    assert alerts(services) == [
        ("webhook_parked:plaid:ITEM/SOMETHING_NEW", 3),
        (f"webhook_parked:plaid:{UPDATES}", 1),
    ]
    checked = daemon.chore("check_freshness")
    verdicts = {one.check_name: one for one in checked.get_asset_check_evaluations()}
    assert not verdicts["no_webhook_parked"].passed
    assert verdicts["no_webhook_parked"].metadata["parked"].value == 4


def test_webhook_that_overtakes_its_link(
    daemon: Daemon, services: Services, linked: Linked, receive: Callable[..., int], clock: Clock
) -> None:
    """Once the link is stored, the event is that connection's."""
    connection_id = linked("plaid")
    with transaction(services.engine) as db:
        item = connections.get_connection(db, connection_id).provider_connection_id
    clock.advance(seconds=1)
    receive(None, item=item)
    [request] = daemon.sensor("webhook_inbox")
    assert request.partition_key == connection_id


@pytest.fixture
def small_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three connections are a flood."""
    monkeypatch.setattr(webhooks, "FLOOD", 2)


@pytest.fixture
def flooded(
    services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> tuple[list[str], list[int]]:
    """Four synced connections that are not due, with news of each; gives their ids and the events'."""
    ids = [linked("plaid", f"script-{number}") for number in range(4)]
    for connection_id in ids:
        sync_connection(services, connection_id)
        set_connection(services, connection_id, next_sync_at=clock() + timedelta(hours=6))
    clock.advance(minutes=10)
    return ids, [receive(connection_id) for connection_id in ids]


@pytest.mark.usefixtures("small_flood")
def test_flood(
    daemon: Daemon,
    services: Services,
    clock: Clock,
    flooded: tuple[list[str], list[int]],
    receive: Callable[..., int],
) -> None:
    """Beyond the limit, one batch at once for all new rows, ahead of others; a login in doubt has its run."""
    ids, events = flooded
    urgent = receive(ids[2], "ITEM/ERROR")
    single, batch = daemon.sensor("webhook_inbox")
    assert (single.job_name, single.partition_key) == ("sync_connection", ids[2])
    assert single.run_key == f"webhook:{ids[2]}:{urgent}:1"
    assert (batch.job_name, batch.run_key) == (REFRESH_DUE_CONNECTIONS, f"webhooks:{events[3]}:1")
    assert batch.tags["dagster/priority"] == "10"
    again = daemon.sensor("webhook_inbox")  # the tick before died
    assert [one.run_key for one in again] == [single.run_key, batch.run_key]
    clock.advance(seconds=5)
    assert daemon.run(single).success
    done = daemon.run(batch, REFRESH_DUE_CONNECTIONS)
    assert done.success
    assert read_by(services, done.run_id) == {ids[0], ids[1], ids[3]}
    assert daemon.sensor("webhook_inbox") == []
    assert set(states(services).values()) == {"handled"}
    assert run_keys(services) == {
        event: single.run_key if event in (events[2], urgent) else batch.run_key for event in states(services)
    }


@pytest.mark.usefixtures("small_flood")
def test_flood_while_its_batch_goes_on(
    daemon: Daemon,
    services: Services,
    clock: Clock,
    flooded: tuple[list[str], list[int]],
    receive: Callable[..., int],
) -> None:
    """What was read is settled at once; more rows wait for the batch, a login in doubt does not."""
    ids, events = flooded
    [batch] = daemon.sensor("webhook_inbox")
    job = daemon.location.resolve_job_def(REFRESH_DUE_CONNECTIONS)
    tags = {"dagster/run_key": batch.run_key or ""}
    run = daemon.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    clock.advance(seconds=1)
    sync_connection(services, ids[0])
    more = receive(ids[1])
    urgent = receive(ids[1], "ITEM/LOGIN_REPAIRED")
    [single] = daemon.sensor("webhook_inbox")
    assert single.run_key == f"webhook:{ids[1]}:{urgent}:1"
    assert states(services) == {events[0]: "handled", more: "new", urgent: "new"} | dict.fromkeys(
        events[1:], "new"
    )
    daemon.instance.report_run_failed(run)  # it died: what it did not read is asked for again
    clock.advance(seconds=1)
    assert daemon.run(single).success
    requests = daemon.sensor("webhook_inbox")
    assert [one.run_key for one in requests] == [
        f"webhook:{ids[2]}:{events[2]}:2",
        f"webhook:{ids[3]}:{events[3]}:2",
    ]


@pytest.mark.usefixtures("small_flood")
def test_flood_of_what_no_batch_takes(
    daemon: Daemon, services: Services, clock: Clock, flooded: tuple[list[str], list[int]]
) -> None:
    """One that failed a moment ago is read with the others; one never synced gets a run of its own."""
    ids, _ = flooded
    set_connection(services, ids[0], failures=1, error_code="X", error_recovery=Recovery.RETRY_BACKOFF)
    set_connection(services, ids[1], first_synced_at=None, linked_at=clock())
    single, batch = daemon.sensor("webhook_inbox")
    assert single.partition_key == ids[1]
    done = daemon.run(batch, REFRESH_DUE_CONNECTIONS)
    assert done.success
    assert read_by(services, done.run_id) == {ids[0], ids[2], ids[3]}


def test_login_that_was_refused_and_repaired(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, linked: Linked, receive: Callable[..., int]
) -> None:
    """The bank is asked; the person is told once, more of the same starts nothing, a repair is tried."""
    connection_id = linked("plaid")
    with transaction(services.engine) as db:
        stored = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, stored).secret
    daemon.clock.advance(seconds=10)
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/break").raise_for_status()
    receive(connection_id, "ITEM/ERROR")
    [request] = daemon.sensor("webhook_inbox")
    assert not daemon.run(request).success
    daemon.clock.advance(minutes=1)
    receive(connection_id, "ITEM/ERROR")
    assert daemon.sensor("webhook_inbox") == []
    assert set(states(services).values()) == {"handled"}
    assert told(services) == ["reconnect_needed"]
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/repair").raise_for_status()
    daemon.clock.advance(minutes=1)
    receive(connection_id, "ITEM/LOGIN_REPAIRED")
    [request] = daemon.sensor("webhook_inbox")
    daemon.clock.advance(seconds=1)
    assert daemon.run(request).success
    with transaction(services.engine) as db:
        assert connections.get_connection(db, connection_id).state == "connected"
        assert breakers.open_breakers(db) == {}


def test_an_old_event_undoes_nothing(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """What was said of a login before the person linked anew, or before a good read, is stale."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    receive(connection_id)
    [request] = daemon.sensor("webhook_inbox")
    before = receive(connection_id, "ITEM/ERROR")
    clock.advance(minutes=1)
    assert daemon.run(request).success
    assert daemon.sensor("webhook_inbox") == []
    assert states(services)[before] == "stale"
    old = receive(connection_id, "ITEM/USER_PERMISSION_REVOKED")
    set_connection(services, connection_id, linked_at=clock() + timedelta(seconds=1))
    assert daemon.sensor("webhook_inbox") == []
    assert states(services)[old] == "stale"


def test_events_that_need_no_sync(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """The end of access is stored, new accounts are told once a week, an unreadable body is parked."""
    connection_id = linked("plaid")
    clock.advance(seconds=10)
    receive(connection_id, "ITEM/PENDING_EXPIRATION", consent_expiration_time="2026-03-20T00:00:00Z")
    receive(connection_id, "ITEM/NEW_ACCOUNTS_AVAILABLE")
    receive(connection_id, "ITEM/NEW_ACCOUNTS_AVAILABLE", again=1)
    broken = receive(connection_id, "ITEM/PENDING_DISCONNECT", disconnect_time="soon")
    assert daemon.sensor("webhook_inbox") == []
    with transaction(services.engine) as db:
        ends_at = connections.get_connection(db, connection_id).consent_expires_at
    assert ends_at == datetime.fromisoformat("2026-03-20T00:00:00Z")
    assert told(services) == ["new_accounts_available"]
    assert {one for one, state in states(services).items() if state == "parked"} == {broken}


def test_events_of_ended_connections(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """Nothing is started for a revoked connection, nor for one without its partition yet."""
    revoked = linked("plaid")
    clock.advance(seconds=10)
    with transaction(services.engine) as db:
        db.execute(update(tables.connections).values(state="revoked"))
    event = receive(revoked)
    gone = receive("conn_erased")
    assert daemon.sensor("webhook_inbox") == []
    assert [states(services)[one] for one in (event, gone)] == ["stale", "stale"]


def test_failure_is_an_answer(
    daemon: Daemon, services: Services, clock: Clock, linked: Linked, receive: Callable[..., int]
) -> None:
    """A run that the bank refused has read what there was: trying again is the recovery's matter."""
    connection_id = linked("plaid")
    with transaction(services.engine) as db:
        stored = connections.get_connection(db, connection_id)
        error = ProviderError(provider="plaid", code="ITEM_LOGIN_REQUIRED", recovery=Recovery.REAUTH_USER)
        recovery.note_failure(db, stored, error, now=clock())  # the breaker is open, the state is not
    clock.advance(seconds=10)
    event = receive(connection_id)
    [request] = daemon.sensor("webhook_inbox")
    assert not daemon.run(request).success
    assert daemon.sensor("webhook_inbox") == []
    assert states(services)[event] == "handled"
