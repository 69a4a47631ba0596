"""The sensor that looks at failed runs: one alert per cause, not one per run.

Belongs here: what the cause of a failed run is. Does not belong here: remembering and telling it
(`notifications.alerts`), failures of one connection as such (`sync.recovery`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from bank_sync.domain.errors import NEEDS_USER, Recovery
from bank_sync.notifications.alerts import alert
from bank_sync.orchestration.automation import ServicesFactory
from bank_sync.storage.database import transaction

_NOT_OURS = frozenset({*NEEDS_USER, Recovery.RETRY_AT})
"""A person's login, and appointments: whom they concern knows already."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What made a run fail, in code-like words, and in a sentence without anybody's data."""

    parts: tuple[str, ...]
    sentence: str


def failed_runs_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every 30 s: failed runs of all jobs, also those of other code locations."""

    @dg.run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=30,
        monitor_all_code_locations=True,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One alert per cause of failed runs, told again after a week: see bank.alerts.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        causes = {one.parts: one for one in _causes(context)}.values()
        with open_services() as services, transaction(services.engine) as db:
            for one in causes:
                alert(
                    db,
                    "run_failed",
                    *one.parts,
                    message=f"Runs of {run.job_name} fail: {one.sentence}",
                    now=services.clock(),
                    run_id=run.run_id,
                )

    return failed_runs


def _causes(context: dg.RunFailureSensorContext) -> Iterator[Cause]:
    """One for each failed step; a run without any ended before a step could fail."""
    job_name = context.dagster_run.job_name
    failures = context.get_step_failure_events()
    if not failures:
        yield Cause((job_name, "no_step"), "the worker ended without a failed step. See the run's log.")
    for event in failures:
        cause = _cause_of(job_name, event)
        if cause is not None:
            yield cause


def _cause_of(job_name: str, event: dg.DagsterEvent) -> Cause | None:
    """By the provider's code where there is one, else by step and class of the error."""
    data = event.step_failure_data
    step = event.step_key or "unknown"
    told = data.user_failure_data
    if told is None:
        error = data.error.cause or data.error if data.error else None  # Dagster wraps what was raised
        kind = error.cls_name if error and error.cls_name else "unknown"
        return Cause((job_name, step, kind), f"{step} ends with {kind}. See the run's log.")
    facts = {name: str(value.value) for name, value in told.metadata.items()}
    if facts.get("recovery") in _NOT_OURS:
        return None
    sentence = told.description or f"{step} fails. See the run's log."
    if "code" in facts:
        return Cause((job_name, facts.get("provider", "unknown"), facts["code"]), sentence)
    return Cause((job_name, step, "failure"), sentence)
