"""What the commands answer, and how they refuse."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, make_url

from bank_sync.cli.database import without_password
from bank_sync.security.cipher import parse_keyring
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage import tables
from bank_sync.storage.database import transaction


@pytest.fixture
def linked(command: Any, settings: Settings, services: Services, link: Callable[..., str]) -> tuple[Any, str]:
    """The command over a database with one linked connection that holds one account with a balance."""
    connection_id = link("plaid")
    now = services.clock()
    with transaction(services.engine) as db:
        db.execute(
            insert(tables.accounts).values(
                account_id="acct_1",
                connection_id=connection_id,
                provider_account_id="p1",
                name="Everyday",
                mask="0042",
                type="depository",
                currency="EUR",
                state="active",
                first_seen_at=now,
                changed_at=now,
            )
        )
        for amount in ("90.10", "1234.56"):
            db.execute(
                insert(tables.balances).values(
                    connection_id=connection_id,
                    account_id="acct_1",
                    balance_type="current",
                    role="current",
                    amount=amount,
                    provider_amount=amount,
                    currency="EUR",
                    round_id=1,
                    as_of=now,
                    confirmed_at=now,
                )
            )
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    return replace(command, variables={"BANK_SYNC_DATABASE_URL": url}), connection_id


def test_empty_status(command: Any) -> None:
    """A fresh checkout is told what to do next."""
    answer = command.run("status")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "No connections yet. Run `bank-sync demo`" in answer.stdout


def test_empty_status_as_json(command: Any) -> None:
    """Scripts get an empty list, not a sentence."""
    answer = command.run("status", "--json")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, [])


def test_status_of_a_linked_connection(linked: tuple[Any, str]) -> None:
    """A table for people, with why the next sync is then, and numbers with ISO times for scripts."""
    command, connection_id = linked
    for columns in ("90", "220"):
        variables = {**command.variables, "COLUMNS": columns}
        said = replace(command, variables=variables).run("status").stdout
        assert connection_id[-6:] in said
        assert "just linked, so it is read" in " ".join(re.sub("[│┃]", " ", said).split())
    assert connection_id in said
    [facts] = json.loads(command.run("status", "--json").stdout)
    assert (facts["connection_id"], facts["accounts"], facts["transactions"]) == (connection_id, 1, 0)
    assert (facts["state"], facts["last_synced_at"]) == ("connected", None)
    assert facts["next_sync_reason"] == "It was just linked, so it is read at once."
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", facts["next_sync_at"])


def test_show_by_the_end_of_an_id(linked: tuple[Any, str]) -> None:
    """An unambiguous end of the id is enough, the newest balance is exact and no secret is shown."""
    command, connection_id = linked
    text = command.run("connections", "show", connection_id[-6:]).stdout
    assert "0042" in text
    assert "1,234.56 EUR" in text
    answer = command.run("connections", "show", connection_id[-6:], "--json").stdout
    assert json.loads(answer)["account_list"][0]["current"] == "1234.56000000"
    assert "access-" not in text + answer


@pytest.mark.parametrize("args", [("connections", "show", "conn_nobody"), ("sync", "conn_nobody")])
def test_unknown_connection(command: Any, args: tuple[str, ...]) -> None:
    """An id that names nothing costs one sentence and code 2."""
    answer = command.run(*args)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines() == [
        "There is no connection 'conn_nobody'. List them with `bank-sync connections list`."
    ]


@pytest.mark.parametrize("args", [("sync",), ("sync", "--due", "--all"), ("sync", "conn_1", "--all")])
def test_sync_without_one_choice(command: Any, args: tuple[str, ...]) -> None:
    """What to sync has to be said once."""
    answer = command.run(*args)
    assert answer.returncode == 2
    assert "--due or --all" in answer.stderr


def test_wrong_setting(command: Any) -> None:
    """A wrong setting is named in one sentence, without its value."""
    answer = replace(command, variables={"BANK_SYNC_ENVIRONMENT": "hunter2"}).run("status")
    assert answer.returncode == 2
    assert answer.stderr.startswith("BANK_SYNC_ENVIRONMENT:")
    assert len(answer.stderr.splitlines()) == 1
    assert "hunter2" not in answer.stderr


def test_unreachable_database(command: Any) -> None:
    """A server that is not there costs one sentence without its password."""
    url = "postgresql://someone:hunter2@127.0.0.1:1/nowhere"
    answer = replace(command, variables={"BANK_SYNC_DATABASE_URL": url}).run("status")
    assert answer.returncode == 1
    assert "cannot be reached" in answer.stderr
    assert "hunter2" not in answer.stderr


@pytest.mark.parametrize(("role", "user"), [("owner", "bank_sync"), ("analyst", "bank_sync_analyst")])
def test_db_url(command: Any, role: str, user: str) -> None:
    """The one line printed is a URL that logs in as that role."""
    answer = command.run("db", "url", "--role", role)
    [url] = answer.stdout.splitlines()
    assert url.startswith("postgresql://")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (user,)


def test_address_given_to_psql() -> None:
    """The password is not in the arguments, which every user of the machine can read."""
    address = make_url("postgresql://owner:hunter2@db.example:5433/warehouse?sslmode=require")
    shown = without_password(address)
    assert shown == "postgresql://owner@db.example:5433/warehouse?sslmode=require"


def test_db_shell(command: Any) -> None:
    """Psql opens as the role asked for, and ends with its input."""
    answer = command.run("db", "shell", "--role", "analyst")
    assert (answer.returncode, answer.stderr) == (0, "")


def test_db_status_after_migrating(command: Any) -> None:
    """Migrating tells the revision, and the status tells the same without any password."""
    revision = command.run("db", "migrate").stdout.rstrip(".\n").rpartition(" ")[2]
    status = command.run("db", "status").stdout
    assert f"Tables at revision {revision}." in status
    password = command.run("db", "url").stdout.split(":")[2].partition("@")[0]
    assert password not in status


def test_new_key(command: Any) -> None:
    """The entry printed is a whole keyring, and another one each time."""
    first, second = (command.run("keyring", "new", "--id", "k7").stdout.strip() for _ in range(2))
    assert parse_keyring(first).active_key_id == "k7"
    assert first != second


def test_sandbox_port_taken(command: Any) -> None:
    """A taken port costs one sentence that names the option."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = command.run("sandbox", "--port", str(taken.getsockname()[1]))
    assert answer.returncode == 2
    assert "--port" in answer.stderr


