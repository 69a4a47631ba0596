"""`bank-sync categories rules`: a person's own rules.

Belongs here: reading options and printing. Does not belong here: what a rule means (`sync.teaching`).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.cli.transactions import split_category

app = typer.Typer(no_args_is_help=True, help="A person's own rules: only a correction goes before them.")
Person = Annotated[str, typer.Option("--person", help="Your application's reference of the person.")]


@app.command()
def add(
    category: Annotated[
        str, typer.Argument(metavar="CATEGORY", help="Like FOOD_AND_DRINK_COFFEE or FOOD_AND_DRINK.")
    ],
    *,
    person: Person,
    merchant: Annotated[str | None, typer.Option("--merchant", help="Its name, or a bank's text.")] = None,
    words: Annotated[str | None, typer.Option("--words", help="Whole words, in any order.")] = None,
    money_in: Annotated[
        bool | None, typer.Option("--in/--out", help="Only money in, or only money out.")
    ] = None,
    at_least: Annotated[
        str | None, typer.Option("--at-least", help="Smallest amount, without a sign.")
    ] = None,
    at_most: Annotated[str | None, typer.Option("--at-most", help="Largest amount, without a sign.")] = None,
) -> None:
    """Make a rule and apply it at once to all of the person's transactions, and to nobody else's.

    A correction of one transaction goes before it; of two rules that fit, the newer one decides.

    Example: `bank-sync categories rules add RENT_AND_UTILITIES_RENT --person ada --words "van dijk" --out`
    """
    from bank_sync.storage.category_rules import Rule
    from bank_sync.sync import rules

    primary, detailed = split_category(category)
    if primary is None:
        raise UsageMistake("Give a category.")
    low, high = _amount(at_least), _amount(at_most)
    if low is not None and high is not None and low > high:
        raise UsageMistake("--at-least must not be above --at-most.")
    asked = (rules.merchant_key(merchant), rules.plain(words), money_in, low, high)
    rule = Rule(*asked, primary, detailed)
    with ready_services() as services:
        number, rescored = rules.add(services, person, rule)
    terminal.out.print(f"Rule {number}: kept; {rescored.changed} of {rescored.rows} rows changed.")


@app.command("list")
def list_rules(
    *, person: Annotated[str | None, typer.Option("--person", help="Of this person only.")] = None
) -> None:
    """List rules, the newest first: the order in which they decide.

    Example: `bank-sync categories rules list --person ada`
    """
    from rich.table import Table

    from bank_sync.storage import category_rules
    from bank_sync.sync.teaching import in_words

    with ready_services() as services, services.engine.connect() as db:
        found = category_rules.living_rules(db, person)
    table = Table("rule", "person", "category", "where", box=None)
    for own in found:
        category = own.rule.category_detailed or own.rule.category_primary
        table.add_row(str(own.rule_id), own.external_reference, category, in_words(own.rule))
    whose = f" of a person {person!r}" if person else ""
    terminal.out.print(table if found else f"There are no rules{whose}.", markup=False)


@app.command()
def remove(rule_id: Annotated[int, typer.Argument(metavar="RULE", help="The number of the rule.")]) -> None:
    """Remove a rule; the person's transactions are decided again without it.

    Example: `bank-sync categories rules remove 12`
    """
    from bank_sync.sync import rules

    with ready_services() as services:
        rescored = rules.remove(services, rule_id)
    terminal.out.print(f"Rule {rule_id}: removed; {rescored.changed} of {rescored.rows} rows changed.")


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise UsageMistake("An amount is a number without a sign, like 12.50.")
    return amount
