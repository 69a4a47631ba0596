"""What the code locations define, as text: assets, checks, jobs, schedules, sensors.

`make renew-definitions` writes it to `definitions.json` beside this file; a test compares the two, so that a
change of the graph shows in the review of its commit.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import dagster as dg

from bank_sync.settings import Settings, load_settings

SNAPSHOT = Path(__file__).with_name("definitions.json")


def snapshot(settings: Settings) -> str:
    """Both locations as sorted, indented JSON."""
    from bank_sync.orchestration.build import build_definitions
    from bank_sync.orchestration.dbt_location import build_dbt_definitions

    locations = {
        "bank_sync": build_definitions(settings),
        "bank_sync_dbt": build_dbt_definitions(settings),
    }
    told = {name: _told(defs) for name, defs in locations.items()}
    return json.dumps(told, indent=1, sort_keys=True) + "\n"


def _told(defs: dg.Definitions) -> dict[str, Any]:
    repository = defs.get_repository_def()
    return {
        "assets": _assets(repository),
        "checks": _checks(repository),
        "jobs": {
            job.name: sorted(node.name for node in job.nodes)
            for job in repository.get_all_jobs()
            if not job.name.startswith("__")
        },
        "schedules": {
            one.name: {"job": one.job_name, "cron": one.cron_schedule, "status": one.default_status.value}
            for one in repository.schedule_defs
        },
        "sensors": {
            one.name: {
                "jobs": sorted(target.job_name for target in one.targets if target.job_name),
                "seconds": one.minimum_interval_seconds,
                "status": one.default_status.value,
                "type": one.sensor_type.value,
            }
            for one in repository.sensor_defs
        },
    }


def _assets(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    graph = repository.asset_graph
    return {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "partitions": getattr(graph.get(key).partitions_def, "name", None),
        }
        for key in graph.materializable_asset_keys
    }


def _checks(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    graph = repository.asset_graph
    return {
        f"{key.asset_key.to_user_string()}:{key.name}": {"blocking": graph.get(key).blocking}
        for key in graph.asset_check_keys
    }


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else SNAPSHOT
    target.write_text(snapshot(load_settings()), encoding="utf-8")
