"""F41: who goes first, and that what can wait keeps nobody waiting, by `dagster.yaml` as it ships."""

from __future__ import annotations

import dagster as dg
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from bank_sync.orchestration.partitions import CONNECTION_TAG, KIND_TAG, PRIORITIES, PRIORITY_TAG

ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("bank_sync"), "__repository__")


def queue(instance: dg.DagsterInstance, name: str, tags: dict[str, str], *, running: bool = False) -> None:
    """A run that waits, or goes on."""
    run = dg.DagsterRun(
        job_name="sync_connection",
        status=dg.DagsterRunStatus.STARTED if running else dg.DagsterRunStatus.QUEUED,
        tags={**tags, "name": name, CONNECTION_TAG: name},
        remote_job_origin=RemoteJobOrigin(ORIGIN, "sync_connection"),
    )
    instance.run_storage.add_run(run)


def of_kind(kind: str) -> dict[str, str]:
    """The tags of a run of that kind."""
    return {KIND_TAG: kind, PRIORITY_TAG: str(PRIORITIES[kind])}


def next_up(instance: dg.DagsterInstance) -> list[str]:
    """The runs that the daemon would start now, in order."""
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=5)
    chosen = daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)
    return [run.tags["name"] for run in chosen]


def test_backfill_starves_nobody(instance: dg.DagsterInstance) -> None:
    """Behind a backfill of many partitions a webhook goes first, and the backfill has one place only."""
    for number in range(50):
        queue(instance, f"backfill {number}", {"dagster/backfill": "all"})
    queue(instance, "refresh", of_kind("refresh"))
    queue(instance, "person", of_kind("manual"))
    queue(instance, "first sync", of_kind("first_sync"))
    queue(instance, "webhook", of_kind("webhook"))
    chosen = next_up(instance)
    assert chosen[:2] == ["webhook", "first sync"]
    assert len([name for name in chosen if name.startswith("backfill")]) <= 1


def test_place_is_left_for_who_cannot_wait(instance: dg.DagsterInstance) -> None:
    """While a refresh, a backfill and the marts go on, a webhook starts; another of their kind does not."""
    queue(instance, "at it", of_kind("refresh"), running=True)
    queue(instance, "going on", {"dagster/backfill": "all"}, running=True)
    queue(instance, "building", {KIND_TAG: "marts"}, running=True)
    queue(instance, "refresh", of_kind("refresh"))
    queue(instance, "backfill", {"dagster/backfill": "all"})
    queue(instance, "marts", {KIND_TAG: "marts"})
    assert next_up(instance) == []
    queue(instance, "webhook", of_kind("webhook"))
    assert next_up(instance) == ["webhook"]
