"""F17: a run that is cancelled, or told to stop, in the middle of a round.

Belongs here: signals that let a process tidy up. Does not belong here: SIGKILL (`test_f16_kill_sweep.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bank_sync.orchestration.launch import open_instance
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.settings import Settings, load_settings, project_root
from bank_sync.storage import embedded
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults import checks
from bank_sync_tests.faults.syncing import TRANSACTIONS, Person

OWN_DATABASE = True


@pytest.fixture
def settings(
    settings: Settings, server: embedded.EmbeddedServer, tmp_path: Path, sandbox: RunningSandbox
) -> Iterator[Settings]:
    """With a database for Dagster, too."""
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as admin:
        name = sql.Identifier("dagster_of_faults")
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER bank_sync").format(name))
        yield load_settings(
            home=tmp_path / "home",
            environment="sandbox",
            database_url=settings.database_url,
            dagster_database_url=server.url("dagster_of_faults"),
            sandbox_url=sandbox.url,
        )
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_f17_cancelled_within_a_round(
    number: signal.Signals, person: Callable[..., Person], settings: Settings, clock: Clock
) -> None:
    """No partial round, nobody's lock left, the run does not count as done; the next sync goes through."""
    someone = person("plaid")
    someone.spend(someone.accounts()[0], "-10.00")
    someone.sync()
    someone.spend(someone.accounts()[0], "-12.34")
    before = someone.rounds()
    asked = someone.bank.faults().get("slow", 0)
    someone.faults({"kind": "slow", "paths": TRANSACTIONS["plaid"], "delay_s": 60})
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "bank_sync_tests.faults.cancelled",
            someone.connection_id,
            clock.now.isoformat(),
        ],
        cwd=project_root(),
        env={**os.environ, **settings.as_environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while someone.bank.faults().get("slow", 0) == asked:
        assert worker.poll() is None, "the worker ended before it read transactions"
    worker.send_signal(number)
    worker.wait(60)
    assert someone.rounds() == before
    provider = someone.services.provider("plaid")
    with someone.services.engine.connect() as db:
        assert checks.right_after(db, provider, someone.connection_id) == []
    lease = "SELECT lease_holder FROM bank.connections WHERE connection_id = :id"
    assert someone.one(lease) is None
    with open_instance(settings) as instance:
        (run,) = instance.get_runs(limit=1)
    assert run.status.value in {"CANCELED", "FAILURE"}
    someone.bank.clear_faults()
    someone.sync()
    assert someone.differences() == []
