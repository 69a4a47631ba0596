"""Where the databases are: derived from one setting, or an embedded server started on demand.

Belongs here: the step from settings to URLs. Does not belong here: the server itself (`storage.embedded`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import URL

from bank_sync.domain.errors import SettingsError
from bank_sync.settings import Settings
from bank_sync.storage.database import PSYCOPG2, database_url

DAGSTER_DATABASE = "dagster"


@dataclass(frozen=True, slots=True)
class Locations:
    """URLs with explicit drivers.

    Attributes:
        warehouse: ours, for the owner role (psycopg 3).
        dagster: Dagster's own storage (psycopg2, which dagster-postgres needs).
        analyst: the read-only role, None when an own server was given without one.
        embedded: whether bank_sync runs the server itself.
    """

    warehouse: URL
    dagster: URL
    analyst: URL | None
    embedded: bool


def locate(settings: Settings) -> Locations:
    """Find the databases; starts the embedded server when no server is set.

    Raises:
        SettingsError: a malformed URL.
        EmbeddedServerError: the embedded server does not start.
    """
    if settings.database_url is None:
        return _embedded(settings)
    warehouse = database_url(settings.database_url.get_secret_value())
    if warehouse.database == DAGSTER_DATABASE and settings.dagster_database_url is None:
        raise SettingsError(
            "BANK_SYNC_DATABASE_URL names the database `dagster`, which Dagster's storage takes by default. "
            "Use another name, or set BANK_SYNC_DAGSTER_DATABASE_URL."
        )
    dagster = warehouse.set(drivername=PSYCOPG2, database=DAGSTER_DATABASE)
    if settings.dagster_database_url is not None:
        dagster = database_url(settings.dagster_database_url.get_secret_value(), driver=PSYCOPG2)
    analyst = settings.analyst_database_url
    return Locations(
        warehouse=warehouse,
        dagster=dagster,
        analyst=database_url(analyst.get_secret_value()) if analyst else None,
        embedded=False,
    )


def _embedded(settings: Settings) -> Locations:
    # imported here: production never loads the launcher
    from bank_sync.storage.embedded import ensure_running

    server = ensure_running(settings.home, bindir=settings.postgres_bindir)
    return Locations(
        warehouse=database_url(server.url()),
        dagster=database_url(server.url(DAGSTER_DATABASE), driver=PSYCOPG2),
        analyst=database_url(server.url(role="bank_sync_analyst")),
        embedded=True,
    )
