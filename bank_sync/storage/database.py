"""Engines and how statements fail.

Belongs here: making the one engine of a process, turning database errors into safe ones, and doing a unit of
work again that collided with another. Does not belong here: tables, queries, starting a server
(`storage.embedded`).
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import psycopg2
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bank_sync.domain.errors import BankSyncError, SettingsError

PSYCOPG = "postgresql+psycopg"
"""Our driver. A bare `postgresql://` is never used: libraries disagree on the driver it means."""

PSYCOPG2 = "postgresql+psycopg2"
"""Dagster's driver: dagster-postgres 0.29 breaks on psycopg 3."""


_COLLISIONS = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_TRIES = 3
_FRESH_FOR_S = 5.0
_RETURNED_AT = "returned_at_s"

T = TypeVar("T")


class DatabaseError(BankSyncError):
    """The database refused; named by SQLSTATE and constraint only, since server messages quote row values.

    Args:
        message: safe to show.
        sqlstate: the server's code, None when it gave no answer.
    """

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def is_collision(self) -> bool:
        """True when another transaction got in the way: the same work, done again, may well go through."""
        return self.sqlstate in _COLLISIONS


def database_url(text: str, *, driver: str = PSYCOPG) -> URL:
    """A URL with an explicit driver from any `postgresql://…` text.

    Raises:
        SettingsError: not a PostgreSQL URL.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError("BANK_SYNC_DATABASE_URL is not a URL like postgresql://user@host/name.") from None
    if not url.drivername.startswith(("postgresql", "postgres")):
        raise SettingsError("BANK_SYNC_DATABASE_URL must start with postgresql://.")
    return url.set(drivername=driver)


def make_engine(url: URL, *, workers: int = 1) -> Engine:
    """The engine of a process; connections that rested are checked before use, so that a restart heals.

    `workers` is how many threads use it: each has up to two connections at a time.
    """
    engine = create_engine(url, pool_size=3 + workers, max_overflow=7 + workers, hide_parameters=True)
    return fit_for_short_work(engine)


def side_engine(url: URL, *, workers: int = 1) -> Engine:
    """A second, small engine for what must be committed while a transaction of the first is open.

    A pool of its own: workers that hold the first one's connections would else wait for each other for ever.
    """
    engine = create_engine(url, pool_size=workers, max_overflow=8, hide_parameters=True)
    return fit_for_short_work(engine)


def fit_for_short_work(engine: Engine) -> Engine:
    """Fit connections for many short statements.

    A check before every use (`pool_pre_ping`) costs a sync a third of its round trips: what was in use
    seconds ago is only asked when its server has said something meanwhile, be it farewell. Compiling a plan
    to machine code costs more than statements of a sync take.
    """

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET jit = off")
        cursor.close()
        connection.commit()

    @event.listens_for(engine, "checkin")
    def note_return(_connection: object, entry: ConnectionPoolEntry) -> None:
        entry.info[_RETURNED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check_rested(
        connection: DBAPIConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
    ) -> None:
        rested_s = time.monotonic() - entry.info.get(_RETURNED_AT, time.monotonic())
        if (rested_s > _FRESH_FOR_S or _has_something_to_say(connection)) and not _answers(
            engine, connection
        ):
            raise InvalidatePoolError

    return engine


def _has_something_to_say(connection: DBAPIConnection) -> bool:
    """Whether anything waits to be read, which on a connection at rest is mostly its end."""
    try:
        waiting = select.poll()
        waiting.register(connection.fileno(), select.POLLIN)
        return bool(waiting.poll(0))
    except (psycopg.Error, psycopg2.Error, OSError, ValueError):
        return True  # closed on this side: the ping tells


def _answers(engine: Engine, connection: DBAPIConnection) -> bool:
    try:
        return engine.dialect.do_ping(connection)
    except (psycopg.Error, psycopg2.Error):
        return False


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: committed at the end, rolled back on any error.

    Raises:
        DatabaseError: whatever the database refused, without the values it refused.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise _safe(error.orig) from None
    except psycopg.Error as error:  # COPY is spoken past SQLAlchemy
        raise _safe(error) from None


def in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do `work` in a transaction of its own, from its start again when it collided with another one.

    `work` may be called up to three times; what it did before a collision was rolled back.

    Raises:
        DatabaseError: whatever the database refused, a collision only after three of them.
    """
    for tries_left in range(_TRIES - 1, -1, -1):
        try:
            with transaction(engine) as db:
                return work(db)
        except DatabaseError as error:
            if not error.is_collision or not tries_left:
                raise
    raise AssertionError  # the last try returns or raises


def _safe(original: BaseException | None) -> DatabaseError:
    return DatabaseError(_safe_text(original), getattr(original, "sqlstate", None))


def _safe_text(original: BaseException | None) -> str:
    """SQLSTATE and constraint: the parts of a database error that never hold a row's values."""
    state = getattr(original, "sqlstate", None)
    constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
    where = f", constraint {constraint}" if constraint else ""
    if state is None:
        return "The database cannot be reached. Check BANK_SYNC_DATABASE_URL, or run `bank-sync db url`."
    return f"The database refused a statement (SQLSTATE {state}{where}, {type(original).__name__})."
