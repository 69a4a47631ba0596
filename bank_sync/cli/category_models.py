"""`bank-sync categories models`, `retrain` and `recategorize`: which models there are, and what they decide.

Belongs here: reading options and printing. Does not belong here: which model decides (`sync.champion`), the
job that trains (`orchestration.category_model`).
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="By booking date, included.")]


def models() -> None:
    """List the models trained here, with the verdict on each, and say which one decides.

    Two are kept as files: the one that decides and the one before it; `recategorize --model` can name those.

    Example: `bank-sync categories models`
    """
    from rich.table import Table

    from bank_sync.storage import category_models
    from bank_sync.sync import champion

    with ready_services() as services, services.engine.connect() as db:
        found = category_models.models(db)
        deciding = champion.deciding(services, db)
        kept = {one.version for one in found if champion.is_kept(services, one.version)}
    table = Table("model", "trained", "promoted", "file", "lessons", "verdict", box=None)
    for one in found:
        promoted = str(one.promoted_at.date()) if one.promoted_at else "no"
        file = "kept" if one.version in kept else "deleted"
        verdict = str(one.card.get("verdict", ""))
        table.add_row(one.version, str(one.trained_at.date()), promoted, file, str(one.lessons), verdict)
    terminal.out.print(table if found else "No model was trained here yet.")
    terminal.out.print(f"Deciding: {deciding.version if deciding else 'rules alone'}.", markup=False)


def retrain() -> None:
    """Train a model from what people taught and judge it beside the one that decides, as is done weekly.

    Only what many people teach alike and a person accepted (`bank-sync categories candidates`) is learnt, and
    only a model that is better on people who taught none of it takes over. It is the Dagster job
    `retrain_categories`, run here; in its UI the asset `category_model` shows the model's card with pictures.
    Takes about half a minute where there is something new to learn.

    Example: `bank-sync categories retrain`
    """
    with ready_services() as services, terminal.err.status("Training and judging …"):
        logging.disable(logging.ERROR)  # the run's log is in the Dagster UI; here it would bury the answer
        from bank_sync.orchestration import launch

        with launch.open_instance(services.settings) as instance:
            report = launch.retrain_categories(instance)
    if report.error:
        terminal.err.print(report.error, markup=False, soft_wrap=True)
        raise typer.Exit(1)
    told = report.told
    _tell(str(told["verdict"]))
    _tell(
        f"Lessons learnt: {told['lessons']}. Candidates that wait for a verdict: "
        f"{told['candidates_waiting']} (`bank-sync categories candidates list`)."
    )
    for check in report.checks:
        _tell(f"Check {check.name}: {'passed' if check.passed else 'look at it in the Dagster UI'}.")
    _tell(f"Run {report.run_id[:8]}; the card is at the asset category_model (`bank-sync dev`).")


def _tell(sentence: str) -> None:
    terminal.out.print(sentence, markup=False, highlight=False, soft_wrap=True)


def recategorize(
    *,
    since: Day = None,
    until: Day = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="A kept one of `models`, or `shipped`."),
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
