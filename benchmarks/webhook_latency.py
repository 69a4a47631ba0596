"""From a webhook in the inbox to committed rows: through the real daemon, sensor, queue and run.

Belongs here: putting one event at a time into the inbox of an idle machine, and when each stage is reached.
Does not belong here: receiving webhooks over HTTP, many at once (`sync.webhooks.FLOOD`).

    python -m benchmarks.webhook_latency --events 10

Prints a table and, with `--json`, the figures: seconds from the insert until the sensor asked for the run,
until the queue let it go, until its process began, and until the new rows were committed.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
from sqlalchemy import insert, text

from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.storage.tables import webhook_inbox
from benchmarks.library import without_dagster
from benchmarks.stage import bank, daemon, link

_KIND = "TRANSACTIONS/SYNC_UPDATES_AVAILABLE"
_SETTLED_S = 8.0  # the last run's process is gone, the machine is idle again
_NEW_ROWS = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the insert of one event."""

    asked_s: float
    dequeued_s: float
    started_s: float
    committed_s: float


def receive(services: Services, connection_id: str) -> int:
    """Put a verified event into the inbox, as the receiver does; gives its event_id."""
    now = services.clock()
    row = {
        "provider": "plaid",
        "dedup_key": f"{now.timestamp()}",
        "environment": "sandbox",
        "kind": _KIND,
        "connection_id": connection_id,
        "body": b"{}",
        "received_at": now,
    }
    with services.engine.begin() as db:
        made = insert(webhook_inbox).values(**row).returning(webhook_inbox.c.event_id)
        return int(db.execute(made).scalar_one())


def rows_of(services: Services, connection_id: str) -> int:
    """How many transactions the ledger has of a connection."""
    query = text("SELECT count(*) FROM bank.transactions WHERE connection_id = :id")
    with services.engine.connect() as db:
        return int(db.execute(query, {"id": connection_id}).scalar_one())


def until(look: Callable[[], bool], what: str) -> None:
    """Wait for it, two minutes at most."""
    deadline = time.monotonic() + 120
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.05)


def one_event(services: Services, instance: dg.DagsterInstance, connection_id: str) -> Latency:
    """Insert an event and wait for its rows."""
    before = rows_of(services, connection_id)
    bank_url = services.settings.sandbox_url
    httpx.post(f"{bank_url}/rows", json={"rows": before + _NEW_ROWS}).raise_for_status()
    began = time.time()
    event_id = receive(services, connection_id)
    until(lambda: rows_of(services, connection_id) > before, "the event's rows")
    committed = time.time()
    [run] = instance.get_run_records(
        dg.RunsFilter(tags={"dagster/run_key": f"webhook:{connection_id}:{event_id}:1"})
    )
    until(lambda: _has_ended(instance, run.dagster_run.run_id), "the end of its run")
    stats = instance.get_run_stats(run.dagster_run.run_id)
    return Latency(
        asked_s=run.create_timestamp.timestamp() - began,
        dequeued_s=(stats.launch_time or committed) - began,
        started_s=(stats.start_time or committed) - began,
        committed_s=committed - began,
    )


def _has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.is_finished


def measure(events: int, seed: int) -> list[Latency]:
    """One event after the other, each at a moment of its own within the sensor's interval."""
    moments = random.Random(seed)  # noqa: S311 - spreads the moments, hides nothing
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="webhooks-", dir="/tmp")))
        address = stack.enter_context(bank())
        settings = load_settings(environment="sandbox", home=home, sandbox_url=address, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        [connection_id] = link(services, 1)
        without_dagster(settings)
        instance = stack.enter_context(open_instance(settings))
        instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
        stack.enter_context(daemon(settings))
        until(lambda: bool(instance.get_daemon_heartbeats()), "the daemon's start")
        found = []
        for _ in range(events):
            time.sleep(_SETTLED_S + moments.uniform(0, 5))
            found.append(one_event(services, instance, connection_id))
        return found


def summary(found: list[Latency]) -> dict[str, dict[str, float]]:
    """Median and 95th percentile of each stage."""
    stages = {name: sorted(asdict(one)[name] for one in found) for name in Latency.__slots__}
    return {
        name: {"median": statistics.median(times), "p95": times[min(len(times) - 1, int(0.95 * len(times)))]}
        for name, times in stages.items()
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wish = parser.parse_args()
    found: dict[str, Any] = summary(measure(wish.events, wish.seed))
    if wish.json:
        print(json.dumps({"events": wish.events, **found}, indent=2))
        return
    print(f"{'seconds from the insert until':32}{'median':>8}{'p95':>8}   ({wish.events} events)")
    for name, words in _WORDS.items():
        print(f"{words:32}{found[name]['median']:8.1f}{found[name]['p95']:8.1f}")


_WORDS = {
    "asked_s": "the sensor asked for a run",
    "dequeued_s": "the queue let it go",
    "started_s": "its process was ready",
    "committed_s": "the rows were committed",
}


if __name__ == "__main__":
    main()
