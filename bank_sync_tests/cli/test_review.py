"""`bank-sync review` and `bank-sync transactions` over the real executable."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.stateful.bank import Bank


@pytest.fixture
def command_with_review(
    command: Any,
    services: Services,
    sandbox: RunningSandbox,
    clock: Clock,
    link: Callable[..., str],
) -> Any:
    """The command over a ledger with one pair that waits for a verdict."""
    connection_id = link("teller", "script")
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    with closing(Bank(sandbox.url)) as bank:
        account = bank.truth("teller", token)[0]["provider_account_id"]
        wish = {"account": account, "amount": "-15.00"}
        held = bank.command("teller", token, "spend", **wish, description="BOOKSHOP", pending=True)
        sync_connection(services, connection_id)
        clock.advance(days=1)
        bank.command("teller", token, "cancel", movement=held["movement"])
        bank.command("teller", token, "spend", **wish, description="SOMETHING [ELSE]")
        sync_connection(services, connection_id)
    assert services.settings.database_url is not None
    url = services.settings.database_url.get_secret_value()
    return replace(command, variables={"BANK_SYNC_DATABASE_URL": url})


def test_verdicts(command_with_review: Any) -> None:
    """A pair is shown with its reasons, joined, and taken apart; a second verdict is refused in words."""
    run = command_with_review.run
    shown = run("review", "list").stdout
    assert "BOOKSHOP" in shown
    assert "SOMETHING [ELSE]" in shown
    [pair] = json.loads(run("review", "list", "--json").stdout)["links"]
    number = str(pair["link_id"])
    assert (pair["kind"], pair["evidence"]["amounts_equal"]) == ("pending_posted", True)
    assert "Joined: 1 link." in run("review", "accept", number, "--by", "ada").stdout
    assert "Nothing waits" in run("review", "list").stdout
    refused = run("review", "reject", number)
    assert (refused.returncode, "undone instead" in refused.stderr) == (1, True)
    assert "Undone: 1 link." in run("review", "undo", number).stdout
    unknown = run("review", "accept", "999999")
    assert (unknown.returncode, "no link 999999" in unknown.stderr) == (2, True)
    assert run("review", "release", "999999").returncode == 2


def test_edits(command_with_review: Any, services: Services) -> None:
    """Category, note and hiding are set together; nonsense is refused before anything is written."""
    run = command_with_review.run
    with services.engine.connect() as db:
        row: str = db.execute(
            text("SELECT transaction_id FROM bank.transactions WHERE posting = 'posted'")
        ).scalar_one()
    words = ("--category", "food_and_drink_coffee", "--note", "with [Ada]", "--hide")
    answer = run("transactions", "edit", row, *words).stdout
    assert answer == "category: FOOD_AND_DRINK_COFFEE, note: with [Ada], hidden: True\n"
    for nonsense in ((), ("--category", "FUN")):
        assert run("transactions", "edit", row, *nonsense).returncode == 2
    assert run("transactions", "edit", "txn_none", "--show").returncode == 2
    assert "category: by rule" in run("transactions", "edit", row, "--category", "", "--show").stdout
