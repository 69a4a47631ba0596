"""Sensors that look at our database and start runs: the shape they share.

Belongs here: that shape. Does not belong here: what they look for (`starts`, `webhooks`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from bank_sync.orchestration.automation import ServicesFactory, sync_connection
from bank_sync.services import Services

# Dagster copies a sensor when it gives resources to its jobs, and warns of an argument of its own copy.
warnings.filterwarnings("ignore", message="Parameter `owners` of initializer `SensorDefinition")

Tick = Callable[[dg.DagsterInstance, Services], dg.SensorResult | dg.SkipReason]
"""One look; nothing is remembered between two but what the databases say."""


@dataclass(frozen=True, slots=True)
class Watch:
    """One sensor and how often it looks."""

    name: str
    every_s: int
    description: str
    tick: Tick

    def sensor(self, open_services: ServicesFactory, *also: dg.JobDefinition) -> dg.SensorDefinition:
        """On by default; it may start the job of one connection and `also` these."""

        @dg.sensor(
            name=self.name,
            jobs=[sync_connection, *also],
            minimum_interval_seconds=self.every_s,
            default_status=dg.DefaultSensorStatus.RUNNING,
            description=self.description,
        )
        def watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
            with open_services() as services:
                return self.tick(context.instance, services)

        return watch
