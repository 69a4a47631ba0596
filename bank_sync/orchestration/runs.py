"""What Dagster knows of runs: which go on, which have ended.

Belongs here: questions to the instance that several triggers ask. Does not belong here: what follows from the
answers.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import dagster as dg

PARTITION_TAG = "dagster/partition"
RUN_KEY_TAG = "dagster/run_key"

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def count_unfinished(instance: dg.DagsterInstance, job_name: str, *, begun_since: datetime) -> int:
    """How many runs of a job wait, or go on and began after that moment."""
    records = instance.get_run_records(dg.RunsFilter(job_name=job_name, statuses=_UNFINISHED))
    return sum(one.start_time is None or one.start_time >= begun_since.timestamp() for one in records)


def partitions_with_a_run(instance: dg.DagsterInstance, keys: Collection[str]) -> set[str]:
    """Those of these partitions for which a run waits or goes on, whoever started it."""
    if not keys:
        return set()
    unfinished = dg.RunsFilter(tags={PARTITION_TAG: sorted(keys)}, statuses=_UNFINISHED)
    return {run.tags[PARTITION_TAG] for run in instance.get_runs(unfinished)}


def ended(instance: dg.DagsterInstance, run_ids: Collection[str]) -> set[str]:
    """Those of these runs that Dagster knows to have ended."""
    if not run_ids:
        return set()
    found = instance.get_runs(dg.RunsFilter(run_ids=sorted(run_ids), statuses=_ENDED))
    return {run.run_id for run in found}
