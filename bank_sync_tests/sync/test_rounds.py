"""Rounds are whole or not there; removals, losing workers and unreadable rows do no harm."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import text

from bank_sync.domain.errors import CursorMoved
from bank_sync.domain.models import DateWindow, Page, Part
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import raw_pages
from bank_sync.storage.database import transaction
from bank_sync.sync import engine, project
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.scripted import Person
from bank_sync_tests.sync.test_ledger_equals_world import assert_equal, sync


def one(services: Services, query: str) -> object:
    """The single value of a query."""
    with services.engine.connect() as db:
        return db.execute(text(query)).scalar_one()


def test_losing_worker(services: Services, link: Callable[..., str]) -> None:
    """A worker whose cursor was overtaken writes neither pages nor cursor."""
    connection_id = link("plaid")
    engine.pull_accounts(services, connection_id)
    engine.pull_transactions(services, connection_id)
    before = one(services, "SELECT count(*) FROM raw.pages"), one(services, "SELECT cursor FROM raw.cursors")
    stale = [Page(Part.TRANSACTIONS, "{}", cursor_after="later")]
    with pytest.raises(CursorMoved), transaction(services.engine) as db:
        raw_pages.store_round(
            db,
            connection_id,
            Part.TRANSACTIONS,
            stale,
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=services.clock(),
        )
    assert before == (
        one(services, "SELECT count(*) FROM raw.pages"),
        one(services, "SELECT cursor FROM raw.cursors"),
    )


def test_provider_fails_in_the_middle_of_a_round(services: Services, link: Callable[..., str]) -> None:
    """Pages read before the failure are not kept and the cursor stays."""
    connection_id = link("plaid")

    def pages() -> object:
        yield Page(Part.TRANSACTIONS, "{}", cursor_after="first")
        raise TimeoutError

    with pytest.raises(TimeoutError), transaction(services.engine) as db:
        raw_pages.store_round(
            db,
            connection_id,
            Part.TRANSACTIONS,
            pages(),  # type: ignore[arg-type]  # a generator that ends badly
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=services.clock(),
        )
    assert one(services, "SELECT count(*) FROM raw.rounds") == 0
    assert one(services, "SELECT count(*) FROM raw.cursors") == 0


def test_unreadable_row(
    services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """A row without an amount waits in quarantine, no row is taken for missing; the next sync goes on."""
    connection_id = link("gocardless")
    sync(services, connection_id)
    account = str(one(services, "SELECT provider_account_id FROM bank.accounts ORDER BY 1 LIMIT 1"))
    live = "SELECT count(*) FROM bank.transactions WHERE removed_at IS NULL"
    before = one(services, live)
    body = json.dumps(
        {"transactions": {"booked": [{"transactionId": "x", "bookingDate": "2026-03-01"}], "pending": []}}
    )
    today = clock().date()
    bad = Page(Part.TRANSACTIONS, body, account, window=DateWindow(today.replace(day=1), today))
    with transaction(services.engine) as db:
        raw_pages.store_round(
            db,
            connection_id,
            Part.TRANSACTIONS,
            [bad],
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=services.clock(),
        )
    projected = project.project_transactions(services, connection_id)
    assert (projected.quarantined, projected.removed) == (1, 0)
    assert one(services, live) == before
    assert project.quarantined_rows(services, connection_id) == 1
    clock.advance(days=1)
    sync(services, connection_id)
    assert_equal(services, sandbox, connection_id)


def test_row_that_vanishes_and_returns(services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """A complete window without a row tombstones it with a reason; the row comes back with its history."""
    connection_id = link("gocardless")
    sync(services, connection_id)
    account = str(
        one(
            services,
            "SELECT provider_account_id FROM bank.accounts JOIN bank.transactions USING (account_id) "
            "WHERE posting = 'posted' AND booked_on > '2026-03-01' LIMIT 1",
        )
    )
    today = clock().date()
    empty = json.dumps({"transactions": {"booked": [], "pending": []}})
    page = Page(Part.TRANSACTIONS, empty, account, window=DateWindow(today.replace(day=1), today))
    with transaction(services.engine) as db:
        raw_pages.store_round(
            db,
            connection_id,
            Part.TRANSACTIONS,
            [page],
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=services.clock(),
        )
    removed = project.project_transactions(services, connection_id).removed
    assert removed > 0
    gone = "SELECT count(*) FROM bank.transactions WHERE removal_reason = 'missing_from_window'"
    assert one(services, gone) == removed
    sync(services, connection_id)
    assert one(services, gone) == 0
    versions = (
        "SELECT count(DISTINCT transaction_id) FROM bank.transaction_versions WHERE removed_at IS NOT NULL"
    )
    assert one(services, versions) == removed


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_round_that_a_dead_worker_left_behind(provider: str, meet: Callable[..., Person]) -> None:
    """It is applied before the accounts that it speaks of get other ids: nothing of it is unknown."""
    person = meet(provider)
    person.do("spend", account=person.account, amount="-3.33")
    person.clock.advance(days=2)
    engine.pull_accounts(person.services, person.connection_id)
    project.project_accounts(person.services, person.connection_id)
    engine.pull_transactions(person.services, person.connection_id)
    person.do("renew_account", account=person.account)
    person.days(2)
    assert person.one("SELECT count(*) FROM bank.quarantine WHERE resolved_at IS NULL") == 0
    assert person.one("SELECT count(*) FROM bank.transactions WHERE amount = -3.33") == 1
