"""The ledger depends on what a round says, not on where its pages end (I7, F25)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from bank_sync.domain.models import Page, Part
from bank_sync.services import Services
from bank_sync.storage import ledger, raw_pages
from bank_sync.sync import engine, parts, project

FEW = settings(
    max_examples=25,  # each is four rounds in a real database
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # every example is rolled back
)


@dataclass(frozen=True)
class Event:
    """One entry of a change log: a list (`added`, `modified`, `removed`) and the row in it."""

    listed: str
    row: int
    cents: int = 0


@st.composite
def change_logs(draw: st.DrawFn) -> list[Event]:
    """Rows told once or several times, then perhaps removed, all mixed; some of them the ledger knows."""
    of_rows: list[list[Event]] = []
    for row in draw(st.sets(st.integers(0, 9), min_size=1, max_size=7)):
        values = draw(st.lists(st.integers(-500, 500), max_size=3))
        first_modified = draw(st.integers(0, len(values)))
        events = [
            Event("added" if number < first_modified else "modified", row, cents)
            for number, cents in enumerate(values)
        ]
        if draw(st.booleans()) or not events:
            events.append(Event("removed", row))
        of_rows.append(events)
    mixed: list[Event] = []
    while of_rows:
        events = draw(st.sampled_from(of_rows))
        mixed.append(events.pop(0))
        of_rows = [rest for rest in of_rows if rest]
    return mixed


def page(events: list[Event], account: str, cursor: str) -> Page:
    """One page of Plaid's change log."""
    body: dict[str, Any] = {
        "added": [],
        "modified": [],
        "removed": [],
        "next_cursor": cursor,
        "has_more": False,
    }
    for event in events:
        row: dict[str, object] = {"transaction_id": f"t{event.row}", "account_id": account}
        if event.listed != "removed":
            row |= {"amount": event.cents / 100, "date": f"2026-03-{event.row + 1:02d}", "pending": False}
            row |= {"iso_currency_code": "USD", "name": f"Shop {event.row}"}
        body[event.listed].append(row)
    return Page(Part.TRANSACTIONS, json.dumps(body), cursor_after=cursor)


def apply(db: Connection, services: Services, connection_id: str, pages: list[Page]) -> None:
    """Commit a round and project it, inside the caller's transaction."""
    cursor = raw_pages.current_cursor(db, connection_id)
    round_, _ = raw_pages.store_round(
        db,
        connection_id,
        Part.TRANSACTIONS,
        pages,
        cursor_before=cursor,
        cursor_stored=cursor,
        generation=0,
        now=services.clock(),
    )
    ledger.open_for_writing(db, connection_id)
    parts.transactions_round(db, services.provider("plaid"), round_)


def bytes_of(db: Connection, *without: str) -> set[str]:
    """All rows and versions, but for the columns named."""
    dropped = "".join(f" - '{name}'" for name in ("round_id", *without))
    found: set[str] = set()
    for table in ("transactions", "transaction_versions"):
        query = text(f"SELECT '{table}' || (to_jsonb(t){dropped})::text FROM bank.{table} AS t")
        found.update(db.execute(query).scalars())
    return found


def prepared(services: Services, link: Callable[..., str]) -> tuple[str, str]:
    """A connection with accounts: (connection_id, one account's id at Plaid)."""
    connection_id = link("plaid", "script-split")
    engine.pull_accounts(services, connection_id)
    project.project_accounts(services, connection_id)
    with services.engine.connect() as db:
        account: str = db.execute(
            text("SELECT provider_account_id FROM bank.accounts ORDER BY account_id LIMIT 1")
        ).scalar_one()
    return connection_id, account


def test_pages_may_end_anywhere(services: Services, link: Callable[..., str]) -> None:
    """The same change log in one page, in pages cut anywhere, and row by row: the same rows and versions."""
    connection_id, account = prepared(services, link)
    known = page([Event("added", row, 100 + row) for row in range(5)], account, "known")

    @FEW
    @given(log=change_logs(), cuts=st.sets(st.integers(1, 20), max_size=4))
    def same(log: list[Event], cuts: set[int]) -> None:
        edges = [0, *sorted(cut for cut in cuts if cut < len(log)), len(log)]
        ways = (
            [page(log, account, "end")],
            [page(log[a:b], account, f"end{b}") for a, b in pairwise(edges)],
            [page([event], account, f"end{at}") for at, event in enumerate(log)],
        )
        results = []
        for pages in ways:
            with services.engine.connect() as db:
                apply(db, services, connection_id, [known])
                apply(db, services, connection_id, pages)
                results.append(bytes_of(db))
                db.rollback()
        assert results[0] == results[1] == results[2]

    same()


def test_twice_is_once(services: Services, link: Callable[..., str]) -> None:
    """A round that comes again changes no row; one it both tells and removes is noted as back and gone."""
    connection_id, account = prepared(services, link)

    @FEW
    @given(log=change_logs())
    def same(log: list[Event]) -> None:
        with services.engine.connect() as db:
            apply(db, services, connection_id, [page(log, account, "end1")])
            rows, everything = rows_of(db), bytes_of(db)
            apply(db, services, connection_id, [page(log, account, "end2")])
            assert rows_of(db) == rows
            if not any(event.listed == "removed" for event in log):
                assert bytes_of(db) == everything
            db.rollback()

    same()


def rows_of(db: Connection) -> set[tuple[object, ...]]:
    """What the ledger says of each row now."""
    query = text("SELECT transaction_id, amount, description, removed_at IS NULL FROM bank.transactions")
    return {tuple(row) for row in db.execute(query)}
