"""Each schedule's tick, its run, and what the run leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg
import httpx
import pytest
from sqlalchemy import delete, func, select, text, update

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import Part
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage import connections, tables
from bank_sync.storage.database import transaction
from bank_sync.sync import attempts, retention
from bank_sync.sync.replay import PagesPruned, replay_connection
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import LINKS, Clock
from bank_sync_tests.orchestration.conftest import Daemon

Link = Callable[..., str]


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, clock: Clock) -> Iterator[RunningSandbox]:
    """The pretend banks, of another kind where a test says so."""
    with running_sandbox(getattr(request, "param", SandboxConfig()), clock=clock) as running:
        yield running


@pytest.fixture
def synced(services: Services, linked: Link) -> Link:
    """Link a bank and sync it once; gives the connection_id."""

    def one(provider: str, user: str = "user_good") -> str:
        connection_id = linked(provider, user)
        sync_connection(services, connection_id)
        return connection_id

    return one


def put(services: Services, connection_id: str, **values: object) -> None:
    """Put a connection into a state."""
    with transaction(services.engine) as db:
        connections.update_connection(db, connection_id, **values)


def told(services: Services) -> list[tuple[str, str]]:
    """Connection and kind of all reminders, in order."""
    columns = tables.notifications.c
    query = select(columns.connection_id, columns.kind).order_by(columns.notification_id)
    with transaction(services.engine) as db:
        return [(row[0], row[1]) for row in db.execute(query)]


def causes(services: Services) -> dict[str, int]:
    """Alerts, and how often each was met."""
    with transaction(services.engine) as db:
        return {row.cause: row.times for row in db.execute(select(tables.alerts))}


def figures(result: dg.ExecuteInProcessResult) -> dict[str, object]:
    """What the run's step shows."""
    [output] = [one for one in result.all_events if one.is_successful_output]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def rounds(services: Services, connection_id: str, part: Part) -> int:
    """How many rounds of a part were read."""
    query = select(func.count()).where(
        tables.rounds.c.connection_id == connection_id, tables.rounds.c.part == part
    )
    with transaction(services.engine) as db:
        return int(db.execute(query).scalar_one())


def test_refresh_balances(daemon: Daemon, services: Services, clock: Clock, synced: Link) -> None:
    """Balances alone, oldest first; fresh ones, scarce ones and those of failing connections are let be."""
    older, newer = synced("teller"), None
    clock.advance(minutes=30)
    newer = synced("plaid")
    scarce = synced("gocardless")
    clock.advance(minutes=70)  # the newer ones were read 70 minutes ago
    result = daemon.chore("refresh_balances")
    assert result.success
    assert figures(result) == {"connections": 1}
    assert rounds(services, older, Part.BALANCES) == 2
    assert rounds(services, older, Part.TRANSACTIONS) == 1
    assert rounds(services, newer, Part.BALANCES) == 1
    clock.advance(hours=2)
    result = daemon.chore("refresh_balances")
    assert figures(result) == {"connections": 2, "passed over: quota": 1}
    assert rounds(services, scarce, Part.BALANCES) == 1
    for asset in ("raw_balances", "balances"):
        told = daemon.instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
        of_this_run = {one.partition_key for one in told if one.run_id == result.run_id}
        assert of_this_run == {newer, older}
    put(services, newer, error_code="INSTITUTION_DOWN")
    clock.advance(hours=2)
    assert figures(daemon.chore("refresh_balances")) == {"connections": 1, "passed over: quota": 1}


@pytest.mark.parametrize(
    "sandbox", [SandboxConfig(gocardless_daily_limits={"SANDBOXFINANCE_SFIN0000": 6})], indirect=True
)
def test_a_bank_with_more_calls_a_day(
    settings: Settings, services: Services, clock: Clock, synced: Link, instance: dg.DagsterInstance
) -> None:
    """What the syncs of a day leave of the quota is used, and no more."""
    from bank_sync.orchestration.build import build_definitions

    connection_id = synced("gocardless")
    wider = settings.model_copy(update={"gocardless_calls_per_day": 6})
    daemon = Daemon(build_definitions(wider, clock=clock), instance, clock)
    for expected in (2, 2):
        clock.advance(hours=2)
        daemon.chore("refresh_balances")
        assert rounds(services, connection_id, Part.BALANCES) == expected


def test_failure_of_one_balance(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, clock: Clock, synced: Link
) -> None:
    """It is noted on that connection, and the others are read."""
    broken, healthy = synced("plaid"), synced("teller")
    clock.advance(hours=2)
    with transaction(services.engine) as db:
        stored = connections.get_connection(db, broken)
        token = connections.open_credential(db, services.cipher, stored).secret
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/break").raise_for_status()
    result = daemon.chore("refresh_balances")
    assert figures(result) == {"connections": 1, "passed over: ITEM_LOGIN_REQUIRED": 1}
    assert rounds(services, healthy, Part.BALANCES) == 2
    assert told(services) == [(broken, "reconnect_needed")]


