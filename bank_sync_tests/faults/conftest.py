"""Fixtures of the fault tests: scripted people at pretend banks of their own, in a database they share.

Does not belong here: faults.

A fresh database a test takes longer than most of these tests: they share one, where people and connections
keep them apart. A module that does something to the database itself sets `OWN_DATABASE`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from bank_sync.providers.http import ProviderHttp
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import Person, person_at
from bank_sync_tests.stateful.bank import Bank

_numbers = itertools.count(1)
# what workers share over all connections: one test's trouble is not the next one's
_TABLES_OF_ALL = ("bank.breakers", "bank.rate_budgets", "bank.quota_calls", "bank.application_tokens")


def _new_database(server: embedded.EmbeddedServer) -> str:
    name = f"faults_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE bank_sync OWNER bank_sync").format(sql.Identifier(name))
    # processes die here, never the server: what it has confirmed stays, flushed or not
    unflushed = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name))
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as admin:
        admin.execute(create)
        admin.execute(unflushed)
    return name


@pytest.fixture(scope="session")
def shared_database(server: embedded.EmbeddedServer) -> str:
    """The database of most tests here."""
    return _new_database(server)


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[RunningSandbox]:
    """Pretend banks that no other test has met."""
    with running_sandbox(SandboxConfig(seed=f"faults {next(_numbers)}"), clock=clock) as running:
        yield running


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, server: embedded.EmbeddedServer, tmp_path: Path, sandbox: RunningSandbox
) -> Settings:
    """Settings over the shared database, or a new one where the module wants its own."""
    if getattr(request.module, "OWN_DATABASE", False):
        name = _new_database(server)
    else:
        name = request.getfixturevalue("shared_database")
    home = tmp_path / "home"
    return load_settings(
        home=home, environment="sandbox", database_url=server.url(name), sandbox_url=sandbox.url
    )


@pytest.fixture
def services(settings: Settings, clock: Clock) -> Iterator[Services]:
    """A worker, before anything was tried."""
    with open_services(settings, clock=clock) as opened:
        with opened.engine.begin() as db:
            for table in _TABLES_OF_ALL:
                db.execute(text(f"DELETE FROM {table}"))
        yield opened


@pytest.fixture
def bank(sandbox: RunningSandbox) -> Iterator[Bank]:
    """The door through which the world is moved."""
    with closing(Bank(sandbox.url)) as opened:
        yield opened


@pytest.fixture
def person(services: Services, sandbox: RunningSandbox, bank: Bank) -> Callable[..., Person]:
    """Link a scripted person's bank at a provider; each is somebody else."""

    def linked(provider: str) -> Person:
        return person_at(services, sandbox, bank, provider, f"script-{next(_numbers)}")

    return linked


@pytest.fixture
def admin(services: Services, server: embedded.EmbeddedServer) -> Iterator[psycopg.Connection]:
    """The superuser's session in the test's database."""
    url = server.url(str(services.engine.url.database), "bank_sync_admin")
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def waits(services: Services) -> list[float]:
    """Seconds the providers' clients would have waited; nobody waits."""
    waited: list[float] = []
    for client in clients(services):
        client._sleep = waited.append
    return waited


def clients(services: Services) -> list[ProviderHttp]:
    """The HTTP clients of all providers."""
    found = []
    for provider in services.providers.values():
        inside = vars(provider)
        found.append(inside["_http"] if "_http" in inside else inside["_api"]._http)
    return found
