"""Draws how good answers are, as SVG text: reliability, coverage and confusion.

Belongs here: pictures of figures, without a library for them. Does not belong here: the figures themselves
(`figures`), or where pictures go.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bank_sync.categorization.evaluation.figures import Answer, reliability
from bank_sync.categorization.evaluation.sets import Labelled

_SIZE, _MARGIN = 340, 56
_CELL, _NAMES = 26, 230
_DARK_ENOUGH = 0.6  # of a cell, for white letters
_NOTHING = "nothing"
_BLUE, _RED = "#1f5fbf", "#c0392b"
_TICKS = 5
_LOWEST = (0.9, 0.8, 0.5)  # where the axis of precision may begin
_STEPS = 50

Point = tuple[float, float, str]
"""Across, up, and what is written beside it."""


def plots(rows: Sequence[Labelled], answers: Sequence[Answer]) -> dict[str, str]:
    """Return the pictures of these answers by file name; right is any acceptable answer."""
    sure = np.array([confidence for _, confidence in answers])
    right = np.array([answer in row.labels for row, (answer, _) in zip(rows, answers, strict=True)])
    said = [(said, true, f"{number:,}") for said, true, number in reliability(sure, right)]
    curve = precision_by_share(sure, right)
    lowest = next((one for one in _LOWEST if one <= min(up for _, up, _ in curve)), 0.0)
    return {
        "reliability.svg": line(said, "confidence", "share right", diagonal=True),
        "coverage.svg": line(curve, "share of rows, surest first", "share right among them", lowest=lowest),
        "confusion.svg": confusion(rows, answers),
    }


def precision_by_share(sure: np.ndarray, right: np.ndarray) -> list[Point]:
    """Return, for ever more rows from the surest on, their share of all and how many of them are right."""
    ordered = right[np.argsort(-sure, kind="stable")]
    ends = sorted({max(1, round(len(ordered) * step / _STEPS)) for step in range(1, _STEPS + 1)})
    return [(end / len(ordered), float(ordered[:end].mean()), "") for end in ends]


def line(
    points: Sequence[Point], across: str, up: str, *, lowest: float = 0.0, diagonal: bool = False
) -> str:
    """Return a line through points, upwards from `lowest` to 1; the diagonal is where both axes agree."""
    places = [(_across(x), _up(y, lowest), beside) for x, y, beside in points]
    through = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{_BLUE}"/>'
        f'<text x="{x + 5:.1f}" y="{y + 13:.1f}" fill="#555">{beside}</text>'
        for x, y, beside in places
        if beside
    )
    edge, whole = _MARGIN + _SIZE, _SIZE + 2 * _MARGIN
    between = (
        f'<line x1="{_MARGIN}" y1="{edge}" x2="{edge}" y2="{_MARGIN}" stroke="#999" stroke-dasharray="4"/>'
    )
    return _svg(
        whole,
        whole,
        _grid(lowest)
        + (between if diagonal else "")
        + f'<polyline points="{through}" fill="none" stroke="{_BLUE}" stroke-width="2"/>{dots}'
        f'<text x="{whole // 2}" y="{edge + 36}" text-anchor="middle">{across}</text>'
        f'<text transform="translate(16,{whole // 2}) rotate(-90)" text-anchor="middle">{up}</text>',
    )


def _across(x: float) -> float:
    return _MARGIN + x * _SIZE


def _up(y: float, lowest: float) -> float:
    return _MARGIN + (1 - y) / (1 - lowest) * _SIZE


def _grid(lowest: float) -> str:
    """Lines with their shares, across from 0 and upwards from `lowest`."""
    edge = _MARGIN + _SIZE
    drawn = []
    for tick in range(_TICKS + 1):
        share, height = tick / _TICKS, lowest + (1 - lowest) * tick / _TICKS
        x, y = _across(share), _up(height, lowest)
        drawn.append(
            f'<line x1="{x:.1f}" y1="{_MARGIN}" x2="{x:.1f}" y2="{edge}" stroke="#ddd"/>'
            f'<line x1="{_MARGIN}" y1="{y:.1f}" x2="{edge}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{x:.1f}" y="{edge + 16}" text-anchor="middle">{share:.0%}</text>'
            f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{height:.0%}</text>'
        )
    return "".join(drawn)


def confusion(rows: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Return how often each first label (down) got each answer (across); mistakes are red."""
    found = Counter(
        (row.labels[0], answer or _NOTHING) for row, (answer, _) in zip(rows, answers, strict=True)
    )
    labels = sorted({label for label, _ in found})
    across = sorted({answer for _, answer in found})
    sums = Counter(row.labels[0] for row in rows)
    cells = "".join(
        _cell(across.index(answer), labels.index(label), times, times / sums[label], is_right=answer == label)
        for (label, answer), times in sorted(found.items())
    )
    down = "".join(
        f'<text x="{_NAMES - 6}" y="{_NAMES + y * _CELL + 17}" text-anchor="end">{name}</text>'
        for y, name in enumerate(labels)
    )
    top = "".join(
        f'<text transform="translate({_NAMES + x * _CELL + 17},{_NAMES - 6}) rotate(-90)">{name}</text>'
        for x, name in enumerate(across)
    )
    axes = f'<text x="{_NAMES - 6}" y="{_NAMES - 10}" text-anchor="end" font-weight="bold">is ↓ said →</text>'
    return _svg(
        _NAMES + len(across) * _CELL + 10, _NAMES + len(labels) * _CELL + 10, axes + down + top + cells
    )


def _cell(x: int, y: int, times: int, share: float, *, is_right: bool) -> str:
    left, top = _NAMES + x * _CELL, _NAMES + y * _CELL
    colour = "#fff" if share > _DARK_ENOUGH else "#000"
    # a mistake shows even where it is rare
    fill, shade = (_BLUE, share) if is_right else (_RED, 0.15 + 0.85 * share)
    return (
        f'<rect x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" fill="{fill}" '
        f'fill-opacity="{shade:.2f}"/>'
        f'<text x="{left + _CELL // 2}" y="{top + 17}" text-anchor="middle" fill="{colour}">{times}</text>'
    )


def _svg(width: int, height: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{inside}</svg>\n'
    )