def test_categorize_backlog(daemon: Daemon, services: Services, synced: Link) -> None:
    """Rows that a sync left without a category get one, in batches of whole connections."""
    ids = [synced("plaid"), synced("teller")]
    with transaction(services.engine) as db:
        db.execute(delete(tables.transaction_categories))
        live = select(func.count()).where(
            tables.transactions.c.removed_at.is_(None), tables.transactions.c.superseded_by.is_(None)
        )
        waiting = db.execute(live).scalar_one()
    shown = figures(daemon.chore("categorize_backlog"))
    assert (shown["rows"], shown["connections"], shown["left to a sync"]) == (waiting, len(ids), 0)
    assert figures(daemon.chore("categorize_backlog"))["rows"] == 0


@pytest.mark.parametrize("provider", LINKS)
def test_refresh_tokens(
    daemon: Daemon, services: Services, clock: Clock, linked: Link, provider: str
) -> None:
    """A login is looked at when four fifths of its nominal life are gone, not before, and then again."""
    connection_id = linked(provider)
    days = {"plaid": 30, "teller": 90, "gocardless": 30}[provider]
    clock.advance(days=days * 0.8 - 1)
    assert figures(daemon.chore("refresh_tokens")) == {}
    clock.advance(days=1)
    assert figures(daemon.chore("refresh_tokens")) == {f"{provider} good": 1}
    assert figures(daemon.chore("refresh_tokens")) == {}
    with transaction(services.engine) as db:
        ends_at = connections.get_connection(db, connection_id).consent_expires_at
    assert (ends_at is not None) == (provider == "gocardless")


def test_login_that_ended(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, clock: Clock, linked: Link
) -> None:
    """The person is told once; a consent that ran out likewise; both connections wait for them."""
    plaid, gocardless = linked("plaid"), linked("gocardless")
    with transaction(services.engine) as db:
        stored = connections.get_connection(db, plaid)
        token = connections.open_credential(db, services.cipher, stored).secret
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/break").raise_for_status()
    clock.advance(days=181)
    shown = figures(daemon.chore("refresh_tokens"))
    assert shown == {"plaid refused": 1, "gocardless refused": 1}
    assert figures(daemon.chore("refresh_tokens")) == {}
    assert sorted(told(services)) == sorted([(plaid, "reconnect_needed"), (gocardless, "reconnect_needed")])
    with transaction(services.engine) as db:
        assert {one.state for one in connections.list_connections(db)} == {"disconnected"}


def test_token_that_cannot_be_renewed(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, clock: Clock, linked: Link
) -> None:
    """Wrong secrets of ours concern no person: one alert, the connections stay as they are."""
    for user in ("script-1", "script-2"):
        linked("plaid", user)
    clock.advance(days=25)
    refused = {"kind": "http_502", "paths": "/plaid/item/get", "retry_after": "100000", "times": 1000}
    httpx.post(f"{sandbox.url}/_sandbox/faults", json={"next": [refused]}).raise_for_status()
    assert figures(daemon.chore("refresh_tokens")) == {"plaid put off": 2}
    assert told(services) == []
    httpx.delete(f"{sandbox.url}/_sandbox/faults").raise_for_status()
    assert figures(daemon.chore("refresh_tokens")) == {"plaid good": 2}


def test_check_expiring(daemon: Daemon, services: Services, clock: Clock, linked: Link) -> None:
    """Told two weeks and one week before, never twice in a week, and anew for a renewed permission."""
    connection_id = linked("teller")
    put(services, connection_id, consent_expires_at=clock() + timedelta(days=16))
    days = []
    for day in range(20):
        if figures(daemon.chore("check_expiring"))["told"]:
            days.append(day)
        clock.advance(days=1)
    assert days == [2, 9]
    put(services, connection_id, consent_expires_at=clock() + timedelta(days=5))
    assert figures(daemon.chore("check_expiring")) == {"told": 1}
    assert [kind for _, kind in told(services)] == ["consent_expiring"] * 3


def test_check_disconnected(daemon: Daemon, services: Services, clock: Clock, linked: Link) -> None:
    """A refused login is told at once, then once a week, until the bank is connected again."""
    connection_id = linked("plaid")
    fail(services, connection_id, ProviderError(provider="plaid", code="X", recovery=Recovery.REAUTH_USER))
    days = []
    for day in range(22):
        if figures(daemon.chore("check_disconnected"))["told of a refused login"]:
            days.append(day)
        clock.advance(days=1)
    assert days == [7, 14, 21]
    put(services, connection_id, state="connected", last_synced_at=clock())
    clock.advance(days=7)
    assert figures(daemon.chore("check_disconnected"))["told of a refused login"] == 0
    assert [kind for _, kind in told(services)][:2] == ["reconnect_needed", "reconnect_reminder"]


