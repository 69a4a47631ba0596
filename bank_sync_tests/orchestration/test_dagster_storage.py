"""Dagster's storage: a process keeps its connections, and goes on when the server was away."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from sqlalchemy import event, text
from sqlalchemy.pool import Pool

from bank_sync.orchestration.launch import open_instance
from bank_sync.services import Services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate


@contextmanager
def logins() -> Iterator[list[object]]:
    """Every new connection of this process to any database."""
    made: list[object] = []

    def note(connection: object, _entry: object) -> None:
        made.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield made
    finally:
        event.remove(Pool, "connect", note)


def look(instance: dg.DagsterInstance) -> None:
    """One look into each of the three storages."""
    assert instance.get_runs_count() == 0
    assert instance.get_dynamic_partitions("connections") == []
    assert instance.all_instigator_state() == []


def test_connections_are_kept(instance: dg.DagsterInstance) -> None:
    """After a first look no more logins are needed; fails when dagster-postgres goes another way."""
    look(instance)
    with logins() as made:
        look(instance)
    assert made == []


def test_instance_that_is_gone_keeps_none(instance: dg.DagsterInstance, services: Services) -> None:
    """A code server makes an instance for every tick; none of their connections waits for the collector."""
    reference, before = instance.get_ref(), sessions(services)
    gc.disable()
    try:
        for _ in range(5):
            with dg.DagsterInstance.from_ref(reference) as another:
                look(another)
            assert sessions(services) > before
            del another
        closing = time.monotonic() + 10  # a server takes a moment to end a session that was closed
        while sessions(services) > before and time.monotonic() < closing:
            time.sleep(0.05)
        assert sessions(services) == before
    finally:
        gc.enable()


def sessions(services: Services) -> int:
    """Connections to Dagster's database."""
    query = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name")
    with services.engine.connect() as db:
        return int(db.execute(query, {"name": services.locations.dagster.database}).scalar_one())


def test_server_restarted(tmp_path: Path) -> None:
    """A connection kept over a restart of the server is noticed and replaced."""
    home = tmp_path / "home"
    own = embedded.ensure_running(home)
    try:
        settings = load_settings(home=home, environment="sandbox", database_url=own.url())
        migrate(locate(settings))
        with open_instance(settings) as instance:
            look(instance)
            embedded.stop(home)
            embedded.ensure_running(home)
            look(instance)
    finally:
        embedded.erase(home)
