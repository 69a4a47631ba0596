"""`bank-sync people`: what concerns a person as a whole."""

from __future__ import annotations

from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.domain.errors import NotFound
from bank_sync.storage import owned
from bank_sync.storage.database import transaction
from bank_sync.sync.erasing import erase_person, finish_erasures

app = typer.Typer(no_args_is_help=True, help="What concerns a person as a whole.")


@app.callback()
def _people() -> None:
    """What concerns a person as a whole."""


@app.command()
def erase(
    person: Annotated[str, typer.Argument(help="Your reference of the person.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Forget a person: revoke the links at the providers, then delete every row. There is no way back.

    Example: `bank-sync people erase customer-4711`
    """
    with ready_services() as services:
        with transaction(services.engine) as db:
            user_id = owned.find_user(db, person)
        if user_id is None:
            raise NotFound("There is no such person. `bank-sync connections list` shows what is connected.")
        if not yes:
            typer.confirm("Delete everything of this person, for good?", abort=True)
        ended = erase_person(services, user_id, by="operator")
        waiting = finish_erasures(services).waiting
    terminal.out.print(f"Forgotten; {ended} connections ended.")
    if waiting:
        terminal.out.print("A sync is under way: the daemon deletes the rest as soon as it ends.")
