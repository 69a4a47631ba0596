"""One connection materialized through a real Dagster instance on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import text

from bank_sync.orchestration.launch import SYNC_ASSETS, open_instance, sync_connection
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage import connections
from bank_sync_tests.conftest import LINKS, Clock
from bank_sync_tests.sync.test_ledger_equals_world import assert_equal


def rows(services: Services, query: str) -> list[tuple[object, ...]]:
    """What a query gives."""
    with services.engine.connect() as db:
        return [tuple(row) for row in db.execute(text(query))]


def test_whole_graph_for_three_providers(
    services: Services, settings: Settings, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """Every asset succeeds for each provider, the ledger equals the world, and people are told once."""
    linked = {provider: link(provider) for provider in LINKS}
    with open_instance(settings) as instance:
        for connection_id in linked.values():
            steps: list[tuple[str, str]] = []
            report = sync_connection(
                instance, connection_id, on_step=lambda *step, to=steps: to.append(step), clock=clock
            )
            assert report.error is None
            assert report.succeeded
            assert {name for name, status in steps if status == "succeeded"} >= set(SYNC_ASSETS)
            assert [check.passed for check in report.checks] == [True] * 5
            assert_equal(services, sandbox, connection_id)
        assert set(instance.get_dynamic_partitions(CONNECTIONS)) == set(linked.values())
        again = sync_connection(instance, linked["plaid"], clock=clock)
        assert again.succeeded
    told = rows(services, "SELECT connection_id, kind FROM bank.notifications")
    assert sorted(told) == sorted((one, "first_sync_done") for one in linked.values())
    states = rows(services, "SELECT DISTINCT state, sync_state FROM bank.connections")
    assert states == [("connected", "completed")]
    uncategorized = rows(
        services,
        "SELECT count(*) FROM bank.transactions AS t LEFT JOIN bank.transaction_categories AS c "
        "ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL "
        "WHERE t.removed_at IS NULL AND t.superseded_by IS NULL AND c.transaction_id IS NULL",
    )
    assert uncategorized == [(0,)]


def test_broken_login_fails_one_connection_and_no_other(
    services: Services, settings: Settings, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """The run fails with a sentence that says what to do; the connection waits for its person."""
    broken, healthy = link("plaid"), link("teller")
    with services.engine.connect() as db:
        stored = connections.get_connection(db, broken)
        token = connections.open_credential(db, services.cipher, stored).secret
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/break").raise_for_status()
    with open_instance(settings) as instance:
        failed = sync_connection(instance, broken, clock=clock)
        succeeded = sync_connection(instance, healthy, clock=clock)
    assert not failed.succeeded
    assert failed.error is not None
    assert "ITEM_LOGIN_REQUIRED" in failed.error
    assert "log in to the bank again" in failed.error
    assert token not in failed.error
    assert succeeded.succeeded
    query = "SELECT state, sync_state, error_recovery FROM bank.connections WHERE connection_id = '{}'"
    assert rows(services, query.format(broken)) == [("disconnected", "failed", "reauth_user")]
    assert rows(services, query.format(healthy)) == [("connected", "completed", None)]


def test_failing_check_holds_messages_until_it_passes(
    services: Services, settings: Settings, clock: Clock, link: Callable[..., str]
) -> None:
    """A doubled row fails the blocking check: nothing is told; once mended, everything is told."""
    connection_id = link("plaid")
    double = (
        "INSERT INTO bank.transactions SELECT (jsonb_populate_record(t, jsonb_build_object("
        "'transaction_id', 'txn_doubled'))).* FROM bank.transactions AS t "
        "WHERE removed_at IS NULL AND superseded_by IS NULL AND provider_transaction_id IS NOT NULL LIMIT 1"
    )
    with open_instance(settings) as instance:
        assert sync_connection(instance, connection_id, clock=clock).succeeded
        clock.advance(days=3)
        with services.engine.begin() as db:
            db.execute(text(double))
        held = sync_connection(instance, connection_id, clock=clock)
        assert not held.succeeded
        assert {check.name for check in held.checks if not check.passed} == {"ledger_invariants"}
        assert rows(services, "SELECT kind FROM bank.notifications") == [("first_sync_done",)]
        with services.engine.begin() as db:
            db.execute(text("DELETE FROM bank.transaction_categories WHERE transaction_id = 'txn_doubled'"))
            db.execute(text("DELETE FROM bank.transactions WHERE transaction_id = 'txn_doubled'"))
        assert sync_connection(instance, connection_id, clock=clock).succeeded
    kinds = rows(services, "SELECT kind FROM bank.notifications ORDER BY notification_id")
    assert kinds == [("first_sync_done",), ("new_transactions",)]


def test_unknown_connection_is_named(settings: Settings) -> None:
    """Asking for a connection that does not exist says so before any run starts."""
    with open_instance(settings) as instance, pytest.raises(LookupError, match="conn_none"):
        sync_connection(instance, "conn_none")
