"""`bank-sync quarantine`: rows of the banks' answers that could not be read.

Belongs here: the commands and how their answers look. Does not belong here: what a retry does
(`sync.quarantine`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.storage.database import transaction
from bank_sync.storage.journal import record_audit
from bank_sync.storage.overview import overview, resolve_connection
from bank_sync.storage.quarantined import dismiss as dismiss_row
from bank_sync.storage.quarantined import waiting_rows
from bank_sync.sync.quarantine import Retried, retry_quarantine

app = typer.Typer(no_args_is_help=True, help="Rows that could not be read: list them, try again, dismiss.")

ConnectionArgument = Annotated[str | None, typer.Argument(help="Its id, or a part of it; else all.")]


@app.command("list")
def list_rows(
    connection: ConnectionArgument = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """List the rows that wait, with the reason and the place of each in its page.

    Example: `bank-sync quarantine list`
    """
    with ready_services() as services, services.engine.connect() as db:
        rows = waiting_rows(db, resolve_connection(db, connection) if connection else None)
        now = services.clock()
    if as_json:
        terminal.print_json(terminal.as_rows(rows))
        return
    if not rows:
        terminal.out.print("Nothing waits: every row could be read.")
        return
    table = terminal.table(None, "id", "bank", "part", "page", "place", "reason", "since", "last try")
    for row in rows:
        since, last_try = terminal.ago(row.quarantined_at, now), terminal.ago(row.retried_at, now)
        place = (str(row.page_id), row.locator, row.reason)
        table.add_row(str(row.quarantine_id), row.institution_name, row.part, *place, since, last_try)
    terminal.out.print(table)


@app.command()
def retry(connection: ConnectionArgument = None) -> None:
    """Read the stored pages again with this release and the accounts known now.

    Example: `bank-sync quarantine retry`
    """
    with ready_services() as services:
        with services.engine.connect() as db:
            known = [one.connection_id for one in overview(db)]
            chosen = [resolve_connection(db, connection)] if connection else known
        total = sum((retry_quarantine(services, one) for one in chosen), Retried())
    terminal.out.print(
        f"{total.applied:,} rows applied, {total.overtaken:,} overtaken by later answers, "
        f"{total.waiting:,} still wait."
    )


@app.command()
def dismiss(
    row: Annotated[int, typer.Argument(help="The id that `bank-sync quarantine list` shows.")],
    by: Annotated[str, typer.Option(help="Who decides, for the record.")] = "operator",
) -> None:
    """Close one row for good: it will not reach the ledger unless the bank tells it again.

    Example: `bank-sync quarantine dismiss 17`
    """
    with ready_services() as services, transaction(services.engine) as db:
        connection_id = dismiss_row(db, row, now=services.clock())
        details = {"quarantine_id": row}
        record_audit(db, action="dismiss_quarantined", actor=by, connection_id=connection_id, details=details)
    terminal.out.print(f"Row {row} is dismissed.")
