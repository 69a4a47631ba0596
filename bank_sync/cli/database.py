"""`bank-sync db`: where the database is, its shape, a shell on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from enum import StrEnum
from typing import Annotated

import typer
from sqlalchemy import URL

from bank_sync.cli import terminal
from bank_sync.domain.errors import SettingsError
from bank_sync.settings import Settings, load_settings
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import current_revision
from bank_sync.storage.migrate import migrate as run_migrations

app = typer.Typer(no_args_is_help=True, help="The warehouse database: its address, its tables, a shell.")


class Role(StrEnum):
    """Who connects."""

    OWNER = "owner"
    ANALYST = "analyst"


RoleOption = Annotated[Role, typer.Option(help="owner sees everything; analyst reads `analytics` alone.")]


def _plain_url(settings: Settings, role: Role) -> URL:
    locations = locate(settings)
    url = locations.warehouse if role is Role.OWNER else locations.analyst
    if url is None:
        raise SettingsError(
            "Set BANK_SYNC_ANALYST_DATABASE_URL to the URL of a read-only role of your server."
        )
    return url.set(drivername="postgresql")


@app.command()
def url(role: RoleOption = Role.OWNER) -> None:
    """Print the URL of the warehouse, password included, for psql or a BI tool.

    Example: `psql "$(bank-sync db url --role analyst)"`
    """
    print(_plain_url(load_settings(), role).render_as_string(hide_password=False))


@app.command()
def migrate() -> None:
    """Create the tables or bring them up to date; running it again changes nothing."""
    revision = run_migrations(locate(load_settings()))
    terminal.out.print(f"The database is at revision {revision}.")


@app.command()
def shell(role: RoleOption = Role.OWNER) -> None:
    """Open psql on the warehouse.

    Example: `bank-sync db shell --role analyst`
    """
    settings = load_settings()
    address = _plain_url(settings, role)
    program = _psql(settings)
    # The password goes through the environment: arguments are visible to every user of the machine.
    environment = {**os.environ, "PGPASSWORD": str(address.password or "")}
    command = [program, without_password(address)]
    raise typer.Exit(subprocess.call(command, env=environment))  # noqa: S603 - own program


def without_password(address: URL) -> str:
    """A URL that may be shown; `URL.set` cannot take a password away."""
    made = URL.create(
        "postgresql", address.username, None, address.host, address.port, address.database, address.query
    )
    return made.render_as_string(hide_password=False)


def _psql(settings: Settings) -> str:
    from bank_sync.storage.embedded.binaries import packaged_bindir

    beside = [settings.postgres_bindir / "psql"] if settings.postgres_bindir else []
    for candidate in (*beside, packaged_bindir() / "psql"):
        if candidate.is_file():
            return str(candidate)
    found = shutil.which("psql")
    if found is None:
        raise SettingsError("psql was not found. Install it (Debian: postgresql-client).")
    return found


@app.command()
def status() -> None:
    """Say whether the database runs, and where."""
    from bank_sync.storage.embedded import status as embedded_status

    settings = load_settings()
    running = embedded_status(settings.home) if settings.database_url is None else None
    if settings.database_url is None and running is None:
        terminal.out.print("The embedded database is not running; the next command starts it.")
        return
    locations = locate(settings)
    address = locations.warehouse.set(drivername="postgresql").render_as_string(hide_password=True)
    kind = f"The embedded database runs (pid {running.pid})" if running else "An own server is set"
    terminal.out.print(f"{kind}: {address}", soft_wrap=True)
    revision = current_revision(locations)
    shown = f"Tables at revision {revision}." if revision else "No tables yet: run `bank-sync db migrate`."
    terminal.out.print(shown)


@app.command()
def stop() -> None:
    """Stop the embedded database; the next command starts it again."""
    from bank_sync.storage.embedded import stop as stop_embedded

    stopped = stop_embedded(load_settings().home)
    terminal.out.print("The embedded database is stopped." if stopped else "It was not running.")
