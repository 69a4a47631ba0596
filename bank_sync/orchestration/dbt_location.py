"""The dbt models as Dagster assets: a code location of its own, so that the other one loads without dbt.

Belongs here: assets, checks, job and schedule of the models. Does not belong here: how dbt finds its
warehouse (`orchestration.dbt_environment`), when its project is parsed (`orchestration.dbt_manifest`), SQL
(`dbt_project`).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets
from packaging.version import Version

from bank_sync.orchestration.dbt_environment import (
    dbt_environment,
    dbt_executable,
    dbt_folders,
    dbt_project_folder,
)
from bank_sync.orchestration.dbt_manifest import load_manifest, prepared_folder
from bank_sync.orchestration.triggers.marts import BUILD_MARTS, marts_after_batch_sensor
from bank_sync.settings import Settings
from bank_sync.storage.locations import locate

_BUILD = ("build", "--exclude-resource-type", "unit_test")
"""Unit tests prove SQL on made-up rows: they belong to a change of the project, not to every hour."""

_EVERY_HOUR = "17 * * * *"
"""Off the full hour, when other schedules of a machine tend to start."""


class InstalledDbt(DbtCliResource):
    """dbt as installed beside Dagster."""

    @cached_property
    def _cli_version(self) -> Version:
        # `dbt --version`, which dagster-dbt would ask, costs seconds and looks for newer releases online
        return Version(version("dbt-core"))


def build_dbt_definitions(settings: Settings) -> dg.Definitions:
    """Assets, checks, job and schedule of the dbt models; connects to no database until a run does.

    Raises:
        DbtProjectBroken: the dbt project does not parse.
        SettingsError: there is no dbt project, or no dbt.
    """
    models = _models(settings, load_manifest(settings))
    job = dg.define_asset_job(
        BUILD_MARTS,
        selection=dg.AssetSelection.assets(models),
        description="Rebuild the analysts' models from the ledger and test them.",
        executor_def=dg.in_process_executor,
        tags={"bank_sync/kind": "marts"},
    )
    schedule = dg.ScheduleDefinition(
        name="build_marts_hourly",
        job=job,
        cron_schedule=_EVERY_HOUR,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    project = str(dbt_project_folder())
    dbt = InstalledDbt(project_dir=project, profiles_dir=project, dbt_executable=str(dbt_executable()))
    return dg.Definitions(
        assets=[models],
        jobs=[job],
        schedules=[schedule],
        sensors=[marts_after_batch_sensor()],
        resources={"dbt": dbt},
        executor=dg.in_process_executor,
    )


def _models(settings: Settings, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    # connections and sync_attempts are both told by the asset `connection_health`
    translator = DagsterDbtTranslator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    @dbt_assets(manifest=manifest, name="analytics_models", dagster_dbt_translator=translator)
    def analytics_models(context: dg.AssetExecutionContext, dbt: InstalledDbt) -> Iterator[Any]:
        """Build and test the selected models in the schema `analytics`."""
        with _warehouse_in_environment(settings), _artifacts(settings, context.run.run_id) as target:
            yield from dbt.cli(_BUILD, context=context, target_path=target).stream().fetch_row_counts()

    return analytics_models


@contextmanager
def _artifacts(settings: Settings, run_id: str) -> Iterator[Path]:
    """A folder for what dbt writes during one run; gone afterwards, the run's events tell the outcome."""
    runs = settings.home.resolve() / "dbt" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f"{run_id[:8]}-", dir=runs) as folder:
        yield Path(folder)


@contextmanager
def _warehouse_in_environment(settings: Settings) -> Iterator[None]:
    """Puts the warehouse into this process's environment, all that dagster-dbt hands on, and takes it out."""
    variables = {
        **dbt_folders(settings),
        **dbt_environment(locate(settings).warehouse),
        # where dagster-dbt looks for the parsed project to start from
        "DBT_TARGET_PATH": str(prepared_folder(settings)),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
