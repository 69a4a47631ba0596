"""The sensor of links that are under way without a browser.

Belongs here: the tick. Does not belong here: what becomes of such links (`sync.abandoned`).
"""

from __future__ import annotations

import dagster as dg

from bank_sync.orchestration.automation import ServicesFactory
from bank_sync.sync.abandoned import look_after


def links_under_way_sensor(open_services: ServicesFactory) -> dg.SensorDefinition:
    """Every minute: links that banks granted though no browser came back, and those nobody finished."""

    @dg.sensor(
        name="links_under_way",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Stores links that were granted though no browser came back, and ends those that nobody "
        "finished; starts no run.",
    )
    def links_under_way() -> dg.SkipReason:
        with open_services() as services:
            found = look_after(services)
        return dg.SkipReason(f"{found.finished} links were granted, {found.ended} were never finished.")

    return links_under_way
