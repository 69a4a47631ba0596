"""Is adaptive cadence worth it? `python -m bank_sync_tests.proof.cadence [--links N] [--days N] [--seed N]`.

Belongs here: playing both policies over one truth for as many calls, and the report. Does not belong here:
the truth (`cadence_world`), the loop (`cadence_play`), the rules under test (`bank_sync.sync.cadence`).

The cron is given, provider by provider, at least the calls that the cadence used, retries and reads that
webhooks and people start included. Staleness is how long the oldest row that the provider already tells has
been missing: at moments spread evenly over the simulated time (each connection alike), and when people look
(which weighs it by their activity). Nothing is left out: all habits are learned from the first day on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from rich.console import Console
from rich.table import Table

from bank_sync.settings import Settings
from bank_sync_tests.proof.cadence_play import (
    Played,
    Policy,
    Reader,
    over_quota,
    play,
    play_on_all_cores,
    staleness,
)
from bank_sync_tests.proof.cadence_policies import Adaptive, FixedCron
from bank_sync_tests.proof.cadence_world import Link, draw_world

PROVIDERS = ("plaid", "teller", "gocardless")
BEFORE = {"plaid": 6.0, "teller": 6.0, "gocardless": 8 + 5 / 60}
"""The fixed hours between two reads that the cadence took the place of."""

PLOT = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "014-cadence.svg"
_REQUESTS = 5  # of one read: the list of accounts, then balances and transactions of each
_MOMENTS = 200  # looked at per connection
_CLOSE_ENOUGH = 0.002  # of the calls
_MOST_TRIES = 8

Play = Callable[[Sequence[Link], Policy, int], Played]
Moments = Callable[[Reader], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Hours of staleness."""

    mean: float
    p95: float


@dataclass(frozen=True, slots=True)
class Compared:
    """Both policies over one truth, and the cron as it was before, whatever it cost."""

    adaptive: Played
    cron: Played
    every_h: dict[str, float]
    before: Played


def compare(links: Sequence[Link], days: int, play: Play = play) -> Compared:
    """Play the cadence, then a cron that is given as many calls."""
    adaptive = play(links, Adaptive(), days)
    every_h = {provider: _as_many_calls(links, adaptive, provider, play) for provider in PROVIDERS}
    cron, before = (play(links, FixedCron(one), days) for one in (every_h, BEFORE))
    return Compared(adaptive, cron, every_h, before)


def _as_many_calls(links: Sequence[Link], adaptive: Played, provider: str, play: Play) -> float:
    """Hours between a cron's reads for as many calls as the cadence took of a provider, or a few more.

    Raises:
        AssertionError: every cron that was tried took fewer.
    """
    mine = [link for link in links if link.bank.provider == provider]
    target = adaptive.calls_of(provider)
    enough: list[tuple[int, float]] = []
    every_h = BEFORE[provider]
    for _ in range(_MOST_TRIES):
        cron = play(mine, FixedCron({provider: every_h}), adaptive.days)
        too_many = cron.calls_of(provider) - target
        if too_many >= 0:
            enough.append((too_many, every_h))
        if 0 <= too_many <= _CLOSE_ENOUGH * target:
            break
        scheduled = cron.calls[provider, "due"]
        every_h *= scheduled / max(1.0, scheduled - too_many + _CLOSE_ENOUGH / 2 * target)
    assert enough, f"no cron for {provider} takes as many calls"
    return min(enough)[1]


def evenly(days: int) -> Moments:
    """Moments spread over the time since a connection was linked, the same for each policy."""

    def drawn(reader: Reader) -> list[float]:
        random = Random(reader.link.connection_id)  # noqa: S311 - which moments, nothing secret
        first = reader.link.history_until_h
        return sorted(random.uniform(first, days * 24.0) for _ in range(_MOMENTS))

    return drawn


def at_looks(reader: Reader) -> list[float]:
    """When the connection's person looks."""
    return reader.link.looks


def figures(readers: Iterable[Reader], moments: Moments) -> Figures:
    """Mean and 95th percentile over all moments of all connections."""
    found = np.concatenate([staleness(reader, moments(reader)) for reader in readers])
    return Figures(float(found.mean()), float(np.percentile(found, 95)))


def of_provider(played: Played, provider: str | None) -> list[Reader]:
    """The connections of one provider, or all."""
    return [one for one in played.readers if provider in (None, one.link.bank.provider)]


