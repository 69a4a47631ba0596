"""Telling Dagster of many partitions at once: the one module that leans on what Dagster calls private.

Belongs here: events of a batch, written many at a time, and the public way for each, which is taken when an
upgrade has moved what is used here: slower, or less to be seen, never wrong. Does not belong here: what
happened (`sync.whole`), how it is worded (`orchestration.reporting`).

An event reported by itself costs Dagster two connections to its database, some 25 ms; within a batch 0.4 ms.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg

try:
    from dagster._core.definitions.asset_key import AssetCheckKey
    from dagster._core.events import (
        DagsterEvent,
        DagsterEventBatchMetadata,
        JobFailureData,
        RunFailureReason,
        StepMaterializationData,
    )
    from dagster._core.execution.plan.objects import StepFailureData, UserFailureData
    from dagster._core.remote_origin import RemoteJobOrigin
    from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
    from dagster._core.storage.tags import PARTITION_NAME_TAG
except ImportError:  # pragma: no cover - a newer Dagster: `is_private_api_there` tells
    is_private_api_there = False
else:
    is_private_api_there = True

_EVENTS_PER_WRITE = "1000"


@dataclass(frozen=True)
class Teller:
    """Tells Dagster what a run did for many partitions."""

    instance: dg.DagsterInstance
    run: dg.DagsterRun
    step_key: str

    def materialized(self, events: Sequence[dg.AssetMaterialization]) -> None:
        """Tell of materializations, in one write per asset."""
        if not is_private_api_there:
            self._tell_publicly(events)
            return
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", _EVENTS_PER_WRITE)  # read at each event
        # A write notes the last of its events as its asset's newest, so each asset gets one of its own. Those
        # told first go first: an asset that is older than what it was made from shows as out of step.
        by_asset: dict[str, list[dg.AssetMaterialization]] = {}
        for event in events:
            by_asset.setdefault(event.asset_key.to_user_string(), []).append(event)
        for name, same in by_asset.items():
            self._write_together(f"{self.run.run_id}/{name}", same)

    def checked(self, evaluations: Sequence[dg.AssetCheckEvaluation]) -> None:
        """Tell of verdicts that Dagster does not know yet: these cannot be written together."""
        if not is_private_api_there:
            self._tell_publicly(evaluations)
            return
        known = self._known_verdicts(evaluations)
        for one in evaluations:
            if known.get((one.check_name, one.partition)) is not one.passed:
                self._report(dg.DagsterEventType.ASSET_CHECK_EVALUATION, one)

    def _tell_publicly(
        self,
        events: Sequence[dg.AssetMaterialization | dg.AssetObservation | dg.AssetCheckEvaluation],
    ) -> None:
        for event in events:
            self.instance.report_runless_asset_event(event)

    def _write_together(self, batch_id: str, events: Sequence[dg.AssetMaterialization]) -> None:
        for number, event in enumerate(events, 1):
            batch = DagsterEventBatchMetadata(batch_id, is_end=number == len(events))
            self._report(dg.DagsterEventType.ASSET_MATERIALIZATION, StepMaterializationData(event), batch)

    def _report(
        self,
        kind: dg.DagsterEventType,
        data: StepMaterializationData | dg.AssetCheckEvaluation,
        batch: DagsterEventBatchMetadata | None = None,
    ) -> None:
        event = DagsterEvent(
            event_type_value=kind.value,
            job_name=self.run.job_name,
            step_key=self.step_key,
            event_specific_data=data,
        )
        self.instance.report_dagster_event(event, self.run.run_id, batch_metadata=batch)

    def _known_verdicts(
        self, evaluations: Sequence[dg.AssetCheckEvaluation]
    ) -> dict[tuple[str, str | None], bool]:
        """What Dagster knows already, by check and partition."""
        keys = {AssetCheckKey(one.asset_key, one.check_name) for one in evaluations}
        partitions = {one.partition for one in evaluations if one.partition is not None}
        found = self.instance.event_log_storage.get_asset_check_partition_info(
            list(keys), partition_keys=sorted(partitions)
        )
        verdicts = {
            AssetCheckExecutionRecordStatus.SUCCEEDED: True,
            AssetCheckExecutionRecordStatus.FAILED: False,
        }
        return {
            (one.check_key.name, one.partition_key): verdicts[one.latest_execution_status]
            for one in found
            if one.latest_execution_status in verdicts
        }


@dataclass(frozen=True)
class TellerOfFailures(Teller):
    """Also tells which partitions failed.

    Attributes:
        job_of_one: the job of one connection, in whose name failures are recorded.
    """

    job_of_one: Callable[[], dg.JobDefinition]

    def failed(
        self, partition: str, assets: Sequence[str], failure: dg.Failure, tags: Mapping[str, str]
    ) -> None:
        """Record a failure as the run of one connection would have: its assets count as failed.

        The run is in the list with its error and can be started again from there; nothing is executed now.

        Args:
            partition: the connection.
            assets: what was not materialized; the first is the one that failed.
            failure: what is shown; it holds nobody's data.
            tags: of the recorded run.
        """
        if not is_private_api_there:
            text = {"failure": failure.description or ""}
            self._tell_publicly([dg.AssetObservation(assets[0], partition=partition, metadata=text)])
            return
        run = self._planned(partition, assets, tags)
        step = _step_failure(run.job_name, assets[0], failure)
        self.instance.report_dagster_event(step, run.run_id)
        reason = JobFailureData(None, RunFailureReason.STEP_FAILURE, step)  # by which it is not started again
        self.instance.report_run_failed(run, f"In a batch: {failure.description}", reason)

    def _planned(self, partition: str, assets: Sequence[str], tags: Mapping[str, str]) -> dg.DagsterRun:
        """A run that plans the assets of one partition and their checks, and is never started."""
        job = self.job_of_one()
        origin = self.run.remote_job_origin  # leads the UI to the code, to start it again from there
        return self.instance.create_run_for_job(
            job,
            asset_selection={dg.AssetKey(name) for name in assets},
            tags={**tags, PARTITION_NAME_TAG: partition},
            remote_job_origin=RemoteJobOrigin(origin.repository_origin, job.name) if origin else None,
        )


def _step_failure(job_name: str, step_key: str, failure: dg.Failure) -> DagsterEvent:
    told = UserFailureData("intentional-failure", failure.description, failure.metadata)  # type: ignore[no-untyped-call]
    return DagsterEvent(
        event_type_value=dg.DagsterEventType.STEP_FAILURE.value,
        job_name=job_name,
        step_key=step_key,
        message=f'Step "{step_key}" failed in a batch.',
        event_specific_data=StepFailureData(None, told),  # type: ignore[no-untyped-call]
    )
