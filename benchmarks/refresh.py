"""How long many due connections take: in batches, and as a run each; through the real daemon on PostgreSQL.

Belongs here: setting the stage, letting the daemon run, counting. Does not belong here: the bank
(`benchmarks.plaid_server`), which is a process of its own so that its time does not count.

    python -m benchmarks.refresh --connections 500 --new-rows 10 --sample 5

It works in a database and a home of its own, which it erases. Minute budgets do not apply to pretend banks.
CPU is user + system: of the run's process, of PostgreSQL (both databases), and of the same syncs without
Dagster; what Dagster costs is the difference.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
from sqlalchemy import text

from bank_sync.domain.models import Linked
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.launch import dagster_home, open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings, project_root
from bank_sync.storage import embedded
from bank_sync.storage.connections import add_connection, ensure_user
from bank_sync.storage.database import transaction
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.sync.batch import Batch

_HISTORY_ROWS = 40
_POLL_S = 0.2
_START_S = 180
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


def make_due(services: Services) -> None:
    """All connections are due now."""
    with transaction(services.engine) as db:
        db.execute(text("UPDATE bank.connections SET next_sync_at = now() - interval '1 minute'"))
        db.execute(text("ANALYZE"))


def without_dagster(settings: Settings) -> dict[str, float]:
    """Sync what is due in a process of its own, by the library alone."""
    program = [sys.executable, "-m", "benchmarks.refresh", "--library"]
    environment = {**os.environ, **settings.as_environment()}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    found: dict[str, float] = json.loads(done.stdout)
    return found


def by_the_library() -> dict[str, float]:
    """What `without_dagster` runs."""
    settings = load_settings()
    with open_services(settings, workers=3 * settings.refresh_workers) as services:
        started, cpu = time.monotonic(), time.process_time()
        batch = Batch(services, "library", ends_at=datetime.max.replace(tzinfo=UTC))
        whole = sum(one.is_whole for one in batch.outcomes())
        return {"synced": whole, "wall_s": time.monotonic() - started, "cpu_s": time.process_time() - cpu}


@contextmanager
def bank() -> Iterator[str]:
    """The bank in a process of its own; gives its address."""
    program = [sys.executable, "-m", "benchmarks.plaid_server", "--rows", str(_HISTORY_ROWS)]
    with subprocess.Popen(  # noqa: S603 - our own program
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield next(iter(process.stdout or ())).strip()
        process.communicate()


@contextmanager
def daemon(settings: Settings) -> Iterator[psutil.Process]:
    """Dagster's daemon with the code location of the syncs; schedules and sensors are off but for one."""
    folder = dagster_home(settings)
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


def _script(name: str) -> Path:
    return Path(sysconfig.get_path("scripts")) / name


def _environment(settings: Settings) -> dict[str, str]:
    return {**os.environ, **settings.as_environment(), "DAGSTER_HOME": str(dagster_home(settings))}


def launch(settings: Settings, job: str, tags: dict[str, str] | None = None) -> None:
    """Put a run into the queue, as the UI does."""
    workspace = str(dagster_home(settings) / "workspace.yaml")
    program = [str(_script("dagster")), "job", "launch", "-w", workspace, "-j", job]
    if tags:
        program += ["--tags", json.dumps(tags)]
    subprocess.run(  # noqa: S603 - our own program
        program, cwd=project_root(), env=_environment(settings), capture_output=True, check=True
    )


