"""The job that syncs many due connections in one run, and the schedule that starts it.

Belongs here: what Dagster is told of each connection of a batch, when batches start. Does not belong here:
how connections are taken and worked (`sync.batch`), what a sync is (`sync.steps`), how events are written
(`orchestration.dagster_events`).

Each connection stays a partition with a status of its own: what was done is materialized with the metadata a
run of one connection gives, what failed is recorded as that connection's failed run, what was not begun is
left as it was. The batch run succeeds when it did its work, whatever the banks said.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial

import dagster as dg

from bank_sync.orchestration import reporting, runs
from bank_sync.orchestration.automation import ServicesFactory
from bank_sync.orchestration.dagster_events import TellerOfFailures
from bank_sync.orchestration.partitions import (
    BATCH_TAG,
    CONNECTION_TAG,
    CONNECTIONS,
    KIND_TAG,
    PRIORITIES,
    PRIORITY_TAG,
    REFRESH,
    SHARD_TAG,
)
from bank_sync.services import Services
from bank_sync.storage import leases
from bank_sync.storage.database import transaction
from bank_sync.sync.batch import LEFT_TO_RECOVERY, NEW_FOR, Batch
from bank_sync.sync.recovery import reap_stuck
from bank_sync.sync.whole import Done, Outcome

REFRESH_DUE_CONNECTIONS = "refresh_due_connections"

_LONGEST = timedelta(minutes=10)  # the rest is for the next run, so that no run is the one that must not die
_TICK = timedelta(minutes=5)
_IS_DEAD_AFTER = timedelta(minutes=15)  # as long as a lease: what a dead run held is free by then
_TOLD_AT_A_TIME = 50  # what a killed run leaves untold; the ledger has it, and the next sync tells again
_WORTH_A_SHARD = 500  # fewer connections than this are done before another process has started


def refresh_job(job_of_one: Callable[[], dg.JobDefinition]) -> dg.JobDefinition:
    """Sync all connections that are due; `job_of_one` is the job that failures are recorded for."""

    @dg.op(name="refresh", description="Syncs due connections, several at a time, and tells of each.")
    def refresh(context: dg.OpExecutionContext, batch_services: dg.ResourceParam[Services]) -> None:
        teller = TellerOfFailures(context.instance, context.run, context.op.name, job_of_one)
        batch = Batch(batch_services, context.run_id, ends_at=batch_services.clock() + _LONGEST)
        with closing(batch.outcomes()) as outcomes:
            counts = Counter(_tell_all(teller, outcomes))
        context.add_output_metadata({name: counts[name] for name in ("synced", "held back", "failed")})

    @dg.job(
        name=REFRESH_DUE_CONNECTIONS,
        description="Sync every connection that is due, many in one run; one that fails fails alone.",
        tags={
            KIND_TAG: REFRESH,
            PRIORITY_TAG: str(PRIORITIES[REFRESH]),
            "dagster/max_runtime": str(int(_IS_DEAD_AFTER.total_seconds())),
        },
    )
    def refresh_due_connections() -> None:
        refresh()

    return refresh_due_connections


def _tell_all(teller: TellerOfFailures, outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Tell Dagster of each outcome, some together, whatever ends the batch; gives a word for each."""
    waiting: list[Outcome] = []
    try:
        for outcome in outcomes:
            waiting.append(outcome)
            yield _word(outcome)
            if len(waiting) == _TOLD_AT_A_TIME:
                _tell(teller, waiting)
                waiting = []
    finally:
        _tell(teller, waiting)


def _word(outcome: Outcome) -> str:
    if outcome.error is not None:
        return "failed"
    return "synced" if outcome.is_whole else "held back"


def _tell(teller: TellerOfFailures, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    teller.instance.add_dynamic_partitions(CONNECTIONS, [one.connection_id for one in outcomes])
    teller.materialized([event for one in outcomes for event in _materializations(one)])
    teller.checked([event for one in outcomes for event in _evaluations(one)])
    for one in outcomes:
        if not one.is_whole:
            _record_failure(teller, one)


def _materializations(outcome: Outcome) -> Iterator[dg.AssetMaterialization]:
    for one in outcome.steps:
        if isinstance(one, Done):
            yield dg.AssetMaterialization(
                one.step.name, partition=outcome.connection_id, metadata=reporting.metadata(one.figures)
            )


def _evaluations(outcome: Outcome) -> Iterator[dg.AssetCheckEvaluation]:
    for one in outcome.steps:
        for check, verdict in one.verdicts if isinstance(one, Done) else ():
            yield dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey(one.step.name),
                check_name=check.name,
                passed=verdict.passed,
                severity=reporting.severity(check),
                metadata=reporting.details(verdict),
                blocking=check.is_blocking,
                partition=outcome.connection_id,
            )


def _record_failure(teller: TellerOfFailures, outcome: Outcome) -> None:
    """What failed first, and all that was not materialized for it."""
    missing = [one.step.name for one in outcome.steps if not isinstance(one, Done)]
    failure = reporting.failure(outcome.error) if outcome.error else _held_back(outcome)
    tags = {
        CONNECTION_TAG: outcome.connection_id,
        KIND_TAG: REFRESH,
        BATCH_TAG: teller.run.run_id,
    }
    teller.failed(outcome.connection_id, missing, failure, tags)


def _held_back(outcome: Outcome) -> dg.Failure:
    failed = [
        check.name
        for one in outcome.steps
        if isinstance(one, Done) and one.is_blocked
        for check, verdict in one.verdicts
        if check.is_blocking and not verdict.passed
    ]
    return dg.Failure(f"Nobody is told while these checks fail: {', '.join(failed)}.", allow_retries=False)


def refresh_due_schedule(open_services: ServicesFactory, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Every five minutes: a batch for what is due, unless one is at it that is still so at the next tick.

    One that has come so far has another waiting behind it, which begins as it ends.
    """

    @dg.schedule(
        name="refresh_due",
        job=job,
        cron_schedule="*/5 * * * *",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Ends syncs that lost their worker; starts a batch when connections are due.",
    )
    def refresh_due(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        with open_services() as services:
            reap_stuck(services, ended_of=partial(runs.ended, context.instance))
            now = services.clock()
            with transaction(services.engine) as db:
                due = leases.count_due(db, now=now, new_since=now - NEW_FOR, due_since=now - LEFT_TO_RECOVERY)
            wanted = min(services.settings.refresh_shards, -(-due // _WORTH_A_SHARD))
        go_on = now - _LONGEST + _TICK
        at_work = runs.count_unfinished(context.instance, REFRESH_DUE_CONNECTIONS, begun_since=go_on)
        if not due:
            return dg.SkipReason("No connection is due.")
        if at_work >= wanted:
            return dg.SkipReason(f"{due} connections are due, and {at_work} batches are at it.")
        tick = f"{context.scheduled_execution_time:%Y%m%dT%H%M}"
        return [
            dg.RunRequest(run_key=f"refresh:{tick}:{shard}", tags={SHARD_TAG: str(shard)})
            for shard in range(at_work, wanted)
        ]

    return refresh_due
