"""One connection as a run of its own, or many in a batch: whoever looks afterwards cannot tell which."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import httpx
import pytest
from dagster._core.event_api import PartitionKeyFilter
from sqlalchemy import text

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.automation import SYNC_CONNECTION
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS, connection_partitions
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.storage import connections, embedded
from bank_sync.sync.onboarding import finish_link
from bank_sync.sync.steps import STEPS
from bank_sync_tests.conftest import LINKS, Clock, fresh_settings

PEOPLE = [("plaid", "user_good"), ("plaid", "broken"), ("teller", "user_good"), ("gocardless", "user_good")]
LEDGER = """
SELECT c.provider, u.external_reference, a.name, t.amount, t.currency, t.booked_on, t.posting, t.description,
    t.removed_at IS NULL, t.superseded_by IS NULL, k.category_detailed, k.source
FROM bank.transactions AS t JOIN bank.connections AS c USING (connection_id)
JOIN bank.users AS u USING (user_id)
JOIN bank.accounts AS a USING (account_id)
LEFT JOIN bank.transaction_categories AS k ON k.transaction_id = t.transaction_id AND k.replaced_at IS NULL
ORDER BY t::text, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
STATES = """
SELECT provider, external_reference, state, sync_state, error_code, failures, lease_holder, history_state,
    last_synced_at, first_synced_at FROM bank.connections JOIN bank.users USING (user_id) ORDER BY 1, 2
"""
MESSAGES = """
SELECT provider, external_reference, kind, message FROM bank.notifications AS n
JOIN bank.connections AS c USING (connection_id) JOIN bank.users AS u ON u.user_id = n.user_id
ORDER BY 1, 2, 3, 4
"""
BALANCES = """
SELECT provider, external_reference, a.name, r.state, r.reason, closing_amount, difference
FROM bank.reconciliations AS r JOIN bank.accounts AS a USING (account_id)
JOIN bank.connections AS c ON c.connection_id = r.connection_id JOIN bank.users USING (user_id)
ORDER BY 1, 2, 3, 4
"""
DOUBLE = """
INSERT INTO bank.transactions SELECT (jsonb_populate_record(t, '{"transaction_id": "txn_doubled"}')).*
FROM bank.transactions AS t JOIN bank.connections AS c USING (connection_id) WHERE c.provider = 'teller'
    AND removed_at IS NULL AND superseded_by IS NULL AND provider_transaction_id IS NOT NULL
ORDER BY booked_on, amount, description LIMIT 1
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout of its own over the same banks."""

    services: Services
    instance: dg.DagsterInstance
    definitions: dg.Definitions
    people: dict[str, str]
    clock: Clock

    def sync_one_by_one(self) -> None:
        """A run for each connection, asked for by nobody: a person who looks brings the next one forward."""
        job = self.definitions.resolve_job_def(SYNC_CONNECTION)
        for connection_id in self.people:
            self.instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
            job.execute_in_process(
                instance=self.instance,
                partition_key=connection_id,
                raise_on_error=False,
                tags={"dagster/sensor_name": "connection_recovery"},
            )

    def sync_in_a_batch(self) -> dg.ExecuteInProcessResult:
        """One run for all that are due."""
        job = self.definitions.resolve_job_def(REFRESH_DUE_CONNECTIONS)
        return job.execute_in_process(instance=self.instance)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.services.engine.begin() as db:
            result = db.execute(text(query))
            return [tuple(row) for row in result] if result.returns_rows else []

    def ledger(self) -> list[tuple[Any, ...]]:
        """Every transaction, in an order that does not depend on our ids."""
        return sorted(self.rows(LEDGER), key=str)

    def statuses(self) -> dict[tuple[str, str], str | None]:
        """By person and asset: how the partition shows."""
        shown = {}
        for asset in CONNECTION_ASSETS:
            found = self.instance.get_status_by_partition(asset.key, list(self.people), connection_partitions)
            assert found is not None
            for connection_id, status in found.items():
                shown[self.people[connection_id], asset.key.to_user_string()] = status and status.value
        return shown

    def checks(self) -> dict[tuple[str, str], tuple[str, str]]:
        """By person and check: how it shows, and its severity."""
        found = {}
        for step in STEPS:
            for check in step.checks:
                for connection_id, person in self.people.items():
                    found[person, check.name] = self._newest(step.name, check.name, connection_id)
        return found

    def _newest(self, asset: str, check: str, connection_id: str) -> tuple[str, str]:
        key = dg.AssetCheckKey(dg.AssetKey(asset), check)
        one = PartitionKeyFilter(key=connection_id)
        records = self.instance.event_log_storage.get_asset_check_execution_history(
            key, limit=1, partition_filter=one
        )
        if not records:
            return ("never asked", "")
        entry = records[0].event
        event = entry.dagster_event if entry else None
        if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return (records[0].status.value, "not evaluated")
        return (records[0].status.value, event.asset_check_evaluation_data.severity.value)

    def metadata(self) -> dict[tuple[str, str], dict[str, Any]]:
        """By person and asset: what the newest materialization tells, numbers of rounds aside."""
        told = {}
        for asset in CONNECTION_ASSETS:
            for connection_id, person in self.people.items():
                filter_ = dg.AssetRecordsFilter(asset_key=asset.key, asset_partitions=[connection_id])
                records = self.instance.fetch_materializations(filter_, limit=1).records
                if records and (event := records[0].asset_materialization):
                    values = {name: one.value for name, one in event.metadata.items() if name != "round_id"}
                    told[person, asset.key.to_user_string()] = values
        return told


