"""Logging in as superuser; every cluster's roles and databases. Tables and grants belong to migrations."""

import json
import secrets
from collections.abc import Mapping

import psycopg
from psycopg import sql

from bank_sync.storage.embedded.errors import EmbeddedServerError
from bank_sync.storage.embedded.files import read_text, write_private
from bank_sync.storage.embedded.place import Place
from bank_sync.storage.embedded.server import HOST

ADMIN = "bank_sync_admin"
OWNER = "bank_sync"
ANALYST = "bank_sync_analyst"
DATABASES = ("bank_sync", "dagster")
# any number that only this launcher locks in the database named postgres
COMPLETION_LOCK = 4_071_992


def read_passwords(place: Place) -> Mapping[str, str] | None:
    """Return role -> password, or None before they were made."""
    text = read_text(place.passwords)
    if text is None:
        return None
    try:
        passwords = json.loads(text)
        return {role: str(passwords[role]) for role in (ADMIN, OWNER, ANALYST)}
    except (ValueError, KeyError, TypeError):
        raise EmbeddedServerError(
            f"{place.passwords} is damaged; restore it from a backup, or erase the database and begin anew."
        ) from None


def passwords_for(place: Place) -> Mapping[str, str]:
    """Return role -> password, making them where there is no cluster yet that could depend on older ones."""
    if (passwords := read_passwords(place)) is not None:
        return passwords
    if place.data.is_dir():
        raise EmbeddedServerError(
            f"{place.passwords} is missing, so nobody can log in to {place.data}; restore it from a backup, "
            f"or erase the database and begin anew."
        )
    passwords = {role: secrets.token_urlsafe(32) for role in (ADMIN, OWNER, ANALYST)}
    write_private(place.passwords, json.dumps(passwords, indent=1) + "\n")
    return passwords


def connect_as_admin(port: int, passwords: Mapping[str, str]) -> psycopg.Connection[tuple[object, ...]]:
    """Log in as superuser; SCRAM also makes the server prove itself. Raises psycopg.Error."""
    return psycopg.connect(
        host=HOST,
        port=port,
        user=ADMIN,
        password=passwords[ADMIN],
        dbname="postgres",
        sslmode="disable",
        require_auth="scram-sha-256",
        options="",
        connect_timeout=5,
        autocommit=True,
    )


def complete_cluster(port: int, passwords: Mapping[str, str]) -> None:
    """Create whichever roles and databases are missing; raises psycopg.Error."""
    with connect_as_admin(port, passwords) as connection:
        # the session of a starter that was killed may still be busy with the very same work
        connection.execute("SET lock_timeout = '30s'")
        connection.execute("SELECT pg_advisory_lock(%s)", [COMPLETION_LOCK])
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in (OWNER, ANALYST):
            if role not in roles:
                _create_role(connection, role, passwords[role])
        databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for database in DATABASES:
            if database not in databases:
                _create_database(connection, database)
        # run logs are no business of analysts, and PostgreSQL lets everybody connect unless told otherwise
        connection.execute("REVOKE ALL ON DATABASE dagster FROM PUBLIC")


def _create_role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    # only the SCRAM verifier travels, so no statement log could ever hold the password
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(verifier)
        )
    )


def _create_database(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER))
    )
