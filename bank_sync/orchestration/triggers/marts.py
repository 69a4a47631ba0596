"""The sensor that rebuilds the analysts' models after a batch.

Belongs here: when a batch calls for a build. Does not belong here: the build and its hourly schedule
(`orchestration.dbt_location`, a code location of its own: this module must not load dbt).
"""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from bank_sync.services import Clock, utc_now

BUILD_MARTS = "build_marts"
"""Name of the job that rebuilds and tests every model."""

BATCH_JOBS = ("refresh_due_connections", "refresh_balances", "categorize_backlog")
"""Jobs of the other code location that change what many connections' models are made of."""

_APART = timedelta(minutes=15)  # batches come every five minutes, a build takes about one


def marts_after_batch_sensor(*, clock: Clock = utc_now) -> dg.SensorDefinition:
    """Every minute: one build for all batches that ended since the last one began."""

    @dg.sensor(
        name="build_marts_after_batch",
        job_name=BUILD_MARTS,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Rebuilds the models once batches have changed the ledger, a quarter of an hour apart.",
    )
    def build_marts_after_batch(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        batch = _newest_success(context.instance, BATCH_JOBS)
        build = _newest(context.instance, BUILD_MARTS)
        if batch is None or batch.end_time is None:
            return dg.SkipReason("No batch has ended yet.")
        if build is not None:
            if not build.dagster_run.is_finished:
                return dg.SkipReason("A build is under way.")
            if build.create_timestamp.timestamp() >= batch.end_time:
                return dg.SkipReason("The last build began after the last batch.")
            if build.end_time is not None and clock().timestamp() - build.end_time < _APART.total_seconds():
                return dg.SkipReason("The last build ended less than a quarter of an hour ago.")
        return dg.RunRequest(run_key=f"after:{batch.dagster_run.run_id}")

    return build_marts_after_batch


def _newest_success(instance: dg.DagsterInstance, job_names: Sequence[str]) -> dg.RunRecord | None:
    """The run of these jobs that succeeded last."""
    succeeded = [dg.DagsterRunStatus.SUCCESS]
    found = [
        record
        for name in job_names
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=name, statuses=succeeded), limit=1, order_by="end_time"
        )
    ]
    return max(found, key=lambda record: record.end_time or 0.0, default=None)


def _newest(instance: dg.DagsterInstance, job_name: str) -> dg.RunRecord | None:
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name), limit=1)
    return records[0] if records else None
