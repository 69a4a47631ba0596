"""What very many partitions cost: adding them, looking at them every 30 s, showing them, memory.

Belongs here: one stage per number of partitions, each with a database and a home of its own, which it erases.
Does not belong here: syncing (`benchmarks.refresh`), and how long a browser then draws.

    python -m benchmarks.partitions --partitions 10000 100000

Prints a table and, with `--json`, the figures. The page's query is the one that Dagster's UI sends for an
asset's partitions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
from sqlalchemy import text

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.dagster_events import Teller
from bank_sync.orchestration.launch import open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from benchmarks.stage import daemon, link, webserver

_ASSET = CONNECTION_ASSETS[0]
_WATCHED_S = 75  # two looks of the sensor that compares all connections with all partitions
_EVENTS_AT_A_TIME = 1000
_PAGE = """
query PartitionHealthQuery($assetKey: AssetKeyInput!) {
  assetNodeOrError(assetKey: $assetKey) {
    ... on AssetNode {
      id
      partitionKeysByDimension { name type partitionKeys }
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses {
          materializedPartitions materializingPartitions failedPartitions
        }
      }
    }
  }
}
"""
_COPY = """
INSERT INTO bank.connections
SELECT (jsonb_populate_record(c, jsonb_build_object(
    'connection_id', c.connection_id || n, 'provider_connection_id', c.provider_connection_id || n))).*
FROM bank.connections AS c, generate_series(1, :copies) AS n
"""


def fill(services: Services, count: int) -> list[str]:
    """So many connections that were synced just now; gives their ids."""
    link(services, 1)
    with services.engine.begin() as db:
        db.execute(
            text(
                "UPDATE bank.connections SET sync_state = 'completed', first_synced_at = now(), "
                "last_synced_at = now(), history_state = 'complete', next_sync_at = now() + interval '1 day'"
            )
        )
        db.execute(text(_COPY), {"copies": count - 1})
        db.execute(text("ANALYZE"))
        return list(db.execute(text("SELECT connection_id FROM bank.connections")).scalars())


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def tick(location: dg.Definitions, instance: dg.DagsterInstance) -> object:
    """One look of the sensor that adds partitions."""
    repository = location.get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        return repository.get_sensor_def("new_connections").evaluate_tick(context)


def materialize(instance: dg.DagsterInstance, location: dg.Definitions, keys: list[str]) -> None:
    """Tell of one asset of each partition, as a batch does."""
    run = instance.create_run_for_job(location.resolve_job_def("refresh_due_connections"))
    teller = Teller(instance, run, "refresh")
    for start in range(0, len(keys), _EVENTS_AT_A_TIME):
        some = keys[start : start + _EVENTS_AT_A_TIME]
        teller.materialized([dg.AssetMaterialization(_ASSET.key, partition=key) for key in some])
    instance.report_run_canceled(run)


def page(url: str, expected: int) -> dict[str, float]:
    """What the partitions page of an asset asks for: the first time, then again; and its size."""
    body = {"query": _PAGE, "variables": {"assetKey": {"path": list(_ASSET.key.path)}}}
    found: dict[str, float] = {}
    for name in ("page_first_s", "page_again_s"):
        started = time.perf_counter()
        answer = httpx.post(f"{url}/graphql", json=body, timeout=300).raise_for_status()
        found[name] = time.perf_counter() - started
    statuses = answer.json()["data"]["assetNodeOrError"]["assetPartitionStatuses"]
    if len(statuses["materializedPartitions"]) != expected:
        raise RuntimeError(f"The page shows {len(statuses['materializedPartitions'])} partitions.")
    return {**found, "page_mb": len(answer.content) / 1e6}


def memory(root: psutil.Process) -> dict[str, float]:
    """Of a process and its code server."""
    own = root.memory_info().rss
    servers = [one for one in root.children(recursive=True) if "spawn_main" not in " ".join(one.cmdline())]
    children = sum(one.memory_info().rss for one in servers)
    return {"own_mb": own / 2**20, "code_server_mb": children / 2**20}


def measure(count: int) -> dict[str, Any]:
    """Everything about one number of partitions."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="partitions-", dir="/tmp")))
        settings = load_settings(environment="sandbox", home=home, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        instance = stack.enter_context(open_instance(settings))
        return _measured(services, instance, count)


def _measured(services: Services, instance: dg.DagsterInstance, count: int) -> dict[str, Any]:
    settings = services.settings
    location = build_definitions(settings)
    keys = fill(services, count)
    found: dict[str, Any] = {"partitions": count}
    found["tick_all_new_s"] = seconds(lambda: tick(location, instance))
    found["add_s"] = seconds(lambda: instance.add_dynamic_partitions(CONNECTIONS, keys))
    found["tick_all_known_s"] = seconds(lambda: tick(location, instance))
    found["materialize_s"] = seconds(lambda: materialize(instance, location, keys))
    with daemon(settings) as root:
        time.sleep(_WATCHED_S)
        found["daemon"] = memory(root)
    with webserver(settings) as (url, root):
        found |= page(url, count)
        found["webserver"] = memory(root)
    return found


_ROWS: tuple[tuple[str, Callable[[dict[str, Any]], float]], ...] = (
    ("add all, s", lambda one: one["add_s"]),
    ("sensor tick, none known, s", lambda one: one["tick_all_new_s"]),
    ("sensor tick, all known, s", lambda one: one["tick_all_known_s"]),
    ("one event each, ms", lambda one: 1000 * one["materialize_s"] / one["partitions"]),
    ("partitions page, first, s", lambda one: one["page_first_s"]),
    ("partitions page, again, s", lambda one: one["page_again_s"]),
    ("partitions page, MB", lambda one: one["page_mb"]),
    ("daemon, MB", lambda one: one["daemon"]["own_mb"]),
    ("its code server, MB", lambda one: one["daemon"]["code_server_mb"]),
    ("webserver, MB", lambda one: one["webserver"]["own_mb"]),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--partitions", type=int, nargs="+", default=[10_000])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wish = parser.parse_args()
    found = [measure(count) for count in wish.partitions]
    if wish.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'partitions':28}" + "".join(f"{one['partitions']:>12,}" for one in found))
    for name, of in _ROWS:
        print(f"{name:28}" + "".join(f"{of(one):12.2f}" for one in found))


if __name__ == "__main__":
    main()
