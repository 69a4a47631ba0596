"""Draws how good answers are, as SVG text: reliability, coverage and confusion.

Belongs here: pictures of figures, without a library for them. Does not belong here: the figures themselves
(`figures`), or where pictures go.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bank_sync.categorization.evaluation.figures import Answer, coverage, reliability
from bank_sync.categorization.evaluation.sets import Labelled

_SIZE, _MARGIN = 320, 40
_CELL, _NAMES = 26, 210
_DARK_ENOUGH = 0.6  # of a cell, for white letters
_NOTHING = "nothing"


def plots(rows: Sequence[Labelled], answers: Sequence[Answer]) -> dict[str, str]:
    """Return the pictures of these answers by file name; right is any acceptable answer."""
    sure = np.array([confidence for _, confidence in answers])
    right = np.array([answer in row.labels for row, (answer, _) in zip(rows, answers, strict=True)])
    said = [(said, true) for said, true, _ in reliability(sure, right)]
    curve = [(coverage(sure, right, level / 100), level / 100) for level in range(60, 101)]
    return {
        "reliability.svg": line(said, "confidence", "share right"),
        "coverage.svg": line(curve, "share of rows", "precision"),
        "confusion.svg": confusion(rows, answers),
    }


def line(points: Sequence[tuple[float, float]], across: str, up: str) -> str:
    """Return a line through points between 0 and 1, with the diagonal beside it."""
    places = [(_MARGIN + x * _SIZE, _MARGIN + (1 - y) * _SIZE) for x, y in points]
    through = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f5fbf"/>' for x, y in places)
    edge, whole = _MARGIN + _SIZE, _SIZE + 2 * _MARGIN
    return _svg(
        whole,
        whole,
        f'<rect x="{_MARGIN}" y="{_MARGIN}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#999"/>'
        f'<line x1="{_MARGIN}" y1="{edge}" x2="{edge}" y2="{_MARGIN}" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{through}" fill="none" stroke="#1f5fbf" stroke-width="2"/>{dots}'
        f'<text x="{_MARGIN}" y="{edge + 16}">0</text><text x="{edge - 6}" y="{edge + 16}">1</text>'
        f'<text x="{whole // 2 - 30}" y="{edge + 30}">{across}</text>'
        f'<text x="6" y="{_MARGIN - 10}">{up}</text>',
    )


def confusion(rows: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Return how often each first label (down) got each answer (across); a cell's darkness is its share."""
    found = Counter(
        (row.labels[0], answer or _NOTHING) for row, (answer, _) in zip(rows, answers, strict=True)
    )
    labels = sorted({label for label, _ in found})
    across = sorted({answer for _, answer in found})
    sums = Counter(row.labels[0] for row in rows)
    cells = "".join(
        _cell(across.index(answer), labels.index(label), times, times / sums[label])
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
    return _svg(_NAMES + len(across) * _CELL + 10, _NAMES + len(labels) * _CELL + 10, down + top + cells)


def _cell(x: int, y: int, times: int, share: float) -> str:
    left, top = _NAMES + x * _CELL, _NAMES + y * _CELL
    colour = "#fff" if share > _DARK_ENOUGH else "#000"
    return (
        f'<rect x="{left}" y="{top}" width="{_CELL}" height="{_CELL}" fill="#1f5fbf" '
        f'fill-opacity="{share:.2f}"/>'
        f'<text x="{left + _CELL // 2}" y="{top + 17}" text-anchor="middle" fill="{colour}">{times}</text>'
    )


def _svg(width: int, height: int, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>{inside}</svg>\n'
    )
