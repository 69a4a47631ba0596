"""A PostgreSQL of its own with a small, hand-made ledger, and the marts built from it once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from bank_sync.orchestration.dbt_environment import run_dbt
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded, tables
from bank_sync.storage.database import make_engine
from bank_sync.storage.locations import locate

LONG_AGO = datetime(2024, 5, 1, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Settings of the server, an engine for the owner and one for the analyst."""

    settings: Settings
    owner: Engine
    analyst: Engine

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """What a query gives, as the owner sees it."""
        with self.owner.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    def run(self, *statements: str) -> None:
        """Change data by hand."""
        with self.owner.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


@pytest.fixture(scope="session")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The ledger below, modelled by one `dbt build` with all its tests and unit tests.

    Shared by all tests here, since a build takes seconds: who changes data puts it back.
    """
    home: Path = tmp_path_factory.mktemp("home")
    settings = load_settings(home=home, database_url=None, environment="sandbox")
    locations = locate(settings)
    assert locations.analyst is not None
    warehouse = Warehouse(settings, make_engine(locations.warehouse), make_engine(locations.analyst))
    with warehouse.owner.begin() as connection:
        _make_tables(connection)
        _fill_ledger(connection)
    assert run_dbt(settings, ["build"]) == 0
    yield warehouse
    warehouse.owner.dispose()
    warehouse.analyst.dispose()
    embedded.stop(settings.home)


def _make_tables(connection: Connection) -> None:
    for schema in tables.SCHEMAS:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    tables.metadata.create_all(connection)


def _fill_ledger(connection: Connection) -> None:
    """Two banks: one in good order with two accounts, one that has to be connected again."""
    _add(connection, tables.users, user_id="person", external_reference="app-1", created_at=LONG_AGO)
    _connection(connection, "fresh", state="connected", last_synced_at=func.now() - timedelta(hours=1))
    _connection(connection, "late", state="connected", last_synced_at=func.now() - timedelta(hours=30))
    _connection(connection, "new", state="connected", last_synced_at=None)
    _connection(connection, "gone", state="revoked", last_synced_at=LONG_AGO)
    _account(connection, "checking", "fresh", "EUR")
    _account(connection, "card", "late", "EUR", type="credit")

    _balance(connection, "checking", "current", "90", as_of=LONG_AGO)
    _balance(connection, "checking", "current", "100", as_of=LONG_AGO + timedelta(days=2))
    _balance(connection, "checking", "available", "80", as_of=LONG_AGO + timedelta(days=2))
    _balance(connection, "checking", "current", "7", as_of=LONG_AGO + timedelta(days=9), currency="USD")

    _transaction(connection, "rent", "checking", "-20", day=1)
    _transaction(connection, "coffee", "checking", "-3.5", day=1, merchant_name="COFFEE 0042")
    _transaction(connection, "salary", "checking", "30", day=3)
    _transaction(connection, "late_fee", "checking", "-1.5", day=4)
    _transaction(connection, "check", "checking", "0", day=4)
    _transaction(connection, "dollars", "checking", "-8", day=4, currency="USD")
    _transaction(connection, "pending", "checking", "-70", day=4, posting="pending")
    _transaction(connection, "removed", "checking", "-5", day=2, removed_at=LONG_AGO, removal_reason="gone")
    _transaction(connection, "superseded", "checking", "-3", day=2, superseded_by="coffee")
    _transaction(connection, "repayment", "card", "20", day=1)

    _category(connection, "coffee", "GENERAL_MERCHANDISE", replaced_at=LONG_AGO)
    _category(
        connection,
        "coffee",
        "FOOD_AND_DRINK",
        merchant_name="Coffee House",
        merchant_key="coffee-house",
        merchant_domain="coffee.example",
    )
    _transaction(connection, "hidden", "checking", "-9", day=4, currency="USD")
    _overlay(connection, "hidden", is_hidden=True)
    _overlay(connection, "superseded", note="with Ada")
    _overlay(connection, "late_fee", category_primary="BANK_FEES")
    _link(connection, "superseded", "coffee", kind="pending_posted")
    _link(connection, "salary", "repayment", state="proposed")
    _link(connection, "rent", "repayment")
    _link(connection, "salary", "late_fee", undone_at=LONG_AGO)
    _stream(connection, "rent", next_on=date(2024, 6, 1), amount="20", cadence="monthly")
    _stream(connection, "magazine", next_on=None, amount="70", cadence="weekly", state="ended")
    _stream(
        connection, "wages", next_on=date(2024, 5, 15), amount="30", cadence="semi_monthly", money_in=True
    )
    for name in ("rent", "removed", "hidden"):
        _add(
            connection,
            tables.recurring_transactions,
            transaction_id=name,
            stream_id="stream-rent",
            connection_id="fresh",
        )
    _attempt(connection, "fresh", outcome="completed", seconds=2.5)
    _attempt(connection, "late", outcome="failed", seconds=1, error_code="timeout", error_recovery="retry")


def _add(connection: Connection, table: Table, **values: Any) -> None:
    connection.execute(insert(table).values(**values))


def _connection(connection: Connection, name: str, **values: Any) -> None:
    _add(
        connection,
        tables.connections,
        connection_id=name,
        user_id="person",
        provider="plaid",
        provider_connection_id=f"p-{name}",
        institution_name=f"Bank {name}",
        sync_state="idle",
        linked_at=LONG_AGO,
        **{"next_sync_at": LONG_AGO, **values},
    )


def _account(connection: Connection, name: str, of: str, currency: str, type: str = "depository") -> None:  # noqa: A002 - the column's name
    _add(
        connection,
        tables.accounts,
        account_id=name,
        connection_id=of,
        provider_account_id=f"p-{name}",
        name=name.title(),
        type=type,
        currency=currency,
        state="active",
        first_seen_at=LONG_AGO,
        changed_at=LONG_AGO,
    )


def _balance(
    connection: Connection, account: str, role: str, amount: str, *, as_of: datetime, currency: str = "EUR"
) -> None:
    _add(
        connection,
        tables.balances,
        connection_id="fresh",
        account_id=account,
        balance_type=role,
        role=role,
        amount=Decimal(amount),
        provider_amount=Decimal(amount),
        currency=currency,
        round_id=1,
        as_of=as_of,
        confirmed_at=as_of,
    )


def _transaction(
    connection: Connection, name: str, account: str, amount: str, *, day: int, **values: Any
) -> None:
    of = select(tables.accounts.c.connection_id).where(tables.accounts.c.account_id == account)
    row = {
        "transaction_id": name,
        "connection_id": of.scalar_subquery(),
        "account_id": account,
        "posting": "posted",
        "amount": Decimal(amount),
        "currency": "EUR",
        "booked_on": date(2024, 5, day),
        "description": name,
        "content_hash": b"hash",
        "round_id": 1,
        "first_seen_at": LONG_AGO,
        "changed_at": LONG_AGO,
    }
    _add(connection, tables.transactions, **{**row, **values})


def _category(connection: Connection, transaction: str, primary: str, **values: Any) -> None:
    row = {
        "transaction_id": transaction,
        "connection_id": "fresh",
        "category_primary": primary,
        "confidence": Decimal("0.9"),
        "source": "model",
        "reason": "looks like it",
        "model_version": "1",
        "taxonomy_version": "v2",
        "transaction_hash": b"hash",
        "decided_at": LONG_AGO,
    }
    _add(connection, tables.transaction_categories, **row, **values)


def _link(connection: Connection, one: str, other: str, **values: Any) -> None:
    _add(
        connection,
        tables.transaction_links,
        connection_id="fresh",
        from_transaction_id=one,
        to_transaction_id=other,
        **{
            "kind": "transfer",
            "decided_by": "rule",
            "score": Decimal(1),
            "evidence": {},
            "decided_at": LONG_AGO,
            **values,
        },
    )


def _overlay(connection: Connection, transaction: str, **values: Any) -> None:
    row = {"transaction_id": transaction, "connection_id": "fresh", "changed_by": "user:person"}
    _add(connection, tables.transaction_overlays, **row, changed_at=LONG_AGO, **values)


def _attempt(connection: Connection, name: str, *, outcome: str, seconds: float, **values: Any) -> None:
    _add(
        connection,
        tables.sync_attempts,
        connection_id=name,
        part="transactions",
        outcome=outcome,
        pages=3,
        **{"started_at": LONG_AGO, "finished_at": LONG_AGO + timedelta(seconds=seconds), **values},
    )


def _stream(connection: Connection, name: str, *, amount: str, **values: Any) -> None:
    row = {
        "stream_id": f"stream-{name}",
        "connection_id": "fresh",
        "account_id": "checking",
        "merchant_key": "coffee-house",
        "money_in": False,
        "currency": "EUR",
        "state": "active",
        "occurrences": 5,
        "missed": 0,
        "first_on": date(2024, 1, 1),
        "last_on": date(2024, 5, 1),
        "confidence": Decimal("0.9"),
        "last_transaction_id": name,
        "found_at": LONG_AGO,
    }
    amounts = {f"{kind}_amount": Decimal(amount) for kind in ("usual", "low", "high")}
    _add(connection, tables.recurring_streams, **row | amounts | values)
