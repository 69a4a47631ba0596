"""Commands that show what is proven, believed, replayed and set aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from bank_sync.cli import terminal
from bank_sync.cli.main import app
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.sync.reconcile import reconcile_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import sync
from bank_sync_tests.sync.test_quarantine import before_the_fix, is_even

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`bank-sync` over the test's database, in this process."""
    assert settings.database_url is not None
    monkeypatch.setenv("BANK_SYNC_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("BANK_SYNC_HOME", str(settings.home))
    monkeypatch.setattr(terminal.out, "_width", 220)  # made once per process, as wide as that was then
    return lambda *args: CliRunner().invoke(app, list(args))


def told(result: Result) -> Any:
    """The JSON a command printed."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_accounts_history_replay(
    run: Run, services: Services, clock: Clock, link: Callable[..., str]
) -> None:
    """Proofs and history are told; a replay passes, and a change by hand fails it, values untold."""
    connection_id = link("teller")
    for _ in range(2):
        sync(services, connection_id)
        reconcile_connection(services, connection_id)
        clock.advance(days=1)
    proofs = told(run("accounts", "--json"))
    assert {one["state"] for one in proofs} == {"proven"}
    assert "proven" in run("accounts", connection_id[-8:]).stdout
    restarted = told(run("accounts", "--restart-proof", proofs[0]["account_id"], "--json"))
    assert [one["state"] for one in restarted] == ["unknown"] + ["proven"] * (len(proofs) - 1)
    assert run("accounts", "--restart-proof", "acc_none").exit_code == 2
    assert told(run("history", connection_id, "--as-of", "2026-03-09", "--json")) == []
    rows = told(run("history", connection_id, "--as-of", "2026-03-10", "--json"))
    assert len(rows) > 100
    table = run("history", proofs[0]["account_id"], "--as-of", "2026-03-10T15:00").stdout
    assert "transactions as known at 2026-03-10 15:00:00 UTC." in table
    assert run("history", connection_id, "--as-of", "soon").exit_code == 2

    assert run("replay", connection_id).exit_code == 0
    changed = rows[0]["transaction_id"]
    with services.engine.begin() as db:
        db.execute(
            text("UPDATE bank.transactions SET amount = 777777 WHERE transaction_id = :id"), {"id": changed}
        )
    failed = run("replay", "--all")
    assert failed.exit_code == 1
    assert f"transactions changed {changed}: amount" in failed.stdout
    assert "777777" not in failed.stdout
    assert run("replay").exit_code == 2


def test_quarantine(run: Run, services: Services, link: Callable[..., str]) -> None:
    """Rows that wait are listed with place and reason, dismissed one by one, and tried again at once."""
    assert "Nothing waits" in run("quarantine", "list").stdout
    connection_id = link("teller")
    sync(before_the_fix(services, "teller", is_even), connection_id)
    waiting = told(run("quarantine", "list", connection_id, "--json"))
    assert {one["reason"] for one in waiting} == {"invalid:new_field"}
    assert "invalid:new_field" in run("quarantine", "list").stdout
    first = str(waiting[0]["quarantine_id"])
    assert run("quarantine", "dismiss", first).exit_code == 0
    assert run("quarantine", "dismiss", first).exit_code == 2
    answer = run("quarantine", "retry").stdout
    assert f"{len(waiting) - 1} rows applied, 0 overtaken by later answers, 0 still wait." in answer
    with services.engine.connect() as db:
        audited: int = db.execute(
            text("SELECT count(*) FROM bank.audit WHERE action = 'dismiss_quarantined'")
        ).scalar_one()
    assert audited == 1
