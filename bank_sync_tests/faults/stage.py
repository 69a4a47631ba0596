"""Where a sync is killed: a warm process to fork victims from, and a database that can be put back.

Belongs here: the person whose sync it is, the way back to before it, and looking at what was left. Does not
belong here: which steps are tried and what is counted (`sweep`), what is judged (`checks`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Self

import psycopg
from psycopg import sql

from bank_sync.settings import project_root
from bank_sync.storage import embedded
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults import checks
from bank_sync_tests.faults.syncing import Person

_DRAWN = {
    ("raw", "pages"): "(round_id, sequence, part, provider_account_id, window_last, length(body))::text",
    ("bank", "application_tokens"): "token_key",
}
"""Tables with drawn text (request ids, nonces), and what tells their rows apart nevertheless."""

_LEASE_IS_OVER = timedelta(minutes=30)  # longer than a dead worker's lease


class Victims:
    """The warm process that forks victims (`faults.victim`)."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bank_sync_tests.faults.victim"],
            cwd=project_root(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def follow(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Have a child follow the order; gives its exit code and the last thing it told."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(dict(order)) + "\n")
        self._process.stdin.flush()
        report: dict[str, Any] = json.loads(self._process.stdout.readline())
        return report


class Stage:
    """A person whose world moved on since their last sync, in a database that can be put back."""

    def __init__(self, person: Person, clock: Clock, admin_url: str) -> None:
        self.person = person
        self._clock = clock
        self._begins_at = clock.now
        self._admin = psycopg.connect(admin_url, autocommit=True)
        self._tables = self._take_snapshot()
        self._put_back = self._way_back()
        self._world = person.world()
        self.provider = person.services.provider(person.provider)
        person.sync()
        with person.services.engine.connect() as db:
            self._undisturbed = checks.fingerprint(db, person.connection_id)

    def close(self) -> None:
        """Close the door to the database."""
        self._admin.close()

    def put_back(self) -> None:
        """Everything as it was before the sync, once the last victim's session is gone."""
        self._wait_for_the_dead()
        self._clock.now = self._begins_at
        with self._admin.transaction():
            self._admin.execute(self._put_back)

    def state(self) -> str:
        """A digest of every row, by which two kills that left the same can be told."""
        self._wait_for_the_dead()
        digest = "SELECT md5(coalesce(string_agg({row}, '' ORDER BY {row}), '')) FROM {table} AS t"
        queries = [
            sql.SQL(digest).format(row=sql.SQL(_DRAWN.get(table, "t::text")), table=sql.Identifier(*table))
            for table in self._tables
        ]
        found = self._admin.execute(sql.SQL(" UNION ALL ").join(queries)).fetchall()
        return " ".join(str(digest) for (digest,) in found)

    def order(self, die_at: int | None, mutant: str | None) -> dict[str, Any]:
        """What to tell a victim."""
        return {
            "environment": {**self.person.services.settings.as_environment(), "PGAPPNAME": "victim"},
            "connection_id": self.person.connection_id,
            "now": self._clock.now.isoformat(),
            "die_at": die_at,
            "mutant": mutant,
            "run_id": f"run at {self._clock.now}",
        }

    def look_right_after(self) -> list[str]:
        """Violations that the kill left."""
        self._wait_for_the_dead()
        with self.person.services.engine.connect() as db:
            return checks.right_after(db, self.provider, self.person.connection_id)

    def look_after_recovery(self, victims: Victims, mutant: str | None = None) -> list[str]:
        """Violations that are left after the next sync by the same code."""
        self._clock.now += _LEASE_IS_OVER
        error = (
            self._sync_again() if mutant is None else victims.follow(self.order(None, mutant)).get("error")
        )
        if error:
            return [f"the next sync fails: {error}"]
        with self.person.services.engine.connect() as db:
            return checks.after_recovery(db, self.person.connection_id, self._world, self._undisturbed)

    def _sync_again(self) -> str | None:
        try:
            self.person.sync()
        except Exception as error:  # noqa: BLE001 - a sync that cannot go on is the worst finding
            return f"{type(error).__name__}: {error}"
        return None

    def _wait_for_the_dead(self) -> None:
        """The server notices a killed client within milliseconds, and rolls back what it had begun."""
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND application_name = 'victim'"
        )
        while self._admin.execute(query).fetchone() != (0,):
            time.sleep(0.001)  # real: the subject is a real server

    def _take_snapshot(self) -> list[tuple[str, str]]:
        """Copy every table beside itself."""
        self._admin.execute("CREATE SCHEMA before")
        found = self._admin.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('raw', 'bank') "
            "AND tablename <> 'alembic_version'"
        )
        tables = [(str(schema), str(name)) for schema, name in found]
        for table in tables:
            copy = sql.SQL("CREATE TABLE {} AS TABLE {}").format(_copy_of(table), sql.Identifier(*table))
            self._admin.execute(copy)
        return tables

    def _way_back(self) -> sql.Composed:
        """Statements that bring back all rows and the numbers that were given."""
        rows = [
            sql.SQL("DELETE FROM {table}; INSERT INTO {table} OVERRIDING SYSTEM VALUE TABLE {copy}").format(
                table=sql.Identifier(*table), copy=_copy_of(table)
            )
            for table in self._tables
        ]
        given = self._admin.execute(
            "SELECT schemaname, sequencename, coalesce(last_value, 1), last_value IS NOT NULL "
            "FROM pg_sequences WHERE schemaname IN ('raw', 'bank')"
        )
        numbers = [
            sql.SQL("SELECT setval({}, {}, {})").format(sql.Literal(f"{schema}.{name}"), last, used)
            for schema, name, last, used in given
        ]
        unchecked = sql.SQL("SET LOCAL session_replication_role = replica")
        return sql.SQL("; ").join([unchecked, *rows, *numbers])


def _copy_of(table: tuple[str, str]) -> sql.Identifier:
    return sql.Identifier("before", "_".join(table))


@contextmanager
def staged(person: Person, clock: Clock, server: embedded.EmbeddedServer) -> Iterator[Stage]:
    """A stage for as long as the block lasts: the person's first sync, then news of every kind."""
    database = str(person.services.engine.url.database)
    _live_a_little(person, clock)
    stage = Stage(person, clock, server.url(database, "bank_sync_admin"))
    try:
        yield stage
    finally:
        stage.close()


def _live_a_little(person: Person, clock: Clock) -> None:
    """Rows of all fates, seen once, then changed, removed, settled, and new ones."""
    checking, other = person.accounts()[:2]
    today = clock.now.date()
    booked = [
        person.spend(checking, f"-{n}.10", booked_on=str(today - timedelta(days=n)), description=f"SHOP {n}")
        for n in range(1, 7)
    ]
    person.spend(other, "-75.00", booked_on=str(today - timedelta(days=2)), description="FUEL")
    tipped, dropped = [
        person.spend(checking, amount, pending=True, description=text)
        for amount, text in (("-20.00", "DINER"), ("-9.99", "HOTEL HOLD"))
    ]
    person.sync()
    clock.advance(days=1)
    person.tell("settle", movement=tipped, amount="-23.00")
    person.tell("cancel", movement=dropped)
    person.tell("correct", movement=booked[0], amount="-1.11")
    person.tell("remove", movement=booked[1])
    person.spend(checking, "-4.20", description="COFFEE")
    person.spend(checking, "-4.20", description="COFFEE")
    person.spend(other, "-60.00", pending=True, description="GROCER")
