"""`bank-sync categories models` and `recategorize`: which models there are, and deciding again by one.

Belongs here: reading options and printing. Does not belong here: which model decides (`sync.champion`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="By booking date, included.")]


def models() -> None:
    """List the models trained here, with the verdict on each, and say which one decides.

    Example: `bank-sync categories models`
    """
    from rich.table import Table

    from bank_sync.storage import category_models
    from bank_sync.sync import champion

    with ready_services() as services, services.engine.connect() as db:
        found = category_models.models(db)
        deciding = champion.deciding(services, db)
    table = Table("model", "trained", "promoted", "lessons", "verdict", box=None)
    for one in found:
        promoted = str(one.promoted_at.date()) if one.promoted_at else "no"
        verdict = str(one.card.get("verdict", ""))
        table.add_row(one.version, str(one.trained_at.date()), promoted, str(one.lessons), verdict)
    if found:
        terminal.out.print(table)
    terminal.out.print(f"Deciding: {deciding.version if deciding else 'rules alone'}.", markup=False)


def recategorize(
    *,
    since: Day = None,
    until: Day = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="A version of `models`, or `shipped`."),
    ] = None,
) -> None:
    """Decide past transactions again, by a model of your choice; decisions that change stay as history.

    What a person said or taught goes before every model.

    Example: `bank-sync categories recategorize --since 2026-01-01 --until 2026-03-31 --model shipped`
    """
    from bank_sync.storage.categories import Span
    from bank_sync.sync import rescoring

    span = Span(since.date() if since else None, until.date() if until else None)
    if span.since and span.until and span.since > span.until:
        raise UsageMistake("--since must not be after --until.")
    with ready_services() as services:
        rescored = rescoring.recategorize(services, span, version=model)
    terminal.out.print(f"{rescored.rows} rows looked at, {rescored.changed} decided anew.")
