"""`bank-sync status` and `bank-sync connections`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.errors import UsageMistake
from bank_sync.cli.opening import ready_services
from bank_sync.domain.models import AccountReference
from bank_sync.services import Services
from bank_sync.storage.accounts import account_references
from bank_sync.storage.overview import (
    ConnectionOverview,
    accounts_of,
    newest_attempts,
    overview,
    resolve_connection,
)
from bank_sync.storage.quota import Standing
from bank_sync.sync.onboarding import settle_link

app = typer.Typer(no_args_is_help=True, help="See the bank connections.")

_WIDE = 130  # columns from which a table has room for whole ids
_VERY_WIDE = 180  # and for a sentence

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]

_EMPTY = (
    "No connections yet. Run `bank-sync demo` to see three pretend banks being connected, or see the README, "
    "'Use your own provider credentials'."
)


def status(as_json: AsJson = False) -> None:  # noqa: FBT002 - a command-line flag
    """Show each connection: state, accounts, transactions, last sync, next sync and why then.

    Examples: `bank-sync status`, `bank-sync status --json | jq '.[].state'`
    """
    with ready_services() as services:
        found = _all(services)
        if as_json:
            terminal.print_json(terminal.as_rows(found))
        elif not found:
            terminal.out.print(_EMPTY, soft_wrap=True)
        else:
            _print_status(services, found)


def _all(services: Services) -> list[ConnectionOverview]:
    with services.engine.connect() as db:
        return overview(db)


def _print_status(services: Services, found: list[ConnectionOverview]) -> None:
    columns = (
        "connection",
        "institution",
        "provider",
        "state",
        "accounts",
        "transactions",
        "last sync",
        "next sync",
    )
    has_room = terminal.out.width >= _VERY_WIDE
    table = terminal.table(None, *columns, *(["why then"] * has_room), right=("accounts", "transactions"))
    now = services.clock()
    for one in found:
        table.add_row(
            _short(one.connection_id),
            one.institution,
            one.provider,
            terminal.state(one.state),
            f"{one.accounts:,}",
            f"{one.transactions:,}",
            terminal.ago(one.last_synced_at, now),
            terminal.ago(one.next_sync_at, now),
            *([one.next_sync_reason or ""] * has_room),
        )
    terminal.out.print(table)
    for one in found:
        if one.next_sync_reason and not has_room:
            terminal.out.print(
                f"[bold]{_short(one.connection_id)}[/bold] {one.next_sync_reason}", highlight=False
            )
        if one.error_code:
            terminal.out.print(
                f"[red]{one.institution}[/red]: {one.error_code} ({one.error_recovery}); "
                f"see `bank-sync connections show {one.connection_id}`",
                highlight=False,
            )


def _short(connection_id: str) -> str:
    """The id as far as there is room for it."""
    return f"…{connection_id[-6:]}" if terminal.out.width < _WIDE else connection_id


@app.command("list")
def list_all(as_json: AsJson = False) -> None:  # noqa: FBT002 - a command-line flag
    """List all connections with their ids.

    Example: `bank-sync connections list`
    """
    with ready_services() as services:
        found = _all(services)
    if as_json:
        terminal.print_json(terminal.as_rows(found))
        return
    if not found:
        terminal.out.print(_EMPTY, soft_wrap=True)
        return
    table = terminal.table(None, "connection", "institution", "provider", "state")
    for one in found:
        table.add_row(one.connection_id, one.institution, one.provider, terminal.state(one.state))
    terminal.out.print(table)


@app.command("show")
def show(
    connection: Annotated[str, typer.Argument(help="Its id, or the start or end of it.")],
    as_json: AsJson = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Show one connection: accounts, balances, calls used of a daily quota, newest attempts to read it.

    Example: `bank-sync connections show conn_01kq`
    """
    with ready_services() as services, services.engine.connect() as db:
        connection_id = resolve_connection(db, connection)
        found = next(one for one in overview(db) if one.connection_id == connection_id)
        accounts, attempts = accounts_of(db, connection_id), newest_attempts(db, connection_id)
        calls = _calls_of_the_day(services, found.provider, account_references(db, connection_id))
        now = services.clock()
    if as_json:
        value = terminal.as_rows([found])[0]
        value["account_list"] = terminal.as_rows(accounts)
        value["attempts"] = terminal.as_rows(attempts)
        value["calls_of_the_day"] = terminal.as_rows(calls)
        terminal.print_json(value)
        return
    terminal.out.print(f"[bold]{found.institution}[/bold] ({found.provider})  {terminal.state(found.state)}")
    terminal.out.print(
        f"{found.connection_id}  last sync {terminal.ago(found.last_synced_at, now)}, "
        f"next {terminal.ago(found.next_sync_at, now)}",
        highlight=False,
    )
    if found.next_sync_reason:
        terminal.out.print(found.next_sync_reason, highlight=False)
    table = terminal.table(
        "Accounts", "account", "number", "type", "current", "transactions", right=("current",)
    )
    for account in accounts:
        balance = "unknown" if account.current is None else f"{account.current:,.2f} {account.currency}"
        number = f"…{account.mask}" if account.mask else ""
        kind = account.subtype or account.type
        table.add_row(account.name, number, kind, balance, f"{account.transactions:,}")
    terminal.out.print(table)
    if calls:
        _print_calls(calls, now)
    table = terminal.table("Newest attempts", "part", "outcome", "error", "finished", "Dagster run")
    for attempt in attempts:
        table.add_row(
            attempt.part,
            terminal.state(attempt.outcome),
            attempt.error_code or "",
            terminal.ago(attempt.finished_at, now),
            (attempt.run_id or "")[:8],
        )
    terminal.out.print(table)


def _calls_of_the_day(
    services: Services, provider: str, accounts: Sequence[AccountReference]
) -> list[Standing]:
    """What the connection has used of daily quotas; nothing where its provider has none."""
    if services.quota is None:
        return []
    names = [account.provider_account_id for account in accounts]
    return [one for one in services.quota.standings(provider, names) if one.used]


def _print_calls(calls: Sequence[Standing], now: datetime) -> None:
    """Per scope, the account that has used most: that is when the next sync can be whole again."""
    table = terminal.table("Calls of the day", "scope", "used", "next by schedule", "next by you")
    for scope in sorted({one.scope for one in calls}):
        most = max((one for one in calls if one.scope == scope), key=lambda one: one.schedule_at)
        schedule, person = (
            "now" if at <= now else terminal.ago(at, now) for at in (most.schedule_at, most.person_at)
        )
        table.add_row(scope, f"{most.used} of {most.calls_per_day}", schedule, person)
    terminal.out.print(table)


@app.command()
def settle(
    connection_id: Annotated[str, typer.Argument(help="The new link, as its message named it.")],
    renews: Annotated[str | None, typer.Option(help="The connection it renews.")] = None,
    separate: Annotated[bool, typer.Option("--separate", help="It is a connection of its own.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Say what a new link is that shares accounts with a stored connection.

    Such a link is stored but not synced: taking it for a new connection would double the rows, taking it for
    the old one might mix two people's accounts.

    Example: `bank-sync connections settle conn_01k... --separate`
    """
    if (renews is None) is not separate:
        raise UsageMistake("Say either --renews ID or --separate.")
    with ready_services() as services:
        settled = settle_link(services, connection_id, renews=renews, by="operator")
    terminal.out.print(f"Settled: {settled} is synced with the next refresh.")
