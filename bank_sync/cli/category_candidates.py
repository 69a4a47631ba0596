"""`bank-sync categories candidates`: what many people teach alike, for a person to let through or not.

Belongs here: reading options and printing. Does not belong here: when people agree (`storage.lessons`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services

app = typer.Typer(no_args_is_help=True, help="What many people teach alike: may the model learn it?")
Number = Annotated[int, typer.Argument(metavar="CANDIDATE", help="The number of the candidate.")]
By = Annotated[str, typer.Option("--by", help="Who decides; kept with the verdict.")]


class State(StrEnum):
    """What can be listed."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@app.command("list")
def list_candidates(
    *,
    state: Annotated[State, typer.Option("--state", help="Which verdict they have.")] = State.WAITING,
) -> None:
    """Look for merchants that enough people put into the same category, and list what waits for a verdict.

    Example: `bank-sync categories candidates list --state accepted`
    """
    from rich.table import Table

    from bank_sync.storage import lessons
    from bank_sync.storage.database import transaction

    with ready_services() as services, transaction(services.engine) as db:
        lessons.find_candidates(db, now=services.clock())
        found = lessons.candidates(db, state)
    table = Table("candidate", "merchant", "money", "category", "agreeing", box=None)
    for one in found:
        category = one.category_detailed or one.category_primary
        direction = "in" if one.money_in else "out"
        agreeing = f"{one.agreeing} of {one.people} people"
        table.add_row(str(one.candidate_id), one.merchant_key, direction, category, agreeing)
    terminal.out.print(table if found else f"No candidate is {state}.")


@app.command()
def accept(candidate: Number, *, by: By) -> None:
    """Let the next model learn it; nothing changes before that model proves better.

    Example: `bank-sync categories candidates accept 3 --by ada`
    """
    _decide(candidate, "accepted", by)


@app.command()
def refuse(candidate: Number, *, by: By) -> None:
    """Keep the model from learning it; the people keep what they taught for themselves.

    Example: `bank-sync categories candidates refuse 3 --by ada`
    """
    _decide(candidate, "refused", by)


def _decide(candidate: int, state: str, by: str) -> None:
    from bank_sync.storage import lessons
    from bank_sync.storage.database import transaction

    with ready_services() as services, transaction(services.engine) as db:
        lessons.decide_candidate(db, candidate, state, by=by, now=services.clock())
    terminal.out.print(f"Candidate {candidate}: {state}.")
