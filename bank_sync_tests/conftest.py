"""Shared fixtures: one real PostgreSQL per session, a fresh migrated database per test, the real sandbox."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import hypothesis
import psycopg
import pytest
from psycopg import sql

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.sync.onboarding import finish_link

# How long an example takes says how busy the machine is, not whether the answer is right.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_names = itertools.count(1)


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.now

    def advance(self, **span: float) -> None:
        """Move on by `days`, `hours` and the like."""
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedServer]:
    """The session's own PostgreSQL, erased at the end, with a migrated database to copy from."""
    home = tmp_path_factory.mktemp("postgres")
    running = embedded.ensure_running(home)
    migrate(locate(load_settings(home=home, database_url=None, environment="sandbox")))
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives the process
        _admin(running, sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    _admin(running, sql.SQL("SELECT pg_reload_conf()").format())
    yield running
    embedded.erase(home)
    shutil.rmtree(home, ignore_errors=True)


def _admin(server: embedded.EmbeddedServer, *statements: sql.Composed) -> None:
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def fresh_settings(
    server: embedded.EmbeddedServer, home: Path, sandbox: RunningSandbox
) -> Iterator[Settings]:
    """Settings of a fresh checkout: empty migrated databases, a home of its own, the sandbox as the banks."""
    number = next(_names)
    warehouse, dagster = f"warehouse_{number}", f"dagster_{number}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER bank_sync")
    _admin(
        server,
        create.format(sql.Identifier(warehouse), sql.Identifier("bank_sync")),
        create.format(sql.Identifier(dagster), sql.Identifier("template1")),
    )
    yield load_settings(
        home=home,
        environment="sandbox",
        database_url=server.url(warehouse),
        dagster_database_url=server.url(dagster),
        analyst_database_url=server.url(warehouse, "bank_sync_analyst"),
        sandbox_url=sandbox.url,
    )
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
    _admin(server, drop.format(sql.Identifier(warehouse)), drop.format(sql.Identifier(dagster)))


@pytest.fixture
def settings(server: embedded.EmbeddedServer, tmp_path: Path, sandbox: RunningSandbox) -> Iterator[Settings]:
    """The test's settings: a fresh checkout."""
    with fresh_settings(server, tmp_path / "home", sandbox) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    """The one clock of a test: the sandbox's and ours."""
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[RunningSandbox]:
    """The pretend banks over real HTTP on the test's clock."""
    with running_sandbox(SandboxConfig(), clock=clock) as running:
        yield running


@pytest.fixture
def services(settings: Settings, clock: Clock) -> Iterator[Services]:
    """What the library functions take, over the fresh database and the sandbox."""
    with open_services(settings, clock=clock) as opened:
        yield opened


def link_plaid(services: Services, sandbox: RunningSandbox, user: str) -> dict[str, str]:
    """What a person's browser brings back from Plaid Link."""
    body = {
        "institution_id": "ins_109508",
        "initial_products": ["transactions"],
        "options": {"override_username": user, "transactions": {"days_requested": 730}},
    }
    answer = httpx.post(
        f"{sandbox.plaid_url}/sandbox/public_token/create",
        json=body,
        headers={"PLAID-CLIENT-ID": "any", "PLAID-SECRET": "any"},
    )
    return {"public_token": answer.raise_for_status().json()["public_token"]}


def link_teller(services: Services, sandbox: RunningSandbox, user: str) -> dict[str, str]:
    """What a person's browser brings back from Teller Connect."""
    body = {"application_id": "any", "username": user, "password": "password", "nonce": "once"}
    answer = httpx.post(f"{sandbox.teller_url}/connect/enrollments", json=body).raise_for_status().json()
    return {
        "access_token": answer["accessToken"],
        "enrollment_id": answer["enrollment"]["id"],
        "institution_name": answer["enrollment"]["institution"]["name"],
        "nonce": "once",
        "user_id": answer["user"]["id"],
        "signatures": " ".join(answer["signatures"]),
    }


def link_gocardless(services: Services, sandbox: RunningSandbox, user: str) -> dict[str, str]:
    """A person approves at the bank's page and comes back."""
    start = services.provider("gocardless").start_link(
        user_reference=user,
        institution_id="SANDBOXFINANCE_SFIN0000",
        country="gb",
        redirect_url="http://127.0.0.1/back",
    )
    assert start.url is not None
    answer = httpx.get(start.url, params={"auto": "1", "username": user})
    assert answer.is_redirect
    return {"requisition_id": start.reference}


LINKS: dict[str, Callable[[Services, RunningSandbox, str], dict[str, str]]] = {
    "plaid": link_plaid,
    "teller": link_teller,
    "gocardless": link_gocardless,
}


@pytest.fixture
def link(services: Services, sandbox: RunningSandbox) -> Callable[..., str]:
    """Link a bank at a provider for a made-up person; gives the connection_id."""

    def linked(provider: str, user: str = "user_good") -> str:
        proof = LINKS[provider](services, sandbox, user)
        return finish_link(services, provider, user_reference=f"person-of-{provider}", proof=proof)

    return linked
