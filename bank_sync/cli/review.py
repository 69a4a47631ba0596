"""`bank-sync review`: what the rules left to a person.

Belongs here: showing pairs and held rounds, and handing verdicts on. Does not belong here: what a verdict
does (`storage.reviews`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.storage import review_list, reviews
from bank_sync.storage.database import transaction
from bank_sync.storage.review_list import HeldRound, Review, Side
from bank_sync.sync import project

app = typer.Typer(
    no_args_is_help=True,
    help="Decide what the rules left open: which transactions belong together, which rounds to let "
    "through.\n\nA rule joins two transactions only where there is no choice. Everything else waits here. "
    "Every verdict is kept with its reasons and can be undone.",
)


class Kind(StrEnum):
    """Ways of belonging together."""

    PENDING_POSTED = "pending_posted"
    SPLIT_PART = "split_part"
    DUPLICATE = "duplicate"
    TRANSFER = "transfer"


class State(StrEnum):
    """What can be listed."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNDONE = "undone"


_MEANING = {
    "pending_posted": "posted as",
    "split_part": "is part of",
    "duplicate": "repeats",
    "transfer": "moved to",
}

Links = Annotated[list[int], typer.Argument(help="Numbers from `bank-sync review list`.")]
By = Annotated[str, typer.Option("--by", help="Who decides; kept with the verdict.")]
AllAlike = Annotated[
    bool,
    typer.Option("--all-alike", help="Also all proposals of the same kind between the same two accounts."),
]


@app.command("list")
def list_all(
    *,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only pairs of this kind.")] = None,
    state: Annotated[State, typer.Option("--state", help="What to list.")] = State.PROPOSED,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many pairs.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List pairs that wait for a verdict, and rounds held back because they remove nearly everything.

    Examples: `bank-sync review list`, `bank-sync review list --kind transfer --state accepted`
    """
    with ready_services() as services, services.engine.connect() as db:
        found = review_list.list_links(db, state=state, kind=kind, limit=limit)
        held = review_list.held_rounds(db)
    if as_json:
        terminal.print_json({"links": terminal.as_rows(found), "held_rounds": terminal.as_rows(held)})
        return
    if not found and not held:
        terminal.out.print("Nothing waits for a verdict.")
    if found:
        _print_links(found)
    if held:
        _print_rounds(held)


def _print_links(found: list[Review]) -> None:
    columns = ("link", "what", "first", "second", "why", "score")
    table = terminal.table(None, *columns, right=("link", "score"))
    for one in found:
        table.add_row(
            str(one.link_id),
            _MEANING.get(one.kind, one.kind),
            _side(one.first),
            _side(one.second),
            _why(one),
            f"{one.score:.2f}",
        )
    terminal.out.print(table)


def _side(side: Side) -> str:
    """`2026-03-01  -12.00 EUR  pending` and below it account and text, safe from markup."""
    amount = f"{side.amount:,.2f} {side.currency}"
    words = f"{side.account}: {side.description[:60]}".replace("[", "\\[")
    return f"{side.booked_on}  {amount}  {side.posting}\n[dim]{words}[/dim]"


def _why(one: Review) -> str:
    """The reasons that are worth a word; figures of no weight are left to `--json`."""
    said = [one.decided_by]
    for name, value in one.evidence.items():
        if value is True:
            said.append(name.replace("_", " "))
        elif name in {"ratio", "candidates", "days_apart"} and value is not None:
            said.append(f"{name.replace('_', ' ')} {value}")
    return "\n".join(said)


def _print_rounds(held: list[HeldRound]) -> None:
    table = terminal.table(
        "Rounds held back", "round", "institution", "connection", "reason", right=("round",)
    )
    for one in held:
        table.add_row(str(one.round_id), one.institution, one.connection_id, one.reason)
    terminal.out.print(table)
    terminal.out.print("Let one through with `bank-sync review release ROUND`.")


@app.command()
def accept(links: Links, *, by: By = "operator", all_alike: AllAlike = False) -> None:
    """Join pairs: the replaced row no longer counts, its notes and category show on the other one.

    Examples: `bank-sync review accept 12 15`, `bank-sync review accept 12 --all-alike`
    """
    _decide(reviews.accept_link, links, by=by, all_alike=all_alike, done="Joined")


@app.command()
def reject(links: Links, *, by: By = "operator", all_alike: AllAlike = False) -> None:
    """Refuse pairs: no rule proposes or joins them again.

    Example: `bank-sync review reject 12`
    """
    _decide(reviews.reject_link, links, by=by, all_alike=all_alike, done="Refused")


@app.command()
def undo(links: Links, *, by: By = "operator") -> None:
    """Take verdicts back, a rule's or a person's: both transactions stand as before.

    Example: `bank-sync review undo 12`. See `bank-sync review list --state accepted`.
    """
    _decide(reviews.undo_link, links, by=by, all_alike=False, done="Undone")


@app.command()
def release(
    round_id: Annotated[int, typer.Argument(metavar="ROUND", help="Number from `bank-sync review list`.")],
    *,
    by: By = "operator",
) -> None:
    """Let a held round through: what the bank no longer shows is removed from the ledger, as it says.

    Example: `bank-sync review release 481`
    """
    with ready_services() as services:
        connection_id = project.release_round(services, round_id, by=f"user:{by}")
        done = project.project_transactions(services, connection_id)
        project.link_transactions(services, connection_id)
    terminal.out.print(f"Round {round_id} is let through: {done.removed:,} transactions removed.")


def _decide(verdict: Callable[..., None], links: list[int], *, by: str, all_alike: bool, done: str) -> None:
    with ready_services() as services, transaction(services.engine) as db:
        chosen = sorted({*links, *reviews.same_pair_of_accounts(db, links)}) if all_alike else links
        for link_id in chosen:
            verdict(db, link_id, by=by, now=services.clock())
    noun = "link" if len(chosen) == 1 else "links"
    terminal.out.print(f"{done}: {len(chosen)} {noun}.")