@contextmanager
def checkout(
    server: embedded.EmbeddedServer, home: Path, sandbox: RunningSandbox, clock: Clock
) -> Iterator[Checkout]:
    """A fresh checkout with a connection for each of `PEOPLE`."""
    with (
        fresh_settings(server, home, sandbox) as settings,
        open_services(settings, clock=clock) as services,
        open_instance(settings) as instance,
    ):
        numbers = count(1)
        # the same ids in each checkout: what a connection is called spreads its syncs over the hours
        with patch.object(connections, "ULID", lambda: f"{next(numbers):026}"):
            people = {_linked(services, sandbox, *one): " ".join(one) for one in PEOPLE}
        yield Checkout(services, instance, build_definitions(settings, clock=clock), people, clock)


def _linked(services: Services, sandbox: RunningSandbox, provider: str, person: str) -> str:
    proof = LINKS[provider](services, sandbox, "user_good" if person == "broken" else person)
    return finish_link(services, provider, user_reference=f"{person} of {provider}", proof=proof)


def break_login(one: Checkout, sandbox: RunningSandbox) -> None:
    """The bank wants the person called broken to log in again."""
    (connection_id,) = (key for key, person in one.people.items() if person.endswith("broken"))
    with one.services.engine.connect() as db:
        stored = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, one.services.cipher, stored).secret
    httpx.post(f"{sandbox.url}/_sandbox/links/{token}/break").raise_for_status()


def assert_alike(single: Checkout, batch: Checkout) -> None:
    """Nobody can tell which is which."""
    assert batch.ledger() == single.ledger()
    for query in (STATES, BALANCES, MESSAGES):
        assert batch.rows(query) == single.rows(query)
    assert batch.statuses() == single.statuses()
    assert batch.checks() == single.checks()
    assert batch.metadata() == single.metadata()


@pytest.fixture
def both(
    server: embedded.EmbeddedServer, tmp_path: Path, sandbox: RunningSandbox, clock: Clock
) -> Iterator[tuple[Checkout, Checkout]]:
    """Two checkouts whose people have the same accounts, linked so long ago that they are due."""
    with ExitStack() as stack:
        pair = [
            stack.enter_context(checkout(server, tmp_path / name, sandbox, clock)) for name in ("one", "two")
        ]
        clock.advance(hours=2)
        yield pair[0], pair[1]


def test_both_ways_give_the_same(
    both: tuple[Checkout, Checkout], sandbox: RunningSandbox, clock: Clock
) -> None:
    """First undisturbed, then with a refused login and a failing check: each connection's own fact."""
    single, batch = both
    single.sync_one_by_one()
    assert batch.sync_in_a_batch().success
    assert len(batch.ledger()) > 100
    assert_alike(single, batch)
    clock.advance(days=1)
    for one in both:
        break_login(one, sandbox)
        one.rows(DOUBLE)
    single.sync_one_by_one()
    assert batch.sync_in_a_batch().success
    assert_alike(single, batch)
    statuses = batch.statuses()
    assert statuses["plaid broken", "raw_accounts"] == "FAILED"
    assert statuses["teller user_good", "notifications"] == "FAILED"
    assert statuses["teller user_good", "connection_health"] == "MATERIALIZED"
    assert statuses["plaid user_good", "notifications"] == "MATERIALIZED"
    assert batch.checks()["teller user_good", "ledger_invariants"] == ("FAILED", "ERROR")
