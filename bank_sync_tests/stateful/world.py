"""One process's world of stories: a database, the pretend banks on a socket, and bank_sync between them.

Belongs here: what is made once per process and made new for each story. Does not belong here: what happens in
a story (`stories`, `steps`) and what must hold after it (`judge`).

Every story gets a sandbox of its own, drawn from its seed, behind the same socket; they share the database,
where users and connections keep them apart. Time, waiting and chance come from the story.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import psycopg
import uvicorn
from psycopg import sql
from sqlalchemy import URL, Engine, text
from starlette.types import ASGIApp, Receive, Scope, Send

from bank_sync import services as services_module
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid import client as plaid
from bank_sync.providers.teller import client as teller
from bank_sync.sandbox.app import create_app
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import connections, embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync_tests.stateful.bank import Bank
from bank_sync_tests.stateful.mortality import Mortality

_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_DAYS_TO_BEGIN_IN = 330
_MOST_PAGES = 40
_BYTE_CAP = 1_000_000  # a tenth of the usual one, so that a body beyond it costs little
# what workers share over all connections: one story's trouble is not the next one's
_TABLES_OF_ALL = ("bank.breakers", "bank.rate_budgets", "bank.quota_calls", "bank.application_tokens")


@dataclass(slots=True)
class StoryClock:
    """The one clock of a story: the banks' and ours. It moves when a story or a wait moves it."""

    now: datetime = _FIRST_DAY

    def __call__(self) -> datetime:
        """The time it shows."""
        return self.now

    def advance(self, **span: float) -> None:
        """Move on by `days`, `hours` and the like."""
        self.now += timedelta(**span)

    def sleep(self, seconds: float) -> None:
        """Waiting is time passing."""
        self.now += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Seconds, for deadlines."""
        return self.now.timestamp()


class _Town:
    """The banks of whichever story is being told."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@dataclass(slots=True)
class World:
    """What stories are played in. `services` are a worker's; `begin` makes them, like all else, anew."""

    settings: Settings
    clock: StoryClock
    bank: Bank
    mortality: Mortality
    chance: Random
    ids: Random
    town: _Town
    stack: ExitStack
    services: Services = field(init=False)
    told: list[int] = field(default_factory=list)

    def begin(self, seed: int, config: SandboxConfig | None = None) -> None:
        """New banks, a new date, a new worker: nothing remembers the last story but its rows."""
        self.chance.seed(seed)
        self.clock.now = _FIRST_DAY + timedelta(
            days=self.chance.randrange(_DAYS_TO_BEGIN_IN), minutes=self.chance.randrange(1440)
        )
        # the number of the telling keeps identifiers apart when one world tells the same seed twice
        self.told.append(seed)
        name = f"{seed}" if self.told.count(seed) == 1 else f"{seed}.{self.told.count(seed)}"
        self.ids.seed(name)
        self.town.app = create_app(replace(config or SandboxConfig(), seed=name), self.clock)
        self.stack.close()
        self.services = self.another_worker()
        with self.services.engine.begin() as db:
            db.execute(text("; ".join(f"DELETE FROM {table}" for table in _TABLES_OF_ALL)))

    def another_worker(self) -> Services:
        """Services that share nothing with `services` but the database, until the story ends."""
        return self.stack.enter_context(open_services(self.settings, clock=self.clock))


@contextmanager
def running_server(home: Path) -> Iterator[embedded.EmbeddedServer]:
    """A PostgreSQL of its own with a migrated database to copy from, gone at the end."""
    server = embedded.ensure_running(home)
    try:
        migrate(locate(load_settings(home=home, database_url=None, environment="sandbox")))
        with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET fsync = off")  # nothing here outlives the process
            admin.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        embedded.erase(home)


def new_database(server: embedded.EmbeddedServer, name: str) -> str:
    """The URL of a fresh migrated database; a lost last second of it would hurt nobody."""
    create = sql.SQL("CREATE DATABASE {} TEMPLATE bank_sync OWNER bank_sync").format(sql.Identifier(name))
    alter = sql.SQL("ALTER DATABASE {} SET {} = {}")
    # two workers of a story take turns in one thread: one that waits for the other's lock waits for ever
    chosen = {"synchronous_commit": "off", "lock_timeout": "300ms"}
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as admin:
        admin.execute(create)
        for setting, value in chosen.items():
            admin.execute(alter.format(sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)))
    return server.url(name)


@contextmanager
def open_world(database_url: str, home: Path) -> Iterator[World]:
    """A world over one database for as long as the block runs."""
    clock, town, mortality = StoryClock(), _Town(), Mortality()
    chance, ids = Random(0), Random(0)  # noqa: S311 - to tell a story again
    with ExitStack() as stack:
        url = stack.enter_context(_listening(town))
        bank = stack.enter_context(closing(Bank(url)))
        stack.enter_context(mortality.watching())
        stack.enter_context(_http_in_story_time(clock, chance, mortality))
        stack.enter_context(_ids_from(ids))
        stack.enter_context(_engines_kept())
        stack.enter_context(_readings_bounded())
        settings = load_settings(home=home, environment="sandbox", database_url=database_url, sandbox_url=url)
        of_a_story = stack.enter_context(ExitStack())
        yield World(settings, clock, bank, mortality, chance, ids, town, of_a_story)


@contextmanager
def _http_in_story_time(clock: StoryClock, chance: Random, mortality: Mortality) -> Iterator[None]:
    """Let every provider's HTTP wait and throw dice as the story says, and count its steps."""

    def make(*args: Any, **kwargs: Any) -> ProviderHttp:
        in_story = {"sleep": clock.sleep, "monotonic": clock.monotonic, "random": chance.random}
        http = ProviderHttp(*args, **{**kwargs, **in_story, "byte_cap": _BYTE_CAP})
        mortality.watch(http._client)
        return http

    with patch.object(services_module, "ProviderHttp", make):
        yield


@contextmanager
def _readings_bounded() -> Iterator[None]:
    """Pages without end are given up early: no bank of a story has as many."""
    with patch.object(plaid, "_MOST_PAGES", _MOST_PAGES), patch.object(teller, "_MOST_PAGES", _MOST_PAGES):
        yield


@contextmanager
def _engines_kept() -> Iterator[None]:
    """One pool of connections for all stories: compiled and prepared statements are most of a sync's work."""
    with ExitStack() as stack:

        def kept(make: Callable[..., Engine]) -> Callable[..., Engine]:
            @cache
            def make_once(url: URL, **options: int) -> Engine:
                engine = make(url, **options)
                stack.callback(engine.dispose)
                engine.pool._pre_ping = False  # nobody restarts this server
                stack.enter_context(patch.object(engine, "dispose"))
                return engine

            return make_once

        for name in ("make_engine", "side_engine"):
            stack.enter_context(patch.object(services_module, name, kept(getattr(services_module, name))))
        yield


@contextmanager
def _ids_from(ids: Random) -> Iterator[None]:
    """Ids of people and connections from the seed: they decide the order accounts are read in."""
    with patch.object(connections, "ULID", lambda: f"{ids.getrandbits(128):032x}"):
        yield


@contextmanager
def _listening(town: _Town) -> Iterator[str]:
    """The town on a socket of this machine, in a thread of its own; gives its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        town, log_level="error", access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="town", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
