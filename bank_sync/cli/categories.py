"""`bank-sync categories`: why a row has its category, correcting it, and making and measuring the model.

Belongs here: reading options and printing; rules, candidates and models have modules of their own beside
this one. Does not belong here: what a correction does
(`sync.corrections`), how the model is made (`categorization.training`) or judged
(`categorization.evaluation`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bank_sync.cli import category_candidates, category_models, category_rules, terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.cli.transactions import split_category

app = typer.Typer(
    no_args_is_help=True,
    help="Why a transaction has its category, correcting it, and the model behind it.\n\n"
    "A correction or a rule counts at once, for its person alone. What many people teach alike becomes a "
    "candidate; what is accepted of it, `retrain` learns.",
)
Transaction = Annotated[
    str,
    typer.Argument(
        metavar="TRANSACTION",
        help="Our id of the transaction, like those of `review` or of analytics.fct_transactions.",
    ),
]
_WHOLE = {"date": 10, "nearest guess": 18, "transaction": 30}
_DEVELOPMENT = Path("../shared/categorization/dev_set.jsonl")


@app.command()
def explain(transaction_id: Transaction) -> None:
    """Say in one sentence why a transaction has its category.

    Example: `bank-sync categories explain txn_01`
    """
    from bank_sync.sync import corrections

    with ready_services() as services, services.engine.connect() as db:
        terminal.out.print(corrections.explain(db, transaction_id), markup=False, soft_wrap=True)


@app.command()
def correct(
    transaction_id: Transaction,
    category: Annotated[
        str, typer.Argument(metavar="CATEGORY", help="Like FOOD_AND_DRINK_COFFEE or FOOD_AND_DRINK.")
    ],
) -> None:
    """Correct a category; the same person's rows with that merchant, in that direction, follow at once.

    Nobody else's rows change.

    Example: `bank-sync categories correct txn_01 FOOD_AND_DRINK_COFFEE`
    """
    from bank_sync.sync import corrections

    primary, detailed = split_category(category)
    if primary is None:
        raise UsageMistake("Give a category; `bank-sync transactions edit ID --category ''` takes one back.")
    with ready_services() as services:
        rows = corrections.correct(services, transaction_id, primary, detailed)
    terminal.out.print(
        f"{detailed or primary}: kept, and applied to {rows} of this person's rows.", markup=False
    )


@app.command()
def review(
    *, limit: Annotated[int, typer.Option("--limit", min=1, help="How many, the largest amounts first.")] = 20
) -> None:
    """List rows that nothing was sure enough about, with the nearest guess.

    Example: `bank-sync categories review --limit 50`
    """
    from rich.table import Table

    from bank_sync.storage import category_memory

    with ready_services() as services, services.engine.connect() as db:
        rows = category_memory.waiting(db, limit=limit)
    table = Table(box=None)
    for name in ("date", "what", "nearest guess", "sure", "transaction"):
        whole = _WHOLE.get(name)  # what is typed on must not be cut off
        table.add_column(name, no_wrap=whole is not None, min_width=whole)
    for row in rows:
        table.add_row(
            str(row.booked_on),
            f"{row.merchant_name or ''}\n{row.amount:.2f} {row.currency}",
            row.suggested_primary or "none",
            f"{row.confidence:.0%}",
            row.transaction_id,
        )
    terminal.out.print(table if rows else "Nothing needs a look.")
    if rows:
        terminal.out.print(
            "Correct one with `bank-sync categories correct TRANSACTION CATEGORY`.", markup=False
        )


@app.command()
def train(
    *,
    output: Annotated[
        Path | None, typer.Option("--output", help="Where to write it; the shipped model where not given.")
    ] = None,
) -> None:
    """Train the shipped model anew after a change of its lists; the same lists give the same bytes.

    What people taught is no part of it: `bank-sync categories retrain` learns from that.

    Example: `bank-sync categories train --output /tmp/model.npz`
    """
    from bank_sync.categorization.model import ARTEFACT
    from bank_sync.categorization.training.fit import train as fit

    path = output or ARTEFACT
    rows = fit(path)
    terminal.out.print(f"Learnt from {rows:,} rows; the model is in {path}.", markup=False, soft_wrap=True)


@app.command()
def evaluate(
    *,
    rows: Annotated[
        Path | None,
        typer.Option(
            "--rows",
            exists=True,
            dir_okay=False,
            help="Labelled rows, one JSON object a line; the project's own sets where not given.",
        ),
    ] = None,
    stream: Annotated[
        Path | None,
        typer.Option(
            "--stream",
            exists=True,
            dir_okay=False,
            help="One person's labelled rows in date order, replayed with corrections instead.",
        ),
    ] = None,
    plots: Annotated[Path | None, typer.Option("--plots", help="Folder for the plots.")] = None,
) -> None:
    """Measure categories, merchants and speed against simple baselines.

    Takes the development rows beside the project where they are, and the project's own sets of six languages.

    Example: `bank-sync categories evaluate --plots /tmp/plots`
    """
    from bank_sync.categorization.evaluation import report, sets

    if stream:
        _tell(report.stream_report(sets.from_file(stream)))
        return
    for path in [rows] if rows else [_DEVELOPMENT] if _DEVELOPMENT.exists() else []:
        _tell(report.report(sets.from_file(path)))
        if plots:
            _tell("\n".join(str(plot) for plot in report.draw(sets.from_file(path), plots)))
    if rows is None:
        _tell(report.report(sets.own()))


def _tell(text: str) -> None:
    terminal.out.print(text, markup=False, highlight=False, soft_wrap=True)


app.command()(category_models.recategorize)
app.add_typer(category_rules.app, name="rules")
app.add_typer(category_candidates.app, name="candidates")
app.command()(category_models.models)
app.command()(category_models.retrain)
