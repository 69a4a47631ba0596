"""A row that could not be read is not lost: it is applied when it can be, unless the bank took it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import AccountReference, Page, Rejected, TransactionRecord, TransactionRemoval
from bank_sync.providers.base import Provider
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections, quarantined
from bank_sync.sync import engine, project
from bank_sync.sync.quarantine import Retried, retry_quarantine
from bank_sync.sync.replay import replay_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import ask_truth, assert_equal, sync


class OlderRelease:
    """A provider as an older release knew it: rows whose text holds a certain word were unreadable."""

    def __init__(self, provider: Provider, is_unreadable: Callable[[TransactionRecord], bool]) -> None:
        self._provider = provider
        self._is_unreadable = is_unreadable

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def read_transactions(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
        """As today, but for the rows in question."""
        for number, item in enumerate(self._provider.read_transactions(page, accounts)):
            if isinstance(item, TransactionRecord) and self._is_unreadable(item):
                yield Rejected("invalid:new_field", f"added[{number}]")
            else:
                yield item


def before_the_fix(
    services: Services, name: str, is_unreadable: Callable[[TransactionRecord], bool]
) -> Services:
    """The services of the older release."""
    older: Any = OlderRelease(services.provider(name), is_unreadable)
    return replace(services, providers={**services.providers, name: older})


def live_rows(services: Services) -> int:
    """How many rows count."""
    with services.engine.connect() as db:
        found: int = db.execute(
            text("SELECT count(*) FROM bank.transactions WHERE removed_at IS NULL AND superseded_by IS NULL")
        ).scalar_one()
    return found


def resolutions(services: Services) -> dict[str | None, int]:
    """How many entries came to what end."""
    with services.engine.connect() as db:
        rows = db.execute(text("SELECT resolution, count(*) FROM bank.quarantine GROUP BY 1"))
        return {row[0]: row[1] for row in rows}


def is_even(record: TransactionRecord) -> bool:
    """About half of all rows."""
    return int(abs(record.amount) * 100) % 2 == 0


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_reader_mended(
    provider: str, services: Services, sandbox: RunningSandbox, link: Callable[..., str]
) -> None:
    """Rows an older release could not read are applied by the next one without asking the bank."""
    connection_id = link(provider)
    sync(before_the_fix(services, provider, is_even), connection_id)
    waiting = project.quarantined_rows(services, connection_id)
    assert waiting > 10
    before = live_rows(services)
    retried = retry_quarantine(services, connection_id)
    assert retried == Retried(applied=waiting)
    assert live_rows(services) == before + waiting
    project.link_transactions(services, connection_id)
    assert_equal(services, sandbox, connection_id)
    assert retry_quarantine(services, connection_id) == Retried()
    assert replay_connection(services, connection_id).differing == 0


def test_before_every_projection(services: Services, link: Callable[..., str]) -> None:
    """Nobody has to ask: the next projection tries again by itself, but not at every one."""
    connection_id = link("plaid")
    older = before_the_fix(services, "plaid", is_even)
    sync(older, connection_id)
    waiting = project.quarantined_rows(services, connection_id)
    project.project_transactions(older, connection_id)
    assert project.quarantined_rows(services, connection_id) == waiting
    project.project_transactions(services, connection_id)
    assert project.quarantined_rows(services, connection_id) == waiting  # tried a moment ago
    later = replace(services, clock=lambda: services.clock().replace(hour=23))
    project.project_transactions(later, connection_id)
    assert project.quarantined_rows(services, connection_id) == 0
    assert resolutions(services) == {"applied": waiting}


def test_account_known_later(services: Services, sandbox: RunningSandbox, link: Callable[..., str]) -> None:
    """Rows of accounts that nobody knew yet wait for them, and a replay waits likewise."""
    connection_id = link("plaid")
    engine.pull_transactions(services, connection_id)
    projected = project.project_transactions(services, connection_id)
    assert (projected.new, projected.quarantined) == (0, project.quarantined_rows(services, connection_id))
    assert retry_quarantine(services, connection_id) == Retried(waiting=projected.quarantined)
    engine.pull_accounts(services, connection_id)
    project.project_accounts(services, connection_id)
    assert retry_quarantine(services, connection_id) == Retried(applied=projected.quarantined)
    engine.pull_balances(services, connection_id)
    project.project_balances(services, connection_id)
    project.link_transactions(services, connection_id)
    assert_equal(services, sandbox, connection_id)
    assert replay_connection(services, connection_id).differing == 0


@pytest.mark.parametrize("op", ["remove", "correct"])
def test_overtaken_at_plaid(
    op: str, services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """What the bank took back or corrected meanwhile is not brought back by a late reading."""
    connection_id = link("plaid", "script-quarantine")
    movement = at_bank(services, sandbox, connection_id, op="spend", amount="-12.34", description="Odd one")
    odd = before_the_fix(services, "plaid", lambda record: record.description == "Odd one")
    sync(odd, connection_id)
    assert project.quarantined_rows(services, connection_id) == 1
    change = {} if op == "remove" else {"description": "Even one"}
    at_bank(services, sandbox, connection_id, op=op, movement=movement, **change)
    with services.engine.begin() as db:  # the bank tells nothing twice: only the stored page has the row
        db.execute(text("UPDATE bank.quarantine SET tries = 99"))
    clock.advance(hours=1)
    sync(odd, connection_id)
    assert retry_quarantine(services, connection_id) == Retried(overtaken=1)
    assert_equal(services, sandbox, connection_id)
    assert live_rows(services) == (0 if op == "remove" else 1)


def at_bank(services: Services, sandbox: RunningSandbox, connection_id: str, **command: str) -> str:
    """Have something happen at the bank; gives the movement."""
    truth = ask_truth(services, sandbox, connection_id)
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    body = {"provider": connection.provider, "token": token, **command}
    if command["op"] == "spend":
        body["account"] = str(truth[0]["provider_account_id"])
    answer = httpx.post(f"{sandbox.url}/_sandbox/book", json=body).raise_for_status().json()
    return str(answer.get("movement"))


def test_dismissed(services: Services, link: Callable[..., str]) -> None:
    """A person may close an entry for good; it is not tried again, and an unknown one is refused."""
    connection_id = link("teller")
    sync(before_the_fix(services, "teller", is_even), connection_id)
    with services.engine.begin() as db:
        rows = quarantined.waiting_rows(db, connection_id)
        assert {row.reason for row in rows} == {"invalid:new_field"}
        assert quarantined.dismiss(db, rows[0].quarantine_id, now=services.clock()) == connection_id
        with pytest.raises(NotFound):
            quarantined.dismiss(db, rows[0].quarantine_id, now=services.clock())
    assert retry_quarantine(services, connection_id).overtaken == 0
    assert resolutions(services) == {"applied": len(rows) - 1, "dismissed": 1}
