"""Running Dagster jobs from this process: what the command line uses.

Belongs here: opening the instance and running a job in process with progress. Does not belong here:
definitions. The runs are ordinary Dagster runs: they show in the UI with their logs, metadata and checks.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import dagster as dg

from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.automation import SYNC_CONNECTION
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.category_model import RETRAIN_CATEGORIES
from bank_sync.orchestration.partitions import CONNECTIONS, run_tags
from bank_sync.orchestration.triggers.marts import BUILD_MARTS
from bank_sync.services import Clock, open_services, utc_now
from bank_sync.settings import Settings, load_settings, project_root
from bank_sync.storage.connections import get_connection
from bank_sync.storage.database import transaction

SYNC_ASSETS = tuple(asset.key.to_user_string() for asset in CONNECTION_ASSETS)
"""Names of a connection's assets in the order a sync materializes them."""

OnStep = Callable[[str, str], None]

_POLL_S = 0.2
_STEP_EVENTS = {
    dg.DagsterEventType.STEP_START: "started",
    dg.DagsterEventType.STEP_SUCCESS: "succeeded",
    dg.DagsterEventType.STEP_FAILURE: "failed",
    dg.DagsterEventType.STEP_SKIPPED: "skipped",
}
_PROGRESS = dg.DagsterEventType.ASSET_OBSERVATION


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One asset check of a run."""

    name: str
    asset: str
    passed: bool
    severity: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """How the run of one connection ended; `error` is safe to show."""

    connection_id: str
    run_id: str
    succeeded: bool
    error: str | None
    checks: tuple[CheckOutcome, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class MartsReport:
    """How the build of the marts ended."""

    succeeded: bool
    models: int
    tests_passed: int
    tests_failed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RetrainReport:
    """How a round of training ended; `told` is what the asset shows, by name, `error` is safe to show."""

    run_id: str
    error: str | None
    told: dict[str, Any]
    checks: tuple[CheckOutcome, ...]


def dagster_home(settings: Settings) -> Path:
    """The folder for DAGSTER_HOME, with the project's `dagster.yaml` linked into it."""
    home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    link = home / "dagster.yaml"
    target = project_root() / "dagster.yaml"
    if not link.exists():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return home


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of these settings; its environment holds for as long as the block runs."""
    home = dagster_home(settings)
    wanted = {**settings.as_environment(), "DAGSTER_HOME": str(home)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with dg.DagsterInstance.get() as instance:
            yield instance
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def sync_connection(
    instance: dg.DagsterInstance,
    connection_id: str,
    *,
    on_step: OnStep | None = None,
    clock: Clock = utc_now,
) -> RunReport:
    """Run the job of one connection in this process, inside `open_instance`; adds its partition if missing.

    Raises:
        NotFound: there is no such connection.
    """
    with open_services(load_settings(), clock=clock) as services, transaction(services.engine) as db:
        tags = run_tags(get_connection(db, connection_id), kind="manual")
    instance.add_dynamic_partitions(CONNECTIONS, [connection_id])
    job = build_definitions(clock=clock).resolve_job_def(SYNC_CONNECTION)
    run_id, started = str(uuid4()), perf_counter()
    with _told_of_steps(instance, run_id, on_step):
        result = job.execute_in_process(
            instance=instance, partition_key=connection_id, run_id=run_id, tags=tags, raise_on_error=False
        )
    return RunReport(
        connection_id=connection_id,
        run_id=run_id,
        succeeded=result.success,
        error=_first_error(result),
        checks=tuple(_outcome(check) for check in result.get_asset_check_evaluations()),
        seconds=perf_counter() - started,
    )


def retrain_categories(instance: dg.DagsterInstance) -> RetrainReport:
    """Run the job that trains and judges a model in this process, inside `open_instance`."""
    job = build_definitions().resolve_job_def(RETRAIN_CATEGORIES)
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    shown = [event.materialization.metadata for event in result.get_asset_materialization_events()]
    return RetrainReport(
        run_id=result.run_id,
        error=_first_error(result),
        told={name: value.value for metadata in shown for name, value in metadata.items()},
        checks=tuple(_outcome(check) for check in result.get_asset_check_evaluations()),
    )


def build_marts(instance: dg.DagsterInstance, settings: Settings) -> MartsReport:
    """Run the job that builds all dbt models and tests, in this process, inside `open_instance`."""
    from bank_sync.orchestration.dbt_location import build_dbt_definitions

    job = build_dbt_definitions(settings).resolve_job_def(BUILD_MARTS)
    started = perf_counter()
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    checks = result.get_asset_check_evaluations()
    models = sum(event.is_step_materialization for event in result.all_events)
    return MartsReport(
        succeeded=result.success,
        models=models,
        tests_passed=sum(check.passed for check in checks),
        tests_failed=sum(not check.passed for check in checks),
        seconds=perf_counter() - started,
    )


def _outcome(check: dg.AssetCheckEvaluation) -> CheckOutcome:
    return CheckOutcome(
        name=check.check_name,
        asset=check.asset_key.to_user_string(),
        passed=check.passed,
        severity=check.severity.value,
    )


def _first_error(result: dg.ExecuteInProcessResult) -> str | None:
    """The description of the first failure: ours are safe to show, others are named by class only."""
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            kind = data.error.cls_name if data.error and data.error.cls_name else "an error"
            return f"The step {event.step_key} failed with {kind}. See the run's log in the Dagster UI."
    return None if result.success else "The run failed. See its log in the Dagster UI."


@contextmanager
def _told_of_steps(instance: dg.DagsterInstance, run_id: str, on_step: OnStep | None) -> Iterator[None]:
    """Tell `on_step` of each step as the run's event log grows, from a thread of its own."""
    if on_step is None:
        yield
        return
    done = threading.Event()
    follower = threading.Thread(target=_follow, args=(instance, run_id, on_step, done), daemon=True)
    follower.start()
    try:
        yield
    finally:
        done.set()
        follower.join()


def _follow(instance: dg.DagsterInstance, run_id: str, on_step: OnStep, done: threading.Event) -> None:
    cursor: str | None = None
    finished = False
    while not finished:
        finished = done.wait(_POLL_S)  # one last look after the run's end
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type={*_STEP_EVENTS, _PROGRESS})
        cursor = page.cursor
        for record in page.records:
            event = record.event_log_entry.dagster_event
            if event and event.step_key:
                on_step(event.step_key, _STEP_EVENTS.get(event.event_type) or _how_far(event))


def _how_far(event: dg.DagsterEvent) -> str:
    """`50 pages, 25,000 rows` of an observation."""
    figures = event.asset_observation_data.asset_observation.metadata
    return ", ".join(f"{figure.value:,} {name}" for name, figure in figures.items())
