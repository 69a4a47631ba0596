"""How dbt is run: its folders, its environment, its executable.

Belongs here: everything dbt needs that is not SQL, for Dagster and the command line alike. Does not belong
here: Dagster (`orchestration.dbt_location`), so that `bank-sync dbt` starts without it, and the models
(`dbt_project`).
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL

from bank_sync.domain.errors import SettingsError
from bank_sync.settings import Settings, project_root
from bank_sync.storage.locations import locate

_LIBPQ_VARIABLES = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
"""Options of a PostgreSQL URL that dbt's driver takes from its own environment variables."""


def dbt_project_folder() -> Path:
    """The folder of the dbt project.

    Raises:
        SettingsError: there is none, since bank_sync was started elsewhere.
    """
    folder = project_root() / "dbt_project"
    if not (folder / "dbt_project.yml").is_file():
        raise SettingsError(
            "The dbt project was not found. Run this from the folder that holds `dbt_project/`."
        )
    return folder


def dbt_executable() -> Path:
    """The dbt installed beside this Python, whatever PATH says.

    Raises:
        SettingsError: dbt is not installed there.
    """
    executable = Path(sysconfig.get_path("scripts")) / "dbt"
    if not executable.is_file():
        raise SettingsError(
            "dbt is not installed beside this Python. Install the project's locked requirements."
        )
    return executable


def dbt_folders(settings: Settings) -> dict[str, str]:
    """Variables that tell dbt where to read and write; it writes below the home folder, not the checkout."""
    home = settings.home.resolve() / "dbt"
    project = dbt_project_folder()
    return {
        "DBT_PROJECT_DIR": str(project),
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
    }


def dbt_environment(warehouse: URL) -> dict[str, str]:
    """Variables that tell dbt's profile where the warehouse is; the last one is a secret, which dbt masks.

    Raises:
        SettingsError: the URL leaves out what dbt needs.
    """
    host = warehouse.host or warehouse.query.get("host")
    if not isinstance(host, str) or not warehouse.username or not warehouse.database:
        raise SettingsError(
            "BANK_SYNC_DATABASE_URL must name one host, a user and a database for dbt to use."
        )
    options = {
        variable: str(warehouse.query[option])
        for option, variable in _LIBPQ_VARIABLES.items()
        if option in warehouse.query
    }
    return {
        **options,
        "BANK_SYNC_DBT_HOST": host,
        "BANK_SYNC_DBT_PORT": str(warehouse.port or warehouse.query.get("port", 5432)),
        "BANK_SYNC_DBT_USER": warehouse.username,
        "BANK_SYNC_DBT_DATABASE": warehouse.database,
        "DBT_ENV_SECRET_BANK_SYNC_PASSWORD": warehouse.password or "",
    }


def run_dbt(settings: Settings, args: Sequence[str]) -> int:
    """Run `dbt <args>` against the warehouse, on this terminal; gives back dbt's exit code.

    Raises:
        SettingsError: no dbt project, no dbt, or a URL dbt cannot use.
        EmbeddedServerError: the embedded server does not start.
    """
    environment = {
        **os.environ,
        **dbt_folders(settings),
        **dbt_environment(locate(settings).warehouse),
    }
    command = [str(dbt_executable()), *args]
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - dbt beside this Python
