"""The demo's last page: what came of it, and what to do next.

Belongs here: printing figures that are already known. Does not belong here: where they come from
(`demo_figures`), and deciding whether the demo went well.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bank_sync.cli.demo_figures import (
    CategoryCount,
    ConnectionResult,
    DemoResult,
)
from bank_sync.cli.demo_progress import Timing
from bank_sync.cli.demo_sample import SAMPLE_QUERY, SampleResult
from bank_sync.domain.money import exact_amount

_TOP_CATEGORIES = 10


def print_report(console: Console, result: DemoResult, timings: Sequence[Timing], log: Path) -> None:
    """Print the whole report; `log` holds what Dagster and dbt said."""
    _print_connections(console, result.connections)
    _print_failures(console, result.connections)
    _print_categories(console, result.categories)
    _print_checks(console, result)
    _print_messages(console, result)
    _print_sample(console, result.sample)
    _print_timings(console, timings)
    _print_next(console, result, log)


def _print_connections(console: Console, results: Sequence[ConnectionResult]) -> None:
    table = Table(title="Connections", title_justify="left")
    for heading in ("provider", "institution", "sync"):
        table.add_column(heading)
    for heading in ("accounts", "transactions", "new", "current balance"):
        table.add_column(heading, justify="right")
    for each in results:
        table.add_row(
            each.connection.provider,
            escape(each.connection.institution_name),
            "[green]succeeded[/]" if each.run.succeeded else "[red]failed[/]",
            f"{each.holdings.accounts}",
            f"{each.holdings.live_transactions:,}",
            f"{each.added.transactions:,}",
            "\n".join(money(amount, currency) for currency, amount in each.holdings.balances) or "-",
        )
    console.print()
    console.print(table)
    added = sum(each.added.total for each in results)
    _line(console, f"{added:,} new rows in this run (transactions, balances and categories together).")


def _print_failures(console: Console, results: Sequence[ConnectionResult]) -> None:
    for each in results:
        if not each.run.succeeded:
            reason = each.run.error or "The run failed; open it in Dagster to see why."
            _line(console, f"[red]{each.connection.provider} failed:[/] {escape(reason)}")


def _print_categories(console: Console, counts: Sequence[CategoryCount]) -> None:
    known = [each for each in counts if each.category_primary is not None]
    total = sum(each.transactions for each in counts)
    unsure = total - sum(each.transactions for each in known)
    table = Table(title="Categories", title_justify="left")
    table.add_column("category")
    table.add_column("transactions", justify="right")
    for each in known[:_TOP_CATEGORIES]:
        table.add_row(each.category_primary, f"{each.transactions:,}")
    if len(known) > _TOP_CATEGORIES:
        others = sum(each.transactions for each in known[_TOP_CATEGORIES:])
        table.add_row(f"{len(known) - _TOP_CATEGORIES} others", f"{others:,}")
    console.print()
    console.print(table)
    share = unsure / total if total else 0.0
    _line(console, f"{unsure:,} of {total:,} were left open: nothing was sure enough ({share:.1%}).")


def _print_checks(console: Console, result: DemoResult) -> None:
    checks = [(each.connection, check) for each in result.connections for check in each.run.checks]
    passed = sum(check.passed for _, check in checks)
    _heading(console, "Checks")
    _line(console, f"{passed} of {len(checks)} checks passed on the way from the bank to the ledger.")
    for connection, check in checks:
        if not check.passed:
            what = escape(f"{check.name} of {check.asset} ({check.severity})")
            _line(console, f"[yellow]not passed:[/] {what}, {connection.provider}")
    marts = result.marts
    tests = f"{marts.tests_passed} dbt tests passed, {marts.tests_failed} failed"
    _line(console, f"{marts.models} dbt models built; {tests}.")


def _print_messages(console: Console, result: DemoResult) -> None:
    _heading(console, f"Notifications ({result.message_count})")
    for message in result.messages:
        _line(console, f"• {escape(message)}")
    hidden = result.message_count - len(result.messages)
    if hidden > 0:
        _line(console, f"[dim]… and {hidden} earlier[/]")


def _print_sample(console: Console, sample: SampleResult | None) -> None:
    _heading(console, "Spending by category, last 90 days")
    _line(console, f"[cyan]{escape(SAMPLE_QUERY)}[/]")
    if sample is None:
        _line(console, "[yellow]No result: the models were not built in full.[/]")
        return
    table = Table()
    for column in sample.columns:
        table.add_column(column, justify="right" if column in {"payments", "spent"} else "left")
    at = sample.columns.index("currency")
    for row in sample.rows:
        table.add_row(*(_cell(value, str(row[at])) for value in row))
    console.print(table)
    _line(console, f"[dim]asked as {sample.role}[/]")


def _print_timings(console: Console, timings: Sequence[Timing]) -> None:
    _heading(console, "Time")
    width = max(len(each.title) for each in timings)
    for each in timings:
        _line(console, f"{escape(each.title):<{width}}  {each.seconds:6.1f} s")
    _line(console, f"{'together':<{width}}  {sum(each.seconds for each in timings):6.1f} s")


def _print_next(console: Console, result: DemoResult, log: Path) -> None:
    _heading(console, "What next")
    _line(console, "• [bold]make dev[/] opens Dagster at http://127.0.0.1:3000, with these runs and assets.")
    _line(console, "• [bold]bank-sync db url --role analyst[/] prints where to point psql or a BI tool.")
    _line(
        console,
        "  Schemas: [bold]analytics[/] (start with fct_transactions, fct_daily_balances, dim_accounts),",
    )
    _line(console, "  bank (the ledger) and raw (what the banks said), both for the owner alone.")
    _line(console, "• Run the demo again: what has not changed at the banks adds no row.")
    _line(console, f"• What Dagster and dbt said in this run is in {escape(str(log))}.")
    if result.embedded:
        _line(console, "• The database server keeps running; [bold]bank-sync db stop[/] stops it.")


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _line(console: Console, markup: str) -> None:
    console.print(markup, highlight=False, soft_wrap=True)


def _cell(value: object, currency: str) -> str:
    return money(value, currency) if isinstance(value, Decimal) else escape(str(value))


def money(amount: Decimal, currency: str) -> str:
    """An amount for people, with at least the decimals of its currency and never rounded."""
    return f"{exact_amount(amount, currency):,f} {currency}"
