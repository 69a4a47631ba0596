"""`bank-sync accounts`: every account, its balance, and whether its transactions explain it.

Belongs here: the command and how its answer looks. Does not belong here: the proof (`sync.reconcile`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.storage.overview import resolve_connection
from bank_sync.storage.reconciliations import ProofOverview, proofs_overview
from bank_sync.sync.reconcile import restart_proof as restart

_STYLES = {"proven": "green", "differs": "red"}


def accounts(
    connection: Annotated[str | None, typer.Argument(help="Its id, or the start or end of it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a command-line flag
    restart_proof: Annotated[
        str | None,
        typer.Option(help="Id of an account whose proof is to start again."),
    ] = None,
) -> None:
    """Show accounts with their proof: opening balance + flows = closing balance, else by how much not, or why
    nobody can know.

    Example: `bank-sync accounts`
    """  # noqa: D205 - the first paragraph is what `--help` shows
    with ready_services() as services:
        if restart_proof is not None:
            restart(services, restart_proof, by="operator")
        with services.engine.connect() as db:
            chosen = resolve_connection(db, connection) if connection else None
            found = proofs_overview(db, chosen)
    if as_json:
        terminal.print_json(terminal.as_rows(found))
        return
    columns = ("account", "name", "bank", "opening", "flows", "closing", "proof")
    table = terminal.table(None, *columns, right=("opening", "flows", "closing"))
    for one in found:
        table.add_row(
            one.account_id,
            one.name,
            one.institution,
            _money(one.opening_amount, one.currency),
            _money(one.flows, one.currency),
            _money(one.closing_amount, one.currency),
            _proof(one),
        )
    terminal.out.print(table)


def _money(amount: Decimal | None, currency: str) -> str:
    return "" if amount is None else f"{amount:,.2f} {currency}"


def _proof(one: ProofOverview) -> str:
    style = _STYLES.get(one.state, "yellow")
    if one.difference:
        return f"[{style}]differs by {_money(one.difference, one.currency)}[/{style}] {one.reason}"
    shown = f"[{style}]{one.state}[/{style}]"
    return shown if one.state == "proven" else f"{shown} {one.reason}"
