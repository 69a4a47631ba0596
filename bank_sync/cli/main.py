"""The `bank-sync` program: its commands, and nothing else.

Belongs here: wiring. Does not belong here: any command longer than a call.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from bank_sync.cli import (
    accounts,
    categories,
    connections,
    database,
    dev,
    history,
    keys,
    quarantine,
    recurring,
    replay,
    review,
    serving,
    syncing,
    transactions,
)
from bank_sync.cli.errors import CarefulGroup

app = typer.Typer(
    name="bank-sync",
    cls=CarefulGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Keeps a PostgreSQL warehouse in step with people's bank connections.\n\n"
    "New here? `bank-sync demo` connects three pretend banks and shows the result; "
    "`bank-sync dev` opens Dagster.",
)
keyring = typer.Typer(no_args_is_help=True, help="Keys that seal the banks' credentials.")
app.add_typer(database.app, name="db")
app.add_typer(categories.app, name="categories")
app.add_typer(connections.app, name="connections")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(review.app, name="review")
app.add_typer(transactions.app, name="transactions")
app.add_typer(keys.app, name="keys")
app.add_typer(keyring, name="keyring")
app.command()(connections.status)
app.command()(syncing.sync)
app.command()(accounts.accounts)
app.command()(history.history)
app.command()(recurring.recurring)
app.command()(replay.replay)
app.command()(serving.serve)
app.command()(serving.connect)
app.command()(dev.sandbox)
app.command()(dev.dev)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        print(f"bank-sync {version('bank-sync')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before any command."""


@app.command()
def demo() -> None:
    """Connect three pretend banks, sync them through Dagster, build the marts, show the result.

    Run it again: it continues where it was.
    """
    from bank_sync.cli.demo import run_demo
    from bank_sync.settings import load_settings

    raise typer.Exit(run_demo(load_settings()))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
def dbt(context: typer.Context) -> None:
    """Run dbt with the warehouse in its environment.

    Example: `bank-sync dbt -- build --select marts`
    """
    from bank_sync.cli.opening import ready_services
    from bank_sync.orchestration.dbt_environment import run_dbt

    with ready_services() as services:
        raise typer.Exit(run_dbt(services.settings, context.args))


@keyring.command("new")
def new_key(
    key_id: Annotated[str, typer.Option("--id", help="A short name that is not in the keyring yet.")] = "k1",
) -> None:
    """Print a fresh entry for BANK_SYNC_ENCRYPTION_KEYS.

    Example: `export BANK_SYNC_ENCRYPTION_KEYS="$(bank-sync keyring new)"`
    """
    from bank_sync.security.cipher import new_key_entry

    print(new_key_entry(key_id))


def main() -> None:
    """Run the program."""
    app()


if __name__ == "__main__":
    main()
