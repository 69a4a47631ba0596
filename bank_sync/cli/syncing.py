"""`bank-sync sync`: connections now, through Dagster in this process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.services import Services
from bank_sync.storage.connections import due_connections
from bank_sync.storage.overview import overview, resolve_connection

if TYPE_CHECKING:
    from bank_sync.orchestration.launch import RunReport

_MOST_DUE = 10_000


def sync(
    connection: Annotated[list[str] | None, typer.Argument(help="Ids, or the start or end of them.")] = None,
    *,
    due: Annotated[bool, typer.Option("--due", help="Those whose next sync is due.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="All connections.")] = False,
) -> None:
    """Sync connections now. Each is a Dagster run of its own; one that fails leaves the others going.

    Examples: `bank-sync sync conn_01kq`, `bank-sync sync --due`
    """
    with ready_services() as services:
        chosen = _chosen(services, connection or [], due=due, everything=everything)
        if not chosen:
            terminal.out.print("Nothing to sync." if not due else "No connection is due.")
            return
        reports = _run_all(services, chosen)
        _print_reports(services, reports)
    if not all(report.succeeded for report in reports):
        raise typer.Exit(1)


def _chosen(services: Services, named: list[str], *, due: bool, everything: bool) -> list[str]:
    if bool(named) + due + everything != 1:
        raise UsageMistake("Name connections, or give --due or --all: one of the three.")
    with services.engine.connect() as db:
        if everything:
            return [one.connection_id for one in overview(db)]
        if due:
            found = due_connections(db, now=services.clock(), limit=_MOST_DUE)
            return [one.connection_id for one in found]
        return list(dict.fromkeys(resolve_connection(db, part) for part in named))


def _run_all(services: Services, chosen: list[str]) -> list[RunReport]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=terminal.err, transient=True) as progress:
        starting = progress.add_task("Starting Dagster", total=None)
        logging.disable(logging.ERROR)  # the run's log is in the Dagster UI; here it would bury the answer
        from bank_sync.orchestration import launch

        with launch.open_instance(services.settings) as instance:
            progress.remove_task(starting)
            reports = []
            for connection_id in chosen:
                task = progress.add_task(connection_id, total=len(launch.SYNC_ASSETS))

                def show(step: str, status: str, task: TaskID = task, name: str = connection_id) -> None:
                    if status == "succeeded" and step in launch.SYNC_ASSETS:
                        progress.advance(task)
                    how_far = f": {status}" if status.endswith((" pages", " rows")) else ""
                    progress.update(task, description=f"{name}{how_far}")

                reports.append(launch.sync_connection(instance, connection_id, on_step=show))
    return reports


def _print_reports(services: Services, reports: list[RunReport]) -> None:
    with services.engine.connect() as db:
        known = {one.connection_id: one for one in overview(db)}
    table = terminal.table(None, "institution", "sync", "transactions", "seconds", "run", right=("seconds",))
    for report in reports:
        one = known[report.connection_id]
        table.add_row(
            one.institution,
            terminal.state("succeeded" if report.succeeded else "failed"),
            f"{one.transactions:,}",
            f"{report.seconds:.1f}",
            report.run_id[:8],
        )
    terminal.out.print(table)
    for report in reports:
        if report.error:
            terminal.err.print(f"[red]{known[report.connection_id].institution}[/red]: {report.error}")
