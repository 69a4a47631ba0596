"""F36 and F37: sessions that end and transactions that collide.

Belongs here: a database that goes away or gets in the way for a moment. Does not belong here: killed workers
(`test_f16_kill_sweep.py`), refusals (`test_f38_refusals.py`), a server that is killed
(`storage/embedded/test_crashes.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.database import DatabaseError, in_transaction, transaction
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import PROVIDERS, Person, person_at
from bank_sync_tests.stateful.bank import Bank

OWN_DATABASE = True
_LEASE_IS_OVER = timedelta(minutes=30)


@pytest.fixture(params=PROVIDERS)
def someone(request: pytest.FixtureRequest, person: Callable[..., Person]) -> Person:
    """A person at each provider in turn, synced, with news."""
    linked = person(request.param)
    linked.sync()
    linked.news()
    return linked


def recovers(person: Person, clock: Clock) -> None:
    """The next sync goes through unaided and brings everything up to date."""
    clock.now += _LEASE_IS_OVER
    person.sync()
    assert person.differences() == []


@contextmanager
def ended_at_statement(person: Person, admin: psycopg.Connection, number: int) -> Iterator[list[int]]:
    """The server ends the session that sends the statement of that number."""
    sent: list[int] = []

    def before(db: Connection, *_: object) -> None:
        sent.append(len(sent))
        if len(sent) == number:
            raw = db.connection.driver_connection
            assert raw is not None
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (raw.info.backend_pid,))

    event.listen(person.services.engine, "before_cursor_execute", before)
    try:
        yield sent
    finally:
        event.remove(person.services.engine, "before_cursor_execute", before)


def test_f36_session_ended_at_any_statement(someone: Person, admin: psycopg.Connection, clock: Clock) -> None:
    """Whichever statement meets it: nothing partial is left, and the next sync goes through."""
    number, met = 1, 0
    while True:
        with ended_at_statement(someone, admin, number) as sent:
            try:
                someone.sync()
            except DatabaseError:
                met += 1
        assert someone.leftovers() == []
        recovers(someone, clock)
        if len(sent) < number:
            break
        clock.advance(days=2)  # GoCardless gives four calls a day
        someone.news()
        number += 9  # every statement in turn would take a minute
    assert met > 3


def test_f36_server_restarted(
    tmp_path: Path, sandbox: RunningSandbox, bank: Bank, clock: Clock, server: embedded.EmbeddedServer
) -> None:
    """A server that goes down within a sync and comes back: the same process goes on, nothing is partial."""
    home = tmp_path / "home"
    own = embedded.ensure_running(home)
    try:
        settings = load_settings(
            home=home, environment="sandbox", database_url=own.url(), sandbox_url=sandbox.url
        )
        migrate(locate(settings))
        with open_services(settings, clock=clock) as services:
            person = person_at(services, sandbox, bank, "plaid", "script-restart")
            person.news()
            person.sync()
            person.news()
            person.faults({"kind": "slow", "paths": "/transactions/sync$", "delay_s": 0.5})
            stopper = threading.Timer(0.2, lambda: embedded.stop(home))
            stopper.start()
            with pytest.raises(DatabaseError):
                person.sync()
            stopper.join()
            embedded.ensure_running(home)
            assert person.leftovers() == []
            recovers(person, clock)
    finally:
        embedded.erase(home)


@pytest.fixture
def two_rows(services: Services) -> None:
    """A table with two rows to fight over."""
    with transaction(services.engine) as db:
        db.execute(text("CREATE TABLE bank.fought_over (name text PRIMARY KEY, value int NOT NULL)"))
        db.execute(text("INSERT INTO bank.fought_over VALUES ('a', 0), ('b', 0)"))


@pytest.mark.usefixtures("two_rows")
def test_f37_deadlock(services: Services) -> None:
    """Two units that lock in opposite order both take effect, whole and once; one was done again."""
    meeting = threading.Barrier(2, timeout=20)
    one_is_done = threading.Event()
    calls: list[str] = []

    def unit(first: str, second: str) -> None:
        def work(db: Connection) -> None:
            calls.append(first)
            if calls.count(first) > 1:
                assert one_is_done.wait(20)  # else it might take its lock before the other got it
            db.execute(text("UPDATE bank.fought_over SET value = value + 1 WHERE name = :n"), {"n": first})
            if calls.count(first) == 1:
                meeting.wait()
            db.execute(text("UPDATE bank.fought_over SET value = value + 1 WHERE name = :n"), {"n": second})

        in_transaction(services.engine, work)
        one_is_done.set()

    threads = [threading.Thread(target=unit, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(services.engine) as db:
        assert db.execute(text("SELECT array_agg(value) FROM bank.fought_over")).scalar_one() == [2, 2]
    assert len(calls) == 3


@pytest.mark.usefixtures("two_rows")
@pytest.mark.parametrize(("collisions", "attempts"), [(1, 2), (2, 3), (9, 3)])
def test_f37_serialization_failures(collisions: int, attempts: int, services: Services) -> None:
    """Done again whole up to three times; then it is the caller's, with nothing of it left."""
    calls: list[int] = []

    def work(db: Connection) -> str:
        calls.append(1)
        db.execute(text("UPDATE bank.fought_over SET value = value + 1"))
        if len(calls) <= collisions:
            db.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$"))
        return "done"

    if collisions < attempts:
        assert in_transaction(services.engine, work) == "done"
    else:
        with pytest.raises(DatabaseError) as failed:
            in_transaction(services.engine, work)
        assert failed.value.sqlstate == "40001"
    assert len(calls) == attempts
    with transaction(services.engine) as db:
        total: int = db.execute(text("SELECT sum(value) FROM bank.fought_over")).scalar_one()
    assert total == (2 if collisions < attempts else 0)


_REFUSING_TWICE = """
CREATE SEQUENCE bank.tried;
GRANT USAGE ON SEQUENCE bank.tried TO bank_sync;
CREATE FUNCTION bank.refuse_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('bank.tried') <= 2 THEN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON bank.transactions
FOR EACH STATEMENT EXECUTE FUNCTION bank.refuse_twice()
"""


def test_f37_projection_that_collides(person: Callable[..., Person], admin: psycopg.Connection) -> None:
    """A round that deadlocks on its way into the ledger is applied whole at the third try."""
    someone = person("plaid")
    someone.news()
    admin.execute(_REFUSING_TWICE)
    someone.sync()
    assert admin.execute("SELECT last_value FROM bank.tried").fetchone() == (3,)
    assert someone.differences() == []


def test_f37_other_errors_are_not_repeated(services: Services) -> None:
    """What will fail again is not tried again."""
    calls: list[int] = []

    def work(db: Connection) -> None:
        calls.append(1)
        db.execute(text("SELECT 1 / 0"))

    with pytest.raises(DatabaseError, match="22012"):
        in_transaction(services.engine, work)
    assert len(calls) == 1
