"""Bringing the databases to the shape this version expects.

Belongs here: running the migrations, schemas and the analyst's grants. Does not belong here: what the tables
look like (`storage.tables`, `storage/migrations`).
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bank_sync.domain.errors import SettingsError
from bank_sync.storage.database import PSYCOPG, make_engine, transaction
from bank_sync.storage.locations import Locations
from bank_sync.storage.tables import SCHEMAS

ANALYST_ROLE = "bank_sync_analyst"

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 6_401_877_212  # any number, so that processes that start together migrate one after the other


def alembic_config() -> Config:
    """Alembic's configuration; the connection is added to its attributes by the caller."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def migrate(locations: Locations) -> str:
    """Create or upgrade everything; running it again changes nothing. Returns the revision.

    Raises:
        DatabaseError: the server cannot be reached or refuses.
        SettingsError: Dagster's database is missing and may not be made.
    """
    engine = make_engine(locations.warehouse)
    try:
        with transaction(engine) as db:
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for schema in SCHEMAS:
                db.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
            config = alembic_config()
            config.attributes["connection"] = db
            command.upgrade(config, "head")
            _grant_analyst(db)
            revision = _revision(db)
        _ensure_dagster_database(locations)
    finally:
        engine.dispose()
    return revision or "none"


def current_revision(locations: Locations) -> str | None:
    """The revision of the tables; None before the first migration.

    Raises:
        DatabaseError: the server cannot be reached.
    """
    engine = make_engine(locations.warehouse)
    try:
        with transaction(engine) as db:
            return _revision(db)
    finally:
        engine.dispose()


def _revision(db: Connection) -> str | None:
    return MigrationContext.configure(db, opts={"version_table_schema": "bank"}).get_current_revision()


def _grant_analyst(db: Connection) -> None:
    """The analyst reads `analytics` and nothing else; servers without that role are left as they are."""
    exists = db.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": ANALYST_ROLE}).scalar()
    if exists:
        db.execute(text(f"GRANT USAGE ON SCHEMA analytics TO {ANALYST_ROLE}"))
        db.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO {ANALYST_ROLE}"))
        db.execute(
            text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA analytics GRANT SELECT ON TABLES TO {ANALYST_ROLE}")
        )


def _ensure_dagster_database(locations: Locations) -> None:
    """Make Dagster's database where it is missing; the embedded server has it."""
    if locations.embedded:
        return
    engine = create_engine(
        locations.warehouse.set(drivername=PSYCOPG), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
    name = locations.dagster.database or ""
    try:
        with engine.connect() as db:
            found = db.execute(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name})
            if found.scalar() is None:
                quoted = db.dialect.identifier_preparer.quote(name)
                db.execute(text(f"CREATE DATABASE {quoted}"))
    except DBAPIError:
        raise SettingsError(
            f"The database {name!r} for Dagster's storage is missing and could not be made. "
            "Create it, or set BANK_SYNC_DAGSTER_DATABASE_URL."
        ) from None
    finally:
        engine.dispose()
