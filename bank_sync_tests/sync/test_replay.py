"""The ledger is its raw pages: built again it has the same bytes, and what was changed otherwise shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from bank_sync.domain.errors import NotFound
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections, links
from bank_sync.sync.replay import Replayed, replay_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import ask_truth, sync

TABLES = ("accounts", "transactions", "transaction_versions", "transaction_keys", "balances", "quarantine")

INSERT_COPY = (
    "INSERT INTO bank.transactions "
    'SELECT (jsonb_populate_record(t, CAST(\'{"transaction_id": "txn_x"}\' AS jsonb))).* '
    "FROM bank.transactions AS t WHERE transaction_id = :copied"
)

LINK_DUPLICATE = (
    "INSERT INTO bank.transaction_links (connection_id, kind, from_transaction_id, to_transaction_id, "
    "decided_by, score, evidence, decided_at) "
    "VALUES (:id, 'duplicate', :first, :second, 'user:me', 1, '{}', :now)"
)


def fingerprints(services: Services) -> list[object]:
    """Every byte of the ledger and of the rounds' watermarks."""
    names = (*(f"bank.{table}" for table in TABLES), "raw.rounds", "raw.coverage")
    with services.engine.connect() as db:
        return [
            db.execute(
                text(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {name} AS t")
            ).scalar()
            for name in names
        ]


def some_rows(db: Connection, how_many: int) -> list[str]:
    """Ids of recent posted rows that never changed and are tied to no other row."""
    query = text(
        "SELECT transaction_id FROM bank.transactions AS one WHERE version = 1 AND removed_at IS NULL "
        "AND superseded_by IS NULL AND posting = 'posted' AND booked_on > '2026-03-01' AND NOT EXISTS "
        "(SELECT FROM bank.transactions AS other WHERE other.superseded_by = one.transaction_id) "
        "AND NOT EXISTS (SELECT FROM bank.transaction_links "
        "WHERE one.transaction_id IN (from_transaction_id, to_transaction_id)) "
        "ORDER BY transaction_id LIMIT :how_many"
    )
    return list(db.execute(query, {"how_many": how_many}).scalars())


def found(replayed: Replayed) -> set[tuple[str, str, tuple[str, ...]]]:
    """What differs: (table, kind, columns)."""
    return {
        (one.table, one.kind, one.columns) for compared in replayed.comparisons for one in compared.listed
    }


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_same_bytes(provider: str, services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """After days of holds, postings and links a replay gives every row again and touches nothing."""
    connection_id = link(provider)
    for _ in range(4):
        sync(services, connection_id)
        clock.advance(days=1, hours=7)
    before = fingerprints(services)
    told: list[tuple[int, int]] = []
    replayed = replay_connection(services, connection_id, on_round=lambda done, of: told.append((done, of)))
    assert found(replayed) == set()
    assert (replayed.differing, replayed.rounds) == (0, 12)
    assert replayed.rows > 200
    assert told == [(done, 12) for done in range(1, 13)]
    assert fingerprints(services) == before


def test_rows_changed_by_hand(services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """A changed amount, a row too few and a row too many are each told by id and column, never by value."""
    connection_id = link("teller")
    for _ in range(2):
        sync(services, connection_id)
        clock.advance(days=2)
    with services.engine.begin() as db:
        changed, lost, copied = some_rows(db, 3)
        for statement in (
            "UPDATE bank.transactions SET amount = amount + 0.01 WHERE transaction_id = :changed",
            "DELETE FROM bank.transaction_categories WHERE transaction_id = :lost",
            "DELETE FROM bank.transaction_keys WHERE transaction_id = :lost",
            "DELETE FROM bank.transactions WHERE transaction_id = :lost",
            INSERT_COPY,
        ):
            values = {"changed": changed, "lost": lost, "copied": copied}
            db.execute(text(statement), {k: v for k, v in values.items() if f":{k}" in statement})
    replayed = replay_connection(services, connection_id)
    assert found(replayed) == {
        ("transactions", "changed", ("amount",)),
        ("transactions", "extra", ()),
        ("transactions", "missing", ()),
        ("transaction_keys", "extra", ()),
    }
    assert replayed.differing == 4
    keys = {(one.kind, one.key) for compared in replayed.comparisons for one in compared.listed}
    assert {("changed", changed), ("extra", lost), ("missing", "txn_x")} <= keys


def test_links_made_and_undone(
    services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """Rows are told apart by what was linked then: a replaced row that vanished meanwhile stays."""
    connection_id = link("teller")
    sync(services, connection_id)
    with services.engine.begin() as db:
        first, second = some_rows(db, 2)
        values = {"first": first, "second": second, "id": connection_id, "now": services.clock()}
        db.execute(text(LINK_DUPLICATE), values)
        links.point_at_successors(db, [first])
        its_id = text("SELECT provider_transaction_id FROM bank.transactions WHERE transaction_id = :first")
        provider_id = db.execute(its_id, {"first": first}).scalar()
    remove_at_bank(services, sandbox, connection_id, provider_id)
    clock.advance(days=1)
    sync(services, connection_id)
    clock.advance(days=20)
    with services.engine.begin() as db:
        query = text("SELECT link_id FROM bank.transaction_links WHERE decided_by = 'user:me'")
        links.undo_links(db, list(db.execute(query).scalars()), by="user:me", now=services.clock())
        kept: int = db.execute(
            text(
                "SELECT count(*) FROM bank.transactions WHERE transaction_id = :first AND removed_at IS NULL"
            ),
            {"first": first},
        ).scalar_one()
    assert kept == 1
    assert found(replay_connection(services, connection_id)) == set()


def remove_at_bank(
    services: Services, sandbox: RunningSandbox, connection_id: str, provider_transaction_id: str | None
) -> None:
    """Have the bank take a posted row back."""
    rows = [
        row
        for account in ask_truth(services, sandbox, connection_id)
        for row in account["transactions"]  # type: ignore[attr-defined]  # JSON
        if row["provider_transaction_id"] == provider_transaction_id
    ]
    at_bank(services, sandbox, connection_id, op="remove", movement=rows[0]["movement"])


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_same_bytes_after_a_hard_life(
    provider: str, services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """Holds, tips, corrections, removals, returns, new ids, lost cursors, new links: the same bytes again."""
    connection_id = link(provider, "script-hard-life")

    def day(*commands: dict[str, object]) -> list[dict[str, Any]]:
        answers = [at_bank(services, sandbox, connection_id, **command) for command in commands]
        sync(services, connection_id)
        clock.advance(days=1, hours=1)
        return answers

    coffee = {"op": "spend", "amount": "-3.50", "description": "Coffee"}
    twins = day(
        {**coffee, "count": 2}, {**coffee, "amount": "-80.00", "description": "Hotel", "pending": True}
    )
    hotel, (first, second) = twins[1]["movement"], twins[0]["movements"]
    day({"op": "settle", "movement": hotel, "amount": "-92.00"}, {"op": "remove", "movement": first})
    day({"op": "correct", "movement": second, "amount": "-3.75"}, {"op": "restore", "movement": first})
    day({"op": "churn", "account": True})
    day({**coffee, "pending": True}, {"op": "churn", "account": True})
    if provider == "plaid":
        day({"op": "lose_cursor"})
    relinked = link(provider, "script-hard-life")
    day({**coffee, "amount": "5.00", "description": "Refund"})
    for one in {connection_id, relinked}:
        replayed = replay_connection(services, one)
        assert found(replayed) == set(), one
        assert replayed.rows > 10


def at_bank(
    services: Services, sandbox: RunningSandbox, connection_id: str, **command: object
) -> dict[str, Any]:
    """Have something happen at the bank, on the first account where one is needed."""
    truth = ask_truth(services, sandbox, connection_id)
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    if command["op"] in {"spend", "churn"}:
        command["account"] = truth[0]["provider_account_id"]
    body = {"provider": connection.provider, "token": token, **command}
    answer = httpx.post(f"{sandbox.url}/_sandbox/book", json=body)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def test_unknown_connection(services: Services) -> None:
    """There is nothing to replay for an id that does not exist."""
    with pytest.raises(NotFound):
        replay_connection(services, "conn_none")
