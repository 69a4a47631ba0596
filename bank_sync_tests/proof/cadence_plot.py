"""The plot of `bank_sync_tests.proof.cadence`.

Belongs here: drawing. Does not belong here: any figure of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bank_sync_tests.proof.cadence import PROVIDERS, Compared, at_looks, evenly, figures, of_provider
from bank_sync_tests.proof.cadence_play import Reader, staleness

_COLOURS = {"cron": "#9a9a9a", "adaptive": "#1b6ca8"}
_WEEK_H = 7 * 24.0


def draw(compared: Compared, days: int, path: Path) -> None:
    """Three panels: how stale people see it, week by week, and by provider."""
    mpl.rcParams["svg.hashsalt"] = "cadence"  # the same figures give the same bytes
    played = {"cron": compared.cron.readers, "adaptive": compared.adaptive.readers}
    figure = Figure(figsize=(13, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_shares(left, played)
    _draw_weeks(middle, played, days)
    _draw_providers(right, compared, days)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_shares(axes: Axes, played: dict[str, list[Reader]]) -> None:
    hours = np.linspace(0, 12, 200)
    for name, readers in played.items():
        seen = np.sort(np.concatenate([staleness(one, one.link.looks) for one in readers]))
        later = 1 - np.searchsorted(seen, hours, side="right") / len(seen)
        axes.plot(hours, 100 * later, label=name, color=_COLOURS[name])
    axes.set(title="Looks at figures older than …", xlabel="hours", ylabel="% of looks", ylim=(0, None))
    axes.legend()


def _draw_weeks(axes: Axes, played: dict[str, list[Reader]], days: int) -> None:
    weeks = range(int(days * 24 // _WEEK_H))
    for name, readers in played.items():
        means = [_mean_in_week(readers, week) for week in weeks]
        axes.plot([week + 1 for week in weeks], means, marker="o", label=name, color=_COLOURS[name])
    axes.set(
        title="Staleness when people look, as habits are learned",
        xlabel="week",
        ylabel="hours, mean",
        ylim=(0, None),
    )
    axes.legend()


def _mean_in_week(readers: Sequence[Reader], week: int) -> float:
    first = week * _WEEK_H
    seen = [
        staleness(one, [look for look in one.link.looks if first <= look < first + _WEEK_H])
        for one in readers
    ]
    return float(np.concatenate(seen).mean())


def _draw_providers(axes: Axes, compared: Compared, days: int) -> None:
    groups = [(provider, moments) for provider in PROVIDERS for moments in ("looks", "always")]
    places = np.arange(len(groups))
    for offset, name in ((-0.2, "cron"), (0.2, "adaptive")):
        readers = compared.cron if name == "cron" else compared.adaptive
        means = [
            figures(of_provider(readers, provider), at_looks if moments == "looks" else evenly(days)).mean
            for provider, moments in groups
        ]
        axes.bar(places + offset, means, width=0.4, label=name, color=_COLOURS[name])
    axes.set(title="Mean staleness for as many calls", ylabel="hours")
    axes.set_xticks(places, [f"{provider}\n{moments}" for provider, moments in groups], fontsize=8)
    axes.legend()
