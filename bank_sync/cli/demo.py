"""`bank-sync demo`: three people connect a bank each, and their money arrives in the warehouse.

Belongs here: the steps, in order, each a function. Does not belong here: what people do in the browser
(`demo_people`), figures (`demo_figures`, `demo_sample`), and anything printed (`demo_progress`,
`demo_report`).

Heavy libraries are imported inside the steps, so that something is on the screen at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bank_sync.cli.demo_progress import Step, Steps, set_aside
from bank_sync.domain.errors import BankSyncError, SettingsError
from bank_sync.settings import Settings

if TYPE_CHECKING:
    # named in annotations alone
    from dagster import DagsterInstance

    from bank_sync.cli.demo_figures import DemoResult, RowCounts
    from bank_sync.cli.demo_sample import SampleResult
    from bank_sync.orchestration.launch import MartsReport, RunReport
    from bank_sync.services import Services
    from bank_sync.storage.locations import Locations

Clock = Callable[[], datetime]


def run_demo(settings: Settings, *, clock: Clock | None = None, console: Console | None = None) -> int:
    """Run the whole demo and print its report.

    Args:
        settings: where things are; credentials of real providers are left aside.
        clock: the time at the pretend banks and in bank_sync; the real one by default.
        console: where to print; standard output by default.

    Returns:
        0 when every sync, every check that is an error, and the models went well, else 1.

    Raises:
        SettingsError: in production, where nothing is pretended.
        BankSyncError: the demo could not get as far as a report; its text says what to do.
    """
    if settings.environment == "production":
        raise SettingsError("The demo needs pretend banks: unset BANK_SYNC_ENVIRONMENT to run it.")
    console = console or Console(file=sys.stdout)
    steps, log = Steps(console), settings.home / "demo.log"
    with ExitStack() as stack:
        stack.enter_context(set_aside(log))
        locations = _ready_database(steps, settings)
        settings = _open_sandbox(steps, stack, settings, clock)
        services = _open_services(stack, settings, clock)
        connection_ids = _link_people(steps, services)
        instance = _open_dagster(steps, stack, settings)
        before = _count_rows(services, connection_ids)
        runs = _sync_all(steps, instance, services, connection_ids)
        marts = _build_marts(steps, instance, settings)
        sample = _ask_sample(steps, locations, marts)
        result = _gather(services, before, runs, marts, sample)
        return _report(console, steps, result, log)


def _ready_database(steps: Steps, settings: Settings) -> Locations:
    with steps.step("Database") as step:
        from bank_sync.storage.locations import locate
        from bank_sync.storage.migrate import migrate

        step.says("starting PostgreSQL" if settings.database_url is None else "connecting")
        locations = locate(settings)
        step.says("bringing the tables up to date")
        revision = migrate(locations)
        where = f"{locations.warehouse.host}:{locations.warehouse.port or 5432}"
        kind = "embedded server" if locations.embedded else "your server"
        step.finds(f"{kind} at {where}, revision {revision}")
    return locations


def _open_sandbox(steps: Steps, stack: ExitStack, settings: Settings, clock: Clock | None) -> Settings:
    """The same installation, with every provider played by the pretend banks."""
    with steps.step("Pretend banks") as step:
        from bank_sync.cli.demo_sandbox import among_pretend_banks, is_sandbox, open_sandbox

        url = settings.sandbox_url
        if is_sandbox(url):
            step.finds(f"already open at {url}")
        else:
            url = stack.enter_context(open_sandbox(settings, clock))
            step.finds(f"opened at {url}, for as long as this runs")
        return among_pretend_banks(settings, url)


def _open_services(stack: ExitStack, settings: Settings, clock: Clock | None) -> Services:
    from bank_sync.services import open_services, utc_now

    return stack.enter_context(open_services(settings, clock=clock or utc_now))


def _link_people(steps: Steps, services: Services) -> list[str]:
    """The connection of each person; who has none yet connects a bank now."""
    with steps.step("Connecting banks") as step:
        from bank_sync.cli.demo_figures import find_connection
        from bank_sync.cli.demo_people import PEOPLE, prove
        from bank_sync.storage.database import transaction
        from bank_sync.sync.onboarding import finish_link

        connection_ids, new = [], 0
        for person in PEOPLE:
            with transaction(services.engine) as db:
                connection_id = find_connection(db, person.reference, person.provider)
            if connection_id is None:
                step.says(f"{person.reference} approves at {person.provider}")
                proof = prove(services, person, services.settings.sandbox_url)
                connection_id = finish_link(
                    services, person.provider, user_reference=person.reference, proof=proof
                )
                new += 1
            connection_ids.append(connection_id)
        step.finds(f"{new} new, {len(connection_ids) - new} there already")
    return connection_ids


def _open_dagster(steps: Steps, stack: ExitStack, settings: Settings) -> DagsterInstance:
    with steps.step("Dagster") as step:
        from bank_sync.orchestration.launch import open_instance

        instance = stack.enter_context(open_instance(settings))
        step.finds("instance open")
    return instance


def _count_rows(services: Services, connection_ids: list[str]) -> dict[str, RowCounts]:
    from bank_sync.cli.demo_figures import count_rows
    from bank_sync.storage.database import transaction

    with transaction(services.engine) as db:
        return {connection_id: count_rows(db, connection_id) for connection_id in connection_ids}


def _sync_all(
    steps: Steps, instance: DagsterInstance, services: Services, connection_ids: list[str]
) -> list[RunReport]:
    """One run for each connection; one that fails does not keep the others from theirs."""
    from bank_sync.storage.connections import get_connection
    from bank_sync.storage.database import transaction

    runs = []
    for connection_id in connection_ids:
        with transaction(services.engine) as db:
            connection = get_connection(db, connection_id)
        with steps.step(f"Syncing {connection.institution_name} ({connection.provider})") as step:
            run = _sync(step, instance, connection_id, services.clock)
            runs.append(run)
    return runs


def _sync(step: Step, instance: DagsterInstance, connection_id: str, clock: Clock) -> RunReport:
    from bank_sync.orchestration.launch import SYNC_ASSETS, RunReport, sync_connection

    ended: dict[str, str] = {}

    def show(asset: str, state: str) -> None:
        if asset not in SYNC_ASSETS:  # checks are steps of their own
            return
        if state in {"succeeded", "failed", "skipped"}:
            ended[asset] = state
        step.says(f"{'●' * len(ended)}{'○' * (len(SYNC_ASSETS) - len(ended))} {asset} {state}")

    try:
        run = sync_connection(instance, connection_id, on_step=show, clock=clock)
    except BankSyncError as error:
        run = RunReport(connection_id, "", succeeded=False, error=str(error), checks=(), seconds=0.0)
    succeeded = sum(state == "succeeded" for state in ended.values())
    told = f"{succeeded} of {len(SYNC_ASSETS)} assets"
    if run.succeeded:
        step.finds(told)
    else:
        step.fails(told)
    return run


def _build_marts(steps: Steps, instance: DagsterInstance, settings: Settings) -> MartsReport:
    with steps.step("Building the analysts' models (dbt)") as step:
        from bank_sync.orchestration.launch import build_marts

        marts = build_marts(instance, settings)
        told = f"{marts.models} models, {marts.tests_passed} tests passed, {marts.tests_failed} failed"
        if marts.succeeded:
            step.finds(told)
        else:
            step.fails(told)
    return marts


def _ask_sample(steps: Steps, locations: Locations, marts: MartsReport) -> SampleResult | None:
    """What an analyst would ask first; nothing when the models are not there to be asked."""
    if not marts.succeeded:
        return None
    with steps.step("Asking the models") as step:
        from bank_sync.cli.demo_sample import ask_sample

        url, role = locations.analyst or locations.warehouse, "analyst" if locations.analyst else "owner"
        sample = ask_sample(url, role)
        step.finds(f"{len(sample.rows)} rows")
    return sample


def _gather(
    services: Services,
    before: dict[str, RowCounts],
    runs: list[RunReport],
    marts: MartsReport,
    sample: SampleResult | None,
) -> DemoResult:
    from bank_sync.cli.demo_figures import gather

    return gather(services, before, runs, marts, sample)


def _report(console: Console, steps: Steps, result: DemoResult, log: Path) -> int:
    from bank_sync.cli.demo_report import print_report

    print_report(console, result, steps.timings, log)
    return 0 if _went_well(result) else 1


def _went_well(result: DemoResult) -> bool:
    runs = [each.run for each in result.connections]
    broken = [check for run in runs for check in run.checks if not check.passed and check.severity == "ERROR"]
    return result.marts.succeeded and not broken and all(run.succeeded for run in runs)