def test_sandbox_in_production(command: Any) -> None:
    """Production pretends nothing."""
    key = command.run("keyring", "new").stdout.strip()
    production = {
        "BANK_SYNC_ENVIRONMENT": "production",
        "BANK_SYNC_ENCRYPTION_KEYS": key,
        "BANK_SYNC_DATABASE_URL": "postgresql://someone@127.0.0.1:1/nowhere",
    }
    answer = replace(command, variables=production).run("sandbox")
    assert answer.returncode == 2
    assert "do not run in production" in answer.stderr


def test_nothing_heavy_for_status() -> None:
    """Help and status start without the libraries of orchestration and analysis."""
    program = (
        "import sys, bank_sync.cli.main, bank_sync.services\n"
        "print({'dagster', 'pandas', 'sklearn', 'dbt', 'great_expectations'} & set(sys.modules))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"


def test_people_erase(linked: tuple[Any, str], services: Services) -> None:
    """A person is forgotten, also where the secret cannot be opened, which is said; nobody unknown is."""
    command, _ = linked
    unknown = command.run("people", "erase", "nobody", "--yes")
    assert unknown.returncode == 2
    assert "There is no such person" in unknown.stderr
    done = command.run("people", "erase", "person-of-plaid", "--yes")
    assert done.returncode == 0
    assert "its link was not ended: CredentialUnreadable" in done.stderr  # the command's keyring is another
    assert "1 connections ended" in done.stdout
    with services.engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM bank.users").scalar() == 0
        assert db.exec_driver_sql("SELECT count(*) FROM bank.balances").scalar() == 0


def test_categories_evaluate(command: Any, tmp_path: Path) -> None:
    """Rows of a file are measured, a stream of them replayed; a line that is no row is named, not quoted."""
    row = {
        "description": "TESCO STORES 2218",
        "amount": 12.5,
        "labels": ["FOOD_AND_DRINK"],
        "merchant": "Tesco",
    }
    rows = tmp_path / "rows.jsonl"
    rows.write_text(
        "\n".join(json.dumps({**row, "source": source}) for source in ("one", "two")), encoding="utf-8"
    )
    patient = replace(command, patience_s=240.0)
    measured = patient.run("categories", "evaluate", "--rows", str(rows))
    assert measured.returncode == 0, measured.stderr
    for expected in (
        "| all ",
        "| one ",
        "| two ",
        "naive Bayes",
        "2 names: 1.000 exactly right",
        "Rows a CPU second",
    ):
        assert expected in measured.stdout
    replayed = patient.run("categories", "evaluate", "--stream", str(rows))
    assert replayed.returncode == 0, replayed.stderr
    assert "| 50          | 1.000  | 1.000   |" in replayed.stdout
    rows.write_text(json.dumps({**row, "amount": "SECRET"}), encoding="utf-8")
    for option in ("--rows", "--stream"):
        refused = command.run("categories", "evaluate", option, str(rows))
        assert refused.returncode != 0
        assert refused.stderr.startswith("rows.jsonl, line 1: amount: ")
        assert "SECRET" not in refused.stderr
