"""The ledger after a sync equals what the banks hold, for every provider, also as days pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync import engine, enrich, project
from bank_sync.sync.parts import Projected
from bank_sync_tests.conftest import Clock

PROVIDERS = ("plaid", "teller", "gocardless")


def sync(services: Services, connection_id: str) -> Projected:
    """One whole sync by the library, without Dagster."""
    engine.pull_accounts(services, connection_id)
    project.project_accounts(services, connection_id)
    engine.pull_transactions(services, connection_id)
    engine.pull_balances(services, connection_id)
    projected = project.project_transactions(services, connection_id)
    project.project_balances(services, connection_id)
    project.link_transactions(services, connection_id)
    enrich.categorize_connection(services, connection_id)
    engine.finish_sync(services, connection_id)
    return projected


def ask_truth(services: Services, sandbox: RunningSandbox, connection_id: str) -> list[dict[str, object]]:
    """The banks' own books for one link."""
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        credential = connections.open_credential(db, services.cipher, connection)
    answer = httpx.get(
        f"{sandbox.url}/_sandbox/truth", params={"provider": connection.provider, "token": credential.secret}
    )
    accounts: list[dict[str, object]] = answer.raise_for_status().json()["accounts"]
    return accounts


def ledger_of(services: Services, provider_account_id: str) -> Counter[tuple[object, ...]]:
    """Live rows of one account, as the world speaks of them."""
    query = text(
        "SELECT t.posting, t.amount, t.currency, t.booked_on FROM bank.transactions AS t "
        "JOIN bank.accounts AS a USING (account_id) WHERE a.provider_account_id = :id "
        "AND t.removed_at IS NULL AND t.superseded_by IS NULL"
    )
    with services.engine.connect() as db:
        return Counter(tuple(row) for row in db.execute(query, {"id": provider_account_id}))


def _day_of(row: tuple[object, ...]) -> date:
    assert isinstance(row[3], date)
    return row[3]


def world_of(account: dict[str, object]) -> Counter[tuple[object, ...]]:
    """Live rows of one account in the banks' own books."""
    rows = account["transactions"]
    assert isinstance(rows, list)
    return Counter(
        (
            row["posting"],
            Decimal(row["amount"]),
            row["currency"],
            date.fromisoformat(row["booked_on"] or row["authorised_on"]),
        )
        for row in rows
    )


def assert_equal(services: Services, sandbox: RunningSandbox, connection_id: str) -> int:
    """Every account, live row and current balance agrees; gives the number of rows."""
    truth = ask_truth(services, sandbox, connection_id)
    assert truth
    compared = 0
    for account in truth:
        provider_account_id = str(account["provider_account_id"])
        expected = world_of(account)
        reach = min(map(_day_of, expected), default=date.min)  # a renewed link reaches less far back
        believed = ledger_of(services, provider_account_id)
        assert Counter({row: times for row, times in believed.items() if _day_of(row) >= reach}) == expected
        compared += expected.total()
        query = text(
            "SELECT amount, b.currency FROM bank.balances AS b JOIN bank.accounts AS a USING (account_id) "
            "WHERE a.provider_account_id = :id AND role = 'current' ORDER BY as_of DESC, balance_id DESC "
            "LIMIT 1"
        )
        with services.engine.connect() as db:
            amount, currency = db.execute(query, {"id": provider_account_id}).one()
        assert (amount, currency) == (Decimal(str(account["current"])), account["currency"])
    with services.engine.connect() as db:
        stored: int = db.execute(
            text("SELECT count(*) FROM bank.accounts WHERE connection_id = :id"), {"id": connection_id}
        ).scalar_one()
    assert stored == len(truth)
    return compared


@pytest.mark.parametrize("provider", PROVIDERS)
def test_first_sync_then_days_pass(
    provider: str, services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """Accounts, live rows, amounts, dates, signs and balances equal the world at every look."""
    connection_id = link(provider)
    sync(services, connection_id)
    assert assert_equal(services, sandbox, connection_id) > 100
    for _ in range(4):
        clock.advance(days=2, hours=5)
        sync(services, connection_id)
        assert_equal(services, sandbox, connection_id)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_second_sync_at_once_changes_nothing(
    provider: str, services: Services, link: Callable[..., str]
) -> None:
    """Running twice changes no account, transaction, version, category or balance."""
    connection_id = link(provider)
    sync(services, connection_id)
    before = _fingerprint(services)
    again = sync(services, connection_id)
    assert (again.new, again.changed, again.removed, again.quarantined) == (0, 0, 0, 0)
    assert _fingerprint(services) == before


def _fingerprint(services: Services) -> list[object]:
    tables = (
        "accounts",
        "transactions",
        "transaction_versions",
        "transaction_links",
        "transaction_categories",
    )
    with services.engine.connect() as db:
        found: list[object] = [
            db.execute(
                text(
                    "SELECT md5(string_agg(told, '' ORDER BY told)) FROM (SELECT "
                    f"(to_jsonb(t) - 'ids_compared')::text AS told FROM bank.{name} AS t) AS rows"
                )
            ).scalar()
            for name in tables
        ]
        found.append(db.execute(text("SELECT count(*), sum(amount) FROM bank.balances")).one())
    return found
