"""F38: a database that refuses: disk full, timeout, read-only, no more connections.

Belongs here: refusals as the server raises them, at the boundary. Does not belong here: what passes by itself
(`test_f36_f37_database.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Connection, text

from bank_sync.services import Services
from bank_sync.storage.database import DatabaseError, in_transaction
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import PROVIDERS, Person

OWN_DATABASE = True
_LEASE_IS_OVER = timedelta(minutes=30)


def recovers(person: Person, clock: Clock) -> None:
    """The next sync goes through unaided and brings everything up to date."""
    clock.now += _LEASE_IS_OVER
    person.sync()
    assert person.differences() == []


@pytest.fixture(params=PROVIDERS)
def someone(request: pytest.FixtureRequest, person: Callable[..., Person]) -> Person:
    """A person at each provider in turn, synced, with news."""
    linked = person(request.param)
    linked.sync()
    linked.news()
    return linked


_REFUSING = """
CREATE FUNCTION bank.refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'row of %', NEW USING ERRCODE = {}; END $$
"""


@pytest.mark.parametrize("state", ["53100", "57014", "40P01"])
@pytest.mark.parametrize("table", ["raw.pages", "bank.transactions", "bank.balances"])
def test_f38_write_refused(
    state: str, table: str, person: Callable[..., Person], admin: psycopg.Connection, clock: Clock
) -> None:
    """Disk full or a timeout anywhere: the unit fails clean, its error holds no row, the next sync heals."""
    someone = person("teller")
    someone.news()
    admin.execute(sql.SQL(_REFUSING).format(sql.Literal(state)))
    when = f"BEFORE INSERT ON {table} FOR EACH ROW"
    admin.execute(f"CREATE TRIGGER refuse {when} EXECUTE FUNCTION bank.refuse()")
    with pytest.raises(DatabaseError) as failed:
        someone.sync()
    assert failed.value.sqlstate == state
    assert "row of" not in str(failed.value)
    assert someone.leftovers() == []
    admin.execute(f"DROP TRIGGER refuse ON {table}")
    recovers(someone, clock)


def test_f38_refused_within_a_copy(services: Services) -> None:
    """COPY is spoken past SQLAlchemy: its errors are rebuilt all the same, without the row."""

    def work(db: Connection) -> None:
        db.execute(text("CREATE TEMP TABLE narrow (value int)"))
        raw = db.connection.driver_connection
        assert raw is not None
        with raw.cursor() as cursor, cursor.copy("COPY narrow FROM STDIN") as copy:
            copy.write_row(["canary"])

    with pytest.raises(DatabaseError) as failed:
        in_transaction(services.engine, work)
    assert failed.value.sqlstate == "22P02"
    assert "canary" not in f"{failed.value!r} {failed.value.__cause__}"


@pytest.mark.parametrize(
    ("complaint", "orders"),
    [
        ("25006", ("SET default_transaction_read_only = on", "RESET default_transaction_read_only")),
        # 53300, which libpq does not pass on for a session that never began
        ("cannot be reached", ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1")),
    ],
)
def test_f38_database_that_refuses(
    complaint: str, orders: tuple[str, str], someone: Person, admin: psycopg.Connection, clock: Clock
) -> None:
    """Read-only, or out of connections: the sync fails clean and the next one goes through."""
    name = sql.Identifier(str(someone.services.engine.url.database))
    refuse, allow = (sql.SQL("ALTER DATABASE {} " + order).format(name) for order in orders)
    admin.execute(refuse)
    someone.services.engine.dispose()
    with pytest.raises(DatabaseError, match=complaint):
        someone.sync()
    admin.execute(allow)
    someone.services.engine.dispose()
    assert someone.leftovers() == []
    recovers(someone, clock)
