"""The stage of a benchmark: people with connections, their bank, a daemon, time that passes.

Belongs here: what several benchmarks set up, and starting runs as the UI does. Does not belong here: counting
(`benchmarks.meters`), syncing without Dagster (`benchmarks.library`).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
from sqlalchemy import text

from bank_sync.domain.models import Linked
from bank_sync.orchestration.launch import dagster_home
from bank_sync.services import Services
from bank_sync.settings import Settings, project_root
from bank_sync.storage.connections import add_connection, ensure_user
from bank_sync.storage.database import transaction

HISTORY_ROWS = 40
"""What the bank tells of each connection at first."""

_STARTS_WITHIN_S = 120
_WORKSPACE = "load_from:\n  - python_module: {module_name: bank_sync.definitions, location_name: bank_sync}\n"


def link(services: Services, count: int, *, first: int = 0) -> list[str]:
    """People with a connection each, linked two hours ago."""
    now = services.clock() - timedelta(hours=2)
    with transaction(services.engine) as db:
        return [
            add_connection(
                db,
                services.cipher,
                user_id=ensure_user(db, f"person {number}", now=now),
                provider="plaid",
                linked=Linked(
                    provider_connection_id=f"item-{number}",
                    secret=f"access-{number}",
                    institution_id="ins_1",
                    institution_name="Bank of Bulk",
                    history_days=730,
                ),
                now=now,
            )
            for number in range(first, first + count)
        ]


def let_pass(services: Services, ids: list[str]) -> None:
    """Two hours after whatever happened last these are due."""
    hours = "interval '2 hours'"
    past = f"next_sync_at = now() - interval '1 minute', last_synced_at = last_synced_at - {hours}"
    due = f"UPDATE bank.connections SET {past} WHERE connection_id = ANY(:ids)"  # noqa: S608 - constants
    earlier = f"UPDATE raw.rounds SET projected_at = projected_at - {hours} WHERE connection_id = ANY(:ids)"  # noqa: S608
    with transaction(services.engine) as db:
        db.execute(text("UPDATE bank.connections SET next_sync_at = now() + interval '1 day'"))
        db.execute(text(due), {"ids": ids})
        db.execute(text(earlier), {"ids": ids})
        db.execute(text("ANALYZE"))


@contextmanager
def bank() -> Iterator[str]:
    """The bank in a process of its own; gives its address."""
    program = [sys.executable, "-m", "benchmarks.plaid_server", "--rows", str(HISTORY_ROWS)]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield next(iter(process.stdout or ())).strip()
        process.communicate()


@contextmanager
def daemon(settings: Settings) -> Iterator[psutil.Process]:
    """Dagster's daemon with the code location of the syncs, its schedules and sensors as they always are."""
    folder = dagster_home(settings)
    _allow_shards(folder / "dagster.yaml", settings.refresh_shards)
    (folder / "workspace.yaml").write_text(_WORKSPACE)
    program = [str(_script("dagster-daemon")), "run", "-w", str(folder / "workspace.yaml")]
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            program, cwd=project_root(), env=_environment(settings), stdout=log, stderr=log
        )
        try:
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _allow_shards(file: Path, shards: int) -> None:
    """A copy of the project's `dagster.yaml` that lets so many batches run."""
    limit = "{key: bank_sync/kind, value: refresh, limit: %d}"
    allowed = file.read_text().replace(limit % 1, limit % shards)
    file.unlink()
    file.write_text(allowed)


def _script(name: str) -> Path:
    return Path(sysconfig.get_path("scripts")) / name


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.as_environment(), "DAGSTER_HOME": str(dagster_home(settings))}


@contextmanager
def webserver(settings: Settings) -> Iterator[tuple[str, psutil.Process]]:
    """Dagster's UI with the code location; gives its address and process."""
    folder = dagster_home(settings)
    port = _free_port()
    program = [str(_script("dagster-webserver")), "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "webserver.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*program, "-w", str(folder / "workspace.yaml")],
            cwd=project_root(),
            env=_environment(settings),
            stdout=log,
            stderr=log,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _until_up(url)
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _until_up(url: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/server_info", timeout=1).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError(url)
