"""`bank-sync replay`: is the ledger what the stored answers of the banks say?

Belongs here: the command, its progress and how its answer looks. Does not belong here: the replay
(`sync.replay`).
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.services import Services
from bank_sync.storage.overview import overview, resolve_connection
from bank_sync.sync.replay import Replayed, replay_connection


def replay(
    connection: Annotated[list[str] | None, typer.Argument(help="Ids, or the start or end of them.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All connections.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Build the ledger again from the stored answers and compare; changes nothing.

    Ends with code 1 and says which rows and columns differ when it is not the same to the byte.

    Examples: `bank-sync replay conn_01kq`, `bank-sync replay --all`
    """
    with ready_services() as services:
        reports = _replay_all(services, _chosen(services, connection or [], everything=everything))
    if as_json:
        terminal.print_json(terminal.as_rows(reports))
    else:
        _print(reports)
    if any(report.differing for report in reports):
        raise typer.Exit(1)


def _chosen(services: Services, named: list[str], *, everything: bool) -> list[str]:
    if bool(named) == everything:
        raise UsageMistake("Name connections or give --all.")
    with services.engine.connect() as db:
        if everything:
            return [one.connection_id for one in overview(db)]
        return list(dict.fromkeys(resolve_connection(db, part) for part in named))


def _replay_all(services: Services, chosen: list[str]) -> list[Replayed]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    reports = []
    with Progress(*columns, console=terminal.err, transient=True) as progress:
        for connection_id in chosen:
            task = progress.add_task(connection_id, total=None)

            def show(done: int, of: int, task: TaskID = task) -> None:
                progress.update(task, completed=done, total=of)

            reports.append(replay_connection(services, connection_id, on_round=show))
    return reports


def _print(reports: list[Replayed]) -> None:
    table = terminal.table(
        None, "connection", "rounds", "pages", "rows", "differing", "seconds", "rows/s",
        right=("rounds", "pages", "rows", "differing", "seconds", "rows/s"),
    )  # fmt: skip
    for one in reports:
        differing = f"[red]{one.differing:,}[/red]" if one.differing else "[green]0[/green]"
        speed = f"{one.rows / one.seconds:,.0f}"
        figures = (f"{one.rounds:,}", f"{one.pages:,}", f"{one.rows:,}", differing, f"{one.seconds:.1f}")
        table.add_row(one.connection_id, *figures, speed)
    terminal.out.print(table)
    for one in reports:
        for compared in one.comparisons:
            for found in compared.listed:
                columns = f": {', '.join(found.columns)}" if found.columns else ""
                terminal.out.print(f"{found.table} {found.kind} {found.key}{columns}", highlight=False)
            if compared.differing > len(compared.listed):
                more = compared.differing - len(compared.listed)
                terminal.out.print(f"{compared.table}: {more:,} more rows differ")
