"""The sensor that deletes what is left of people who asked to be forgotten.

Belongs here: the tick, and the partitions that go. Does not belong here: what is deleted (`storage.erasure`).
"""

from __future__ import annotations

import dagster as dg

from bank_sync.orchestration.automation import ServicesFactory
from bank_sync.orchestration.partitions import CONNECTIONS, connection_partitions
from bank_sync.sync.erasing import finish_erasures


def erasures_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every minute: people who asked to be forgotten, and the partitions of their connections."""

    @dg.sensor(
        name="erasures",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Deletes the rows of people who asked to be forgotten, and the partitions of their "
        "connections; starts no run.",
    )
    def erasures(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with open_services() as services:
            erased = finish_erasures(services)
        gone = list(erased.connection_ids)
        known = sorted(context.instance.get_existing_dynamic_partitions(CONNECTIONS, gone))
        return dg.SensorResult(
            skip_reason=f"{len(gone)} connections were erased, {erased.waiting} people wait for a writer.",
            dynamic_partitions_requests=[connection_partitions.build_delete_request(known)] if known else [],
        )

    return erasures
