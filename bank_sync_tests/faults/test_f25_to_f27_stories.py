"""F25 to F27: what a round may say about one row, and banks that are not ready yet.

Belongs here: pages made up in Plaid's form, stored as a round and projected. Pages cut anywhere are tested in
`sync/test_split_invariance.py`; pending rows and their fates (F27) in `contract/test_life.py` and
`sync/test_links.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from bank_sync.domain.models import Page, Part
from bank_sync.storage import raw_pages
from bank_sync.storage.database import transaction
from bank_sync.sync import project
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import Person

Event = tuple[str, str, str]
"""What happened (added, modified, removed) to which id, with which amount."""


def page_of(events: Sequence[Event], account: str) -> str:
    """A page of `/transactions/sync` that tells these events."""
    lists: dict[str, list[dict[str, Any]]] = {"added": [], "modified": [], "removed": []}
    for what, identifier, amount in events:
        row: dict[str, Any] = {"transaction_id": identifier, "account_id": account}
        if what != "removed":
            row |= {"amount": -float(amount), "iso_currency_code": "USD", "date": "2026-03-09"}
            row |= {"name": identifier, "pending": False, "pending_transaction_id": None}
        lists[what].append(row)
    rest = {"accounts": [], "next_cursor": "", "has_more": False}
    return json.dumps({**lists, **rest, "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE"})


def tell(person: Person, pages: Sequence[Sequence[Event]], account: str) -> None:
    """Store the pages as one round and project it."""
    services = person.services
    made = [Page(Part.TRANSACTIONS, page_of(events, account)) for events in pages]
    with transaction(services.engine) as db:
        raw_pages.store_round(
            db,
            person.connection_id,
            Part.TRANSACTIONS,
            made,
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=services.clock(),
        )
    project.project_transactions(services, person.connection_id)


def live(person: Person) -> dict[str, Decimal]:
    """Amounts of live rows by the provider's id; twice the same id is an error."""
    query = text(
        "SELECT provider_transaction_id, amount FROM bank.transactions WHERE connection_id = :id "
        "AND removed_at IS NULL"
    )
    with person.services.engine.connect() as db:
        found = db.execute(query, {"id": person.connection_id}).all()
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: row[1] for row in found}


@pytest.fixture
def plaid(person: Callable[..., Person]) -> Person:
    """A person at Plaid, synced."""
    linked = person("plaid")
    linked.sync()
    return linked


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([[("added", "a", "-1"), ("removed", "a", "")]], {}),
        ([[("removed", "a", "")], [("added", "a", "-1")]], {"a": Decimal(-1)}),
        ([[("modified", "a", "-2")], [("added", "a", "-2")]], {"a": Decimal(-2)}),
        ([[("modified", "a", "-2")]], {"a": Decimal(-2)}),
        ([[("removed", "nobody", "")]], {}),
        ([[("added", "a", "-1"), ("added", "a", "-3")]], {"a": Decimal(-3)}),
        ([[("added", "a", "-1")], [("added", "a", "-3")]], {"a": Decimal(-3)}),
    ],
    ids=[
        "added and removed",
        "removed, then added",
        "modified before added",
        "modified alone",
        "unknown removed",
        "twice",
        "twice on two pages",
    ],
)
def test_f25_winner(pages: list[list[Event]], expected: dict[str, Decimal], plaid: Person) -> None:
    """The later word wins; within a page a removal comes last; what nobody knows cannot be removed."""
    account = plaid.accounts()[0]
    tell(plaid, pages, account)
    assert live(plaid) == expected


def test_f26_not_ready(person: Callable[..., Person], clock: Clock) -> None:
    """A history still being fetched is pending: no error, no row taken for missing, asked again soon."""
    someone = person("plaid")
    first = someone.accounts()[0]
    for days in (1, 100):
        day = str(clock.now.date() - clock.now.date().resolution * days)
        someone.spend(first, f"-{days}.00", booked_on=day)
    state = "SELECT history_state FROM bank.connections WHERE connection_id = :id"
    count = "SELECT count(*) FROM bank.transactions WHERE connection_id = :id"
    for stage, rows in (("not_ready", 0), ("initial", 1), ("historical", 2)):
        someone.tell("stage", stage=stage)
        someone.sync()
        assert someone.one(count) == rows
        assert someone.one("SELECT error_code FROM bank.connections WHERE connection_id = :id") is None
        assert (someone.one(state) in {"not_ready", "recent"}) is (stage != "historical")
        due_at = someone.one("SELECT next_sync_at FROM bank.connections WHERE connection_id = :id")
        assert (due_at - clock.now).total_seconds() <= (3600 if stage != "historical" else 86_400)
        clock.now = due_at
    assert someone.differences() == []


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_f26_empty_history(provider: str, person: Callable[..., Person]) -> None:
    """An account without a single row is read, not failed, and stays connected."""
    someone = person(provider)
    someone.sync()
    assert someone.differences() == []
    assert someone.one("SELECT state FROM bank.connections WHERE connection_id = :id") == "connected"