def _print(compared: Compared, days: int, console: Console) -> None:
    table = Table(title="Hours of staleness, for as many calls", title_justify="left")
    for name in ("", "cron", "adaptive", "change", "cron p95", "adaptive p95", "change"):
        table.add_column(name, justify="right" if name else "left", no_wrap=not name)
    for provider in (*PROVIDERS, None):
        for row in _rows(compared, provider, days):
            table.add_row(*row)
        table.add_section()
    console.print(table)
    for name, played in (("cron", compared.cron), ("adaptive", compared.adaptive)):
        console.print(_limits(name, played), highlight=False)
    every = ", ".join(f"{name} {hours:.2f}" for name, hours in compared.every_h.items())
    console.print(f"The cron's hours between two reads: {every}.", highlight=False)
    console.print(_before(compared), highlight=False)


def _rows(compared: Compared, provider: str | None, days: int) -> Iterator[list[str]]:
    """The calls, and the figures at all times and when people look."""
    cron, adaptive = of_provider(compared.cron, provider), of_provider(compared.adaptive, provider)
    calls = [
        sum(played.calls_of(one) for one in PROVIDERS if provider in (None, one))
        for played in (compared.cron, compared.adaptive)
    ]
    name = f"{provider or 'all'} ({len(cron):,})"
    yield [f"[bold]{name}[/bold] calls", f"{calls[0]:,}", f"{calls[1]:,}", _change(*calls), "", "", ""]
    for label, moments in (("all the time", evenly(days)), ("when people look", at_looks)):
        was, now = figures(cron, moments), figures(adaptive, moments)
        row = [label]
        for before, after in ((was.mean, now.mean), (was.p95, now.p95)):
            row += [f"{before:.2f}", f"{after:.2f}", _change(before, after)]
        yield row


def _change(was: float, now: float) -> str:
    return f"{100 * (now / was - 1):+.1f} %" if was else ""


def _limits(name: str, played: Played) -> str:
    """Whether any limit was ever exceeded."""
    busiest = [
        f"{one} {max(count for (of, _), count in played.minutes.items() if of == one)}" for one in PROVIDERS
    ]
    return (
        f"{name}: {over_quota(played.readers)} reads over a bank's daily quota; {played.refused['press']} of "
        f"{sum(len(one.link.presses) for one in played.readers)} people who asked found no call left; "
        f"reads in the busiest minute: {', '.join(busiest)}."
    )


def _before(compared: Compared) -> str:
    took = [
        f"{sum(played.calls.values()):,} calls for {figures(played.readers, at_looks).mean:.2f} hours"
        for played in (compared.before, compared.adaptive)
    ]
    return (
        "When people look, the fixed rules before (every 6 hours, 8 for GoCardless) took "
        f"{took[0]} of staleness, the cadence {took[1]}."
    )


def over_limits(played: Played) -> int:
    """Daily quotas exceeded, and minutes with more requests than a provider's budget has."""
    budgets: dict[str, int] = {
        one: Settings.model_fields[f"{one}_requests_per_minute"].default for one in PROVIDERS
    }
    asked = ((provider, _REQUESTS * count) for (provider, _), count in played.minutes.items())
    return over_quota(played.readers) + sum(requests > budgets[provider] for provider, requests in asked)


def main() -> int:
    """Print the report and write the plot; 1 if adaptive is no better, or broke a limit."""
    parser = argparse.ArgumentParser(prog="python -m bank_sync_tests.proof.cadence", description=__doc__)
    parser.add_argument("--links", type=int, default=1_000, help="connections (1000)")
    parser.add_argument("--days", type=int, default=90, help="simulated days (90)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, default=PLOT, help="where to write the plot (.svg or .png)")
    asked = parser.parse_args()
    console = Console()
    links = draw_world(asked.seed, asked.links, asked.days)
    compared = compare(links, asked.days, play_on_all_cores)
    _print(compared, asked.days, console)
    from bank_sync_tests.proof.cadence_plot import draw

    draw(compared, asked.days, asked.plot)
    console.print(f"Plot: {asked.plot}", highlight=False, soft_wrap=True)
    was, now = (figures(one.readers, at_looks).mean for one in (compared.cron, compared.adaptive))
    return int(now >= was or over_limits(compared.adaptive) > 0)


if __name__ == "__main__":
    sys.exit(main())
