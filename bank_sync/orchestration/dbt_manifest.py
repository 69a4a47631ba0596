"""What dbt knows of its project, as Dagster reads it: prepared once per change of the project's files.

Belongs here: when `dbt parse` has to run and who runs it. Does not belong here: what Dagster makes of the
manifest (`orchestration.dbt_location`).

The webserver, the daemon and every run load the code location, often at the same moment: a file lock lets one
of them parse and the others read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bank_sync.domain.errors import BankSyncError
from bank_sync.orchestration.dbt_environment import dbt_executable, dbt_folders, dbt_project_folder
from bank_sync.settings import Settings

_PARSE_TIMEOUT_S = 300
"""A cold parse takes a few seconds; a machine at its limits may need a minute."""

_PRODUCTS = frozenset({"target", "logs", "dbt_packages"})
"""Folders dbt makes when it is run by hand without our environment."""


class DbtProjectBroken(BankSyncError):
    """The dbt project cannot be read; dbt itself explains why."""


def prepared_folder(settings: Settings) -> Path:
    """Where the manifest and dbt's own cache of it are kept."""
    return settings.home.resolve() / "dbt" / "prepared"


def load_manifest(settings: Settings) -> Mapping[str, Any]:
    """The manifest of the dbt project as its files are now; connects to no database.

    Raises:
        DbtProjectBroken: `dbt parse` fails.
        SettingsError: there is no dbt project, or no dbt.
    """
    folder = prepared_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint(dbt_project_folder())
    mark = folder / "fingerprint"
    with _locked(folder / "lock"):
        if not mark.is_file() or mark.read_text() != fingerprint:
            mark.unlink(missing_ok=True)
            _parse(settings, folder)
            mark.write_text(fingerprint)
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return manifest


def _parse(settings: Settings, folder: Path) -> None:
    environment = {**os.environ, **dbt_folders(settings), "DBT_TARGET_PATH": str(folder)}
    # parsing only what changed loses which asset shows a test that reads several models
    command = [str(dbt_executable()), "--quiet", "--no-partial-parse", "parse"]
    finished = subprocess.run(  # noqa: S603 - dbt beside this Python, fixed arguments
        command, env=environment, check=False, capture_output=True, timeout=_PARSE_TIMEOUT_S
    )
    if finished.returncode != 0:
        raise DbtProjectBroken("The dbt project does not parse. Run `bank-sync dbt -- parse` to see why.")


def _fingerprint(project: Path) -> str:
    """Changes with any file of the project and with dbt itself; file times would lie after a checkout."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-postgres"):
        digest.update(f"{package}=={version(package)}\n".encode())
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project)
        if path.is_file() and relative.parts[0] not in _PRODUCTS:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{relative.as_posix()} {content}\n".encode())
    return digest.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Held by one process at a time; the system lets go of it should that process die."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