def test_data_that_grow_old(daemon: Daemon, services: Services, clock: Clock, synced: Link) -> None:
    """Told to the person after two days, at most weekly; to us by a failed check after what was promised."""
    connection_id = synced("plaid")
    clock.advance(hours=23)
    assert verdict(daemon, "stale_connections").passed
    clock.advance(hours=2)
    stale = verdict(daemon, "stale_connections")
    assert not stale.passed
    assert stale.severity is dg.AssetCheckSeverity.WARN
    assert stale.metadata["oldest"].value == [
        {"connection": connection_id, "provider": "plaid", "hours": 25.0}
    ]
    assert verdict(daemon, "stale_connections").metadata["stale"].value == 1
    assert causes(services) == {"stale_connections:plaid": 2}
    days = []
    for day in range(1, 16):
        if figures(daemon.chore("check_disconnected"))["told of old data"]:
            days.append(day)
        clock.advance(days=1)
    assert days == [2, 9]
    put(services, connection_id, state="disconnected")
    assert verdict(daemon, "stale_connections").passed


def test_retention(
    settings: Settings, services: Services, clock: Clock, synced: Link, instance: dg.DagsterInstance
) -> None:
    """Old pages go, the newest round of each part and what waits stay, the ledger does not change."""
    from bank_sync.orchestration.build import build_definitions

    shorter = settings.model_copy(update={"raw_pages_days": 10})
    daemon = Daemon(build_definitions(shorter, clock=clock), instance, clock)
    busy, quiet = synced("teller"), synced("gocardless")
    ledger = ledger_of(services)
    clock.advance(days=11)
    put(services, quiet, next_sync_at=clock() + timedelta(days=9))
    sync_connection(services, busy)
    pages = page_ids(services)
    shown = figures(daemon.chore("retention"))
    assert shown["rounds"] == 3
    assert ledger_of(services) >= ledger
    gone = pages - page_ids(services)
    assert len(gone) == shown["pages"]
    assert figures(daemon.chore("retention")) == {"rounds": 0, "pages": 0, "webhooks": 0}
    with pytest.raises(PagesPruned, match="BANK_SYNC_RAW_PAGES_DAYS"):
        replay_connection(services, busy)
    assert replay_connection(services, quiet).differing == 0


def test_pages_that_are_still_needed(
    services: Services, settings: Settings, clock: Clock, synced: Link
) -> None:
    """A round that is not projected, or of which a row waits in quarantine, keeps its pages."""
    connection_id = synced("teller")
    with transaction(services.engine) as db:
        page = select(tables.pages.c.page_id).where(tables.pages.c.part == "transactions").limit(1)
        journal_row = {"connection_id": connection_id, "page_id": db.execute(page).scalar_one()}
        db.execute(
            tables.quarantine.insert().values(
                **journal_row, locator="row[0]", reason="missing:date", quarantined_at=clock()
            )
        )
        db.execute(update(tables.rounds).where(tables.rounds.c.part == "balances").values(projected_at=None))
    clock.advance(days=800)
    with transaction(services.engine) as db:
        db.execute(
            text(
                "INSERT INTO raw.rounds (connection_id, part, pages, fetched_at, projected_at) "
                "SELECT connection_id, part, 0, now(), now() FROM raw.rounds"
            )
        )
    gone = retention.let_go(services)
    assert gone.rounds == 1  # the accounts
    with transaction(services.engine) as db:
        parts: set[str] = set(db.execute(select(tables.pages.c.part)).scalars())
    assert parts == {"transactions", "balances"}


def test_settled_webhooks_go(daemon: Daemon, services: Services, clock: Clock) -> None:
    """After a month; what is parked waits for a person."""
    with transaction(services.engine) as db:
        for state in ("handled", "stale", "parked", "new"):
            db.execute(
                tables.webhook_inbox.insert().values(
                    provider="plaid",
                    dedup_key=state,
                    environment="sandbox",
                    kind="X",
                    body=state.encode(),
                    received_at=clock(),
                    state=state,
                    handled_at=None if state == "new" else clock(),
                )
            )
    clock.advance(days=31)
    assert figures(daemon.chore("retention"))["webhooks"] == 2


def verdict(daemon: Daemon, name: str) -> dg.AssetCheckEvaluation:
    """What a check on all connections says now."""
    result = daemon.chore("check_freshness")
    return next(one for one in result.get_asset_check_evaluations() if one.check_name == name)


def fail(services: Services, connection_id: str, error: ProviderError) -> None:
    """A failed attempt, noted as the engine does."""
    with transaction(services.engine) as db:
        stored = connections.get_connection(db, connection_id)
    attempts.Attempt(services, stored, Part.ACCOUNTS, None, services.clock()).failed(error)


def ledger_of(services: Services) -> set[tuple[object, ...]]:
    """Every live posted transaction."""
    columns = tables.transactions.c
    query = select(columns.transaction_id, columns.amount).where(
        columns.removed_at.is_(None), columns.posting == "posted"
    )
    with transaction(services.engine) as db:
        return {tuple(row) for row in db.execute(query)}


def page_ids(services: Services) -> set[int]:
    """Every page that is kept."""
    with transaction(services.engine) as db:
        return set(db.execute(select(tables.pages.c.page_id)).scalars())
