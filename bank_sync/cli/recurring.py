"""`bank-sync recurring`: payments and income that come again and again.

Belongs here: reading options and printing. Does not belong here: finding them (`sync.recurring_streams`).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services


def recurring(
    *,
    person: Annotated[
        str | None, typer.Option("--person", help="Your application's reference of a person; else all.")
    ] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that came to an end, too.")] = False,
    find: Annotated[bool, typer.Option("--find", help="Find them anew first, as is done daily.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show recurring payments and income, the next one first: cadence, next date, amounts, how regular.

    Example: `bank-sync recurring --find --person ada`
    """
    from bank_sync.storage.recurring_streams import streams_of
    from bank_sync.sync.recurring_streams import find_all

    with ready_services() as services:
        if find:
            find_all(services)
        with services.engine.connect() as db:
            found = streams_of(db, person, ended=ended)
    if as_json:
        print(json.dumps([asdict(one) for one in found], default=str))
        return
    from rich.table import Table

    table = Table("next", "merchant", "cadence", "usual", "between", "times", "regular", box=None)
    table.columns[0].no_wrap, table.columns[0].min_width = True, 10  # a date is whole or useless
    for one in found:
        steady = one.low_amount == one.high_amount
        table.add_row(
            str(one.next_on or one.state),
            one.merchant_name or one.merchant_key,
            one.cadence.replace("_", "-") + (" (late)" if one.state == "late" else ""),
            f"{one.usual_amount:.2f} {one.currency} {'in' if one.money_in else 'out'}",
            "" if steady else f"{one.low_amount:.2f} - {one.high_amount:.2f}",
            str(one.occurrences),
            f"{one.confidence:.0%}",
        )
    terminal.out.print(table if found else "Nothing recurs, or nobody looked yet: add --find.")