class Meter:
    """Adds up the CPU of run workers: children of the daemon that are not the code server itself."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._seen: dict[int, float] = {}

    def look(self) -> None:
        """Note how much each living worker has used."""
        for child in self._root.children(recursive=True):
            try:
                if "spawn_main" in " ".join(child.cmdline()):
                    times = child.cpu_times()
                    self._seen[child.pid] = times.user + times.system
            except psutil.Error:
                continue  # it has ended: the last look counts

    def cpu_s(self) -> float:
        """Of all workers seen since the last call."""
        total = sum(self._seen.values())
        self._seen.clear()
        return total


def until_done(instance: dg.DagsterInstance, job: str, count: int, meter: Meter) -> list[dg.RunRecord]:
    """Wait until that many runs of a job have ended."""
    deadline = time.monotonic() + 3600
    while time.monotonic() < deadline:
        meter.look()
        records = instance.get_run_records(dg.RunsFilter(job_name=job))
        if len(records) >= count and all(one.dagster_run.is_finished for one in records):
            return list(records)
        time.sleep(_POLL_S)
    raise TimeoutError(job)


def postgres_cpu_s(settings: Settings) -> float:
    """CPU that this stage's PostgreSQL has used so far, its ended backends included."""
    total = 0.0
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres" and str(settings.home) in " ".join(process.info["cmdline"]):
            for one in (process, *process.children(recursive=True)):
                try:
                    times = one.cpu_times()
                except psutil.Error:
                    continue
                total += times.user + times.system
            times = process.cpu_times()
            total += times.children_user + times.children_system
    return total


def measure(connections: int, new_rows: int, sample: int) -> dict[str, Any]:
    """Everything, on a stage of its own."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refresh-", dir="/tmp")))
        address = stack.enter_context(bank())
        settings = load_settings(environment="sandbox", home=home, sandbox_url=address, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        return _measured(services, settings, connections, new_rows, sample)


def _measured(
    services: Services, settings: Settings, connections: int, new_rows: int, sample: int
) -> dict[str, Any]:
    linked = link(services, connections)
    first = without_dagster(settings)
    rows = _HISTORY_ROWS
    found: dict[str, Any] = {"connections": connections, "new_rows": new_rows, "first_sync": first}
    make_due(services)
    rows = _more(settings, rows, new_rows)
    before = postgres_cpu_s(settings)
    found["library"] = _each(without_dagster(settings), connections)
    found["library"]["postgres_cpu_ms_each"] = 1000 * (postgres_cpu_s(settings) - before) / connections
    with open_instance(settings) as instance, daemon(settings) as root:
        instance.add_dynamic_partitions(CONNECTIONS, linked)
        meter = Meter(root)
        make_due(services)
        rows = _more(settings, rows, new_rows)
        before = postgres_cpu_s(settings)
        launch(settings, REFRESH_DUE_CONNECTIONS)
        found["batch"] = _each(_runs(instance, REFRESH_DUE_CONNECTIONS, 1, meter), connections)
        found["batch"]["postgres_cpu_ms_each"] = 1000 * (postgres_cpu_s(settings) - before) / connections
        _more(settings, rows, new_rows)
        for connection_id in linked[:sample]:
            launch(settings, "sync_connection", {"dagster/partition": connection_id})
        if sample:
            found["run_each"] = _each(_runs(instance, "sync_connection", sample, meter), sample)
    return found


def _more(settings: Settings, rows: int, new_rows: int) -> int:
    httpx.post(f"{settings.sandbox_url}/rows", json={"rows": rows + new_rows}).raise_for_status()
    return rows + new_rows


def _runs(instance: dg.DagsterInstance, job: str, count: int, meter: Meter) -> dict[str, float]:
    records = until_done(instance, job, count, meter)
    failed = sum(not one.dagster_run.is_success for one in records)
    wall_s = sum((one.end_time or 0) - one.create_timestamp.timestamp() for one in records)
    return {"failed_runs": failed, "wall_s": wall_s, "cpu_s": meter.cpu_s()}


def _each(found: dict[str, float], count: int) -> dict[str, float]:
    return {
        **found,
        "wall_ms_each": 1000 * found["wall_s"] / count,
        "cpu_ms_each": 1000 * found["cpu_s"] / count,
    }


def main() -> None:
    """Measure and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=500)
    parser.add_argument("--new-rows", type=int, default=0)
    parser.add_argument("--sample", type=int, default=5)
    parser.add_argument("--library", action="store_true", help="sync what is due and say how long it took")
    wish = parser.parse_args()
    found = by_the_library() if wish.library else measure(wish.connections, wish.new_rows, wish.sample)
    print(json.dumps(found, indent=None if wish.library else 2, default=lambda value: round(value, 2)))


if __name__ == "__main__":
    main()
