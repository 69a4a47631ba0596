"""`bank-sync transactions`: a person's own words about a transaction.

Belongs here: reading options and handing edits on. Does not belong here: what an edit does
(`storage.overlays`).
"""

from __future__ import annotations

from typing import Annotated

import typer

from bank_sync.categorization.taxonomy import PRIMARIES, primary_of
from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.storage import overlays
from bank_sync.storage.database import transaction

app = typer.Typer(no_args_is_help=True, help="Edit transactions; no sync changes an edit.")


@app.command()
def edit(
    transaction_id: Annotated[str, typer.Argument(metavar="ID", help="Our id of the transaction.")],
    *,
    category: Annotated[
        str | None, typer.Option("--category", help="Like FOOD_AND_DRINK_COFFEE; '' takes it back.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="A note; '' takes it away.")] = None,
    hide: Annotated[
        bool | None,
        typer.Option(
            "--hide/--show", help="Leave it out of analyses and messages for good, or show it again."
        ),
    ] = None,
) -> None:
    """Set what its owner says about a transaction: it goes before all rules and survives every sync.

    A pending transaction hands its edits on to the posted one that replaces it.

    Examples: `bank-sync transactions edit txn_01 --category FOOD_AND_DRINK_COFFEE --note "with Ada"`,
    `bank-sync transactions edit txn_01 --hide`
    """
    if category is None and note is None and hide is None:
        raise UsageMistake("Give --category, --note, --hide or --show.")
    primary, detailed = split_category(category)
    with ready_services() as services, transaction(services.engine) as db:
        owner, now = overlays.owner_of(db, transaction_id), services.clock()
        if category is not None:
            overlays.set_category(db, transaction_id, primary, detailed, user_reference=owner, now=now)
        if note is not None:
            overlays.set_note(db, transaction_id, note, user_reference=owner, now=now)
        if hide is not None:
            change = overlays.hide if hide else overlays.unhide
            change(db, transaction_id, user_reference=owner, now=now)
        shown = overlays.effective_overlays(db, [transaction_id])[transaction_id]
    words = shown.category_detailed or shown.category_primary or "by rule"
    terminal.out.print(
        f"category: {words}, note: {shown.note or 'none'}, hidden: {shown.is_hidden}", markup=False
    )


def split_category(category: str | None) -> tuple[str | None, str | None]:
    """Primary and detailed code; an unknown word is a mistake, since analyses group by these codes."""
    if not category:
        return None, None
    word = category.strip().upper()
    if word in PRIMARIES:
        return word, None
    primary = primary_of(word)
    if primary is None:
        raise UsageMistake(
            f"There is no category {word!r}. Known are {', '.join(sorted(PRIMARIES))} and their details, "
            "like FOOD_AND_DRINK_COFFEE."
        )
    return primary, word
