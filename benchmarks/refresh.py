"""How long many due connections take: in batches, and as a run each; through the real daemon on PostgreSQL.

Belongs here: setting the stage, letting the daemon run, counting. Does not belong here: the bank
(`benchmarks.plaid_server`), which is a process of its own so that its time does not count.

    python -m benchmarks.refresh --connections 5000 --new-rows 0 10 --shards 2 --sample 50

It works in a database and a home of its own, which it erases. Minute budgets do not apply to pretend banks.
Everybody's history is read before the daemon starts, and a first batch tells Dagster of everybody; then two
hours pass for each figure of `--new-rows`. CPU is user + system: of the runs' processes, of PostgreSQL (both
databases), of the whole machine (the bank and the daemon too), and of the same syncs by the library without
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
from dataclasses import dataclass
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
from bank_sync.orchestration.partitions import CONNECTIONS, SHARD_TAG
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


def without_dagster(settings: Settings, processes: int = 1) -> dict[str, float]:
    """Sync what is due by the library alone, in processes of their own; adds up what they used."""
    program = [sys.executable, "-m", "benchmarks.refresh", "--library"]
    environment = {**os.environ, **settings.as_environment()}
    running = [
        subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own program
        for _ in range(processes)
    ]
    found = [json.loads(one.communicate()[0]) for one in running]
    wall_s = max(one["wall_s"] for one in found)
    return {
        "synced": sum(one["synced"] for one in found),
        "wall_s": wall_s,
        "cpu_s": sum(one["cpu_s"] for one in found),
    }


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


def postgres_cpu_s(services: Services) -> float:
    """CPU that this stage's PostgreSQL has used so far, its ended backends included."""
    with transaction(services.engine) as db:
        ours: int = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    server = psutil.Process(ours).parent() or psutil.Process(ours)
    total: float = server.cpu_times().children_user + server.cpu_times().children_system
    for process in (server, *server.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has ended: the server counts it
        total += times.user + times.system
    return total


def machine_cpu_s() -> float:
    """CPU that everything on this machine has used so far."""
    times = psutil.cpu_times()
    return float(times.user) + float(times.system)


def measure(connections: int, new_rows: list[int], shards: int, sample: int) -> dict[str, Any]:
    """Everything, on a stage of its own."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="refresh-", dir="/tmp")))
        address = stack.enter_context(bank())
        settings = load_settings(
            environment="sandbox", home=home, sandbox_url=address, database_url=None, refresh_shards=shards
        )
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        instance = stack.enter_context(open_instance(settings))
        linked = link(services, connections)
        history = _each(without_dagster(settings, shards), connections)
        instance.add_dynamic_partitions(CONNECTIONS, linked)
        meter = Meter(stack.enter_context(daemon(settings)))
        stage = _Stage(settings, services, instance, meter, linked)
        whole = {"connections": connections, "shards": shards, "history by the library": history}
        return whole | stage.figures(new_rows, sample)


@dataclass
class _Stage:
    """A bank, people connected to it, and a daemon."""

    settings: Settings
    services: Services
    instance: dg.DagsterInstance
    meter: Meter
    linked: list[str]
    rows: int = _HISTORY_ROWS
    batches: int = 0

    def figures(self, new_rows: list[int], sample: int) -> dict[str, Any]:
        """The first batch, then for each number of new rows: the library, a batch, a run each."""
        self.pass_two_hours(0, self.linked)
        found: dict[str, Any] = {"first batch": self.batch()}
        few = self.linked[: max(sample, 1)]
        for number in new_rows:
            self.pass_two_hours(number, few)
            by_library = _each(without_dagster(self.settings), len(few))
            self.pass_two_hours(number, self.linked)
            in_batch = self.batch()
            self.more(number)
            by_runs = self.run_each(few) if sample else None
            found[f"{number} new rows"] = {"library": by_library, "batch": in_batch, "run each": by_runs}
        return found

    def pass_two_hours(self, new_rows: int, due: list[str]) -> None:
        self.more(new_rows)
        let_pass(self.services, due)

    def more(self, new_rows: int) -> None:
        self.rows += new_rows
        httpx.post(f"{self.settings.sandbox_url}/rows", json={"rows": self.rows}).raise_for_status()

    def batch(self) -> dict[str, float]:
        """All who are due, by as many runs as there are shards."""
        shards = self.settings.refresh_shards
        before = postgres_cpu_s(self.services), machine_cpu_s()
        for shard in range(shards):
            launch(self.settings, REFRESH_DUE_CONNECTIONS, {SHARD_TAG: str(shard)})
        records = until_done(self.instance, REFRESH_DUE_CONNECTIONS, self.batches + shards, self.meter)
        mine, self.batches = records[: len(records) - self.batches], len(records)
        found = _each(_wall_and_cpu(mine, self.meter), len(self.linked))
        found["postgres_cpu_ms_each"] = self._ms_each(postgres_cpu_s(self.services) - before[0])
        found["machine_cpu_ms_each"] = self._ms_each(machine_cpu_s() - before[1])
        return found | {"left due": self.left_due()}

    def left_due(self) -> int:
        """Connections that no batch took."""
        query = text("SELECT count(*) FROM bank.connections WHERE next_sync_at <= now()")
        with transaction(self.services.engine) as db:
            return int(db.execute(query).scalar_one())

    def _ms_each(self, seconds: float) -> float:
        return 1000 * seconds / len(self.linked)

    def run_each(self, few: list[str]) -> dict[str, float]:
        """A run for each of a few; the whole is `wall_ms_each` times all."""
        before = self.instance.get_runs_count(dg.RunsFilter(job_name="sync_connection"))
        for connection_id in few:
            launch(self.settings, "sync_connection", {"dagster/partition": connection_id})
        records = until_done(self.instance, "sync_connection", before + len(few), self.meter)
        return _each(_wall_and_cpu(records[: len(few)], self.meter), len(few))


def _wall_and_cpu(records: list[dg.RunRecord], meter: Meter) -> dict[str, float]:
    """From the first start to the last end; how many runs there were and how many failed."""
    started = min(one.start_time or one.create_timestamp.timestamp() for one in records)
    ended = max(one.end_time or 0 for one in records)
    failed = sum(not one.dagster_run.is_success for one in records)
    return {"runs": len(records), "failed": failed, "wall_s": ended - started, "cpu_s": meter.cpu_s()}


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
    parser.add_argument("--new-rows", type=int, nargs="+", default=[0, 10])
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--sample", type=int, default=5)
    parser.add_argument("--library", action="store_true", help="sync what is due and say how long it took")
    wish = parser.parse_args()
    found = (
        by_the_library()
        if wish.library
        else measure(wish.connections, wish.new_rows, wish.shards, wish.sample)
    )
    print(json.dumps(found, indent=None if wish.library else 2, default=lambda value: round(value, 2)))


if __name__ == "__main__":
    main()
