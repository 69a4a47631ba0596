"""How long many due connections take: in batches, and as a run each; through the real daemon on PostgreSQL.

Belongs here: setting the stage, letting the daemon run, counting. Does not belong here: the bank
(`benchmarks.plaid_server`), which is a process of its own so that its time does not count.

    python -m benchmarks.refresh --connections 5000 --new-rows 0 10 --shards 2 --sample 50

It works in a database and a home of its own, which it erases. Minute budgets do not apply to pretend banks.
Everybody's history is read before the daemon starts, and a first batch tells Dagster of everybody; then two
hours pass for each figure of `--new-rows`. CPU is user + system: of the runs' processes, of PostgreSQL (both
databases), of the whole machine (the bank, the daemon and the webserver too), and of the same syncs by the
library without Dagster; what Dagster costs is the difference.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
from dagster_graphql import DagsterGraphQLClient
from sqlalchemy import text

from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS, SHARD_TAG
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.database import transaction
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from benchmarks.library import without_dagster
from benchmarks.meters import Meter, machine_cpu_s, postgres_cpu_s
from benchmarks.stage import HISTORY_ROWS, bank, daemon, let_pass, link, webserver

_POLL_S = 0.2


def until_done(
    instance: dg.DagsterInstance, job: str, count: int, meter: Meter, more: Callable[[], bool] = lambda: False
) -> list[dg.RunRecord]:
    """Wait until that many runs of a job have ended, all have, and `more` says no."""
    deadline = time.monotonic() + 3600
    while time.monotonic() < deadline:
        meter.look()
        records = instance.get_run_records(dg.RunsFilter(job_name=job))
        if len(records) >= count and all(one.dagster_run.is_finished for one in records) and not more():
            return list(records)
        time.sleep(_POLL_S)
    raise TimeoutError(job)


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
        url, _ = stack.enter_context(webserver(settings))
        ui = DagsterGraphQLClient(url.removeprefix("http://"))
        stage = _Stage(settings, services, instance, meter, ui, linked)
        whole = {"connections": connections, "shards": shards, "history by the library": history}
        return whole | stage.figures(new_rows, sample)


@dataclass
class _Stage:
    """A bank, people connected to it, a daemon and Dagster's UI."""

    settings: Settings
    services: Services
    instance: dg.DagsterInstance
    meter: Meter
    ui: DagsterGraphQLClient
    linked: list[str]
    rows: int = HISTORY_ROWS
    batches: int = 0

    def figures(self, new_rows: list[int], sample: int) -> dict[str, Any]:
        """The first batch, then for each number of new rows: the library, a batch, a run each."""
        self.pass_two_hours(0, self.linked)
        found: dict[str, Any] = {"first batch": self.batch()}
        few = self.linked[:sample]
        for number in new_rows:
            self.pass_two_hours(number, self.linked)
            by_library = _each(without_dagster(self.settings, self.settings.refresh_shards), len(self.linked))
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
        """All who are due, by as many runs as there are shards, and those the schedule lets follow them."""
        shards, started = self.settings.refresh_shards, datetime.now(UTC)
        before = postgres_cpu_s(self.services), machine_cpu_s()
        for shard in range(shards):
            self.ui.submit_job_execution(REFRESH_DUE_CONNECTIONS, tags={SHARD_TAG: str(shard)})
        count = self.batches + shards
        records = until_done(self.instance, REFRESH_DUE_CONNECTIONS, count, self.meter, self.any_due)
        mine, self.batches = records[: len(records) - self.batches], len(records)
        found = _each(_wall_and_cpu(mine, self.meter), len(self.linked))
        found["postgres_cpu_ms_each"] = self._ms_each(postgres_cpu_s(self.services) - before[0])
        found["machine_cpu_ms_each"] = self._ms_each(machine_cpu_s() - before[1])
        return found | {"synced since": self.synced_since(started)}

    def any_due(self) -> bool:
        """Whether batches have left somebody to the next ones."""
        query = text("SELECT EXISTS (SELECT FROM bank.connections WHERE next_sync_at <= now())")
        with transaction(self.services.engine) as db:
            return bool(db.execute(query).scalar_one())

    def synced_since(self, moment: datetime) -> int:
        """Connections with a whole sync since then."""
        query = text("SELECT count(*) FROM bank.connections WHERE last_synced_at >= :moment")
        with transaction(self.services.engine) as db:
            return int(db.execute(query, {"moment": moment}).scalar_one())

    def _ms_each(self, seconds: float) -> float:
        return 1000 * seconds / len(self.linked)

    def run_each(self, few: list[str]) -> dict[str, float]:
        """A run for each of a few; the whole is `wall_ms_each` times all."""
        before = self.instance.get_runs_count(dg.RunsFilter(job_name="sync_connection"))
        for connection_id in few:
            self.ui.submit_job_execution("sync_connection", tags={"dagster/partition": connection_id})
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
    wish = parser.parse_args()
    found = measure(wish.connections, wish.new_rows, wish.shards, wish.sample)
    print(json.dumps(_rounded(found), indent=2))


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _rounded(value) for name, value in found.items()}
    return round(found, 2) if isinstance(found, float) else found


if __name__ == "__main__":
    main()
