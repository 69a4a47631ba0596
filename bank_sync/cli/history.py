"""`bank-sync history`: the transactions as they were believed to be at a moment.

Belongs here: the command and how its answer looks. Does not belong here: the query (`storage.history`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.storage.history import Believed, resolve_owner, transactions_as_of

_DATE_LENGTH = len("2026-05-03")


def history(
    owner: Annotated[str, typer.Argument(help="Id of an account or connection, or the start or end of it.")],
    as_of: Annotated[str, typer.Option(help="A date, meaning its end in UTC, or a moment in ISO 8601.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Show the transactions as they were known at a moment, whatever was learned since.

    Example: `bank-sync history conn_01kq --as-of 2026-05-03`
    """
    moment = parse_moment(as_of)
    with ready_services() as services, services.engine.connect() as db:
        rows = list(transactions_as_of(db, resolve_owner(db, owner), moment))
    if as_json:
        terminal.print_json(terminal.as_rows(rows))
        return
    _print(rows, moment)


def parse_moment(given: str) -> datetime:
    """A moment with its zone; a bare date is its last instant in UTC.

    Raises:
        UsageMistake: neither a date nor a moment.
    """
    try:
        if len(given) == _DATE_LENGTH:
            return datetime.combine(date.fromisoformat(given), time.max, UTC)
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise UsageMistake("--as-of wants a date (2026-05-03) or a moment (2026-05-03T14:00Z).") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _print(rows: list[Believed], moment: datetime) -> None:
    columns = ("booked", "account", "amount", "", "text", "state", "known since", "until")
    table = terminal.table(None, *columns, right=("amount",))
    for row in rows:
        table.add_row(
            row.booked_on.isoformat(),
            row.account_name,
            f"{row.amount:,.2f}",
            row.currency,
            row.description,
            row.posting,
            f"{row.known_from:%Y-%m-%d %H:%M}",
            f"{row.known_until:%Y-%m-%d %H:%M}" if row.known_until else "",
        )
    terminal.out.print(table)
    terminal.out.print(f"{len(rows):,} transactions as known at {moment:%Y-%m-%d %H:%M:%S %Z}.")
