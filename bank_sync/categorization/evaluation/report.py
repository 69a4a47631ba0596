"""Puts the figures into words and tables, and plots into files.

Belongs here: what `bank-sync categories evaluate` prints and draws. Does not belong here: the figures
themselves.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from bank_sync.categorization import categorize, merchant
from bank_sync.categorization.evaluation import baselines
from bank_sync.categorization.evaluation.figures import (
    Answer,
    confusions,
    coverage,
    f1_by_class,
    figures,
    name_figures,
    reliability,
)
from bank_sync.categorization.evaluation.sets import Labelled
from bank_sync.categorization.training.examples import examples
from bank_sync.categorization.training.fit import SEED

_MOST_CONFUSIONS = 12
_TIMED_ROWS = 20_000
_HEADINGS = ("set", "rows", "strict", "lenient", "F1", "cov. strict", "cov. lenient", "ECE")


def report(rows: Sequence[Labelled]) -> str:
    """Return the whole report on a set, in Markdown: figures, baselines, classes, confusions, names."""
    answers = categorize([row.asked() for row in rows])
    parts = [
        "# Categories\n",
        _table(_HEADINGS, _by_source(rows, answers)),
        "\nStrict: the first label. Lenient: any acceptable one. cov.: share of rows at 90 % precision.",
        "ECE: calibration error, lenient. Sets named `own` are written from knowledge, not real rows.\n",
        "## Baselines, same rows\n",
        _table(_HEADINGS, _baselines(rows)),
        "\n## F1 by class\n",
        _table(
            ("category", "F1"), [(name, f"{score:.2f}") for name, score in f1_by_class(rows, answers).items()]
        ),
        "\n## Most frequent mistakes\n",
        _table(("label", "answer", "rows"), _rows(confusions(rows, answers)[:_MOST_CONFUSIONS])),
        "\n## Reliability\n",
        _table(("confidence", "right", "rows"), _reliability(rows, answers)),
        _names(rows),
        f"\n{_speed(rows):,.0f} rows a second, one core, every descriptor another.",
    ]
    return "\n".join(part for part in parts if part)


def draw(rows: Sequence[Labelled], folder: Path) -> list[Path]:
    """Write the reliability plot and the coverage curve as SVG files; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = pictures(rows, categorize([row.asked() for row in rows]))
    for name, text in drawn.items():
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")
    return [folder / f"{name}.svg" for name in drawn]


def pictures(rows: Sequence[Labelled], answers: Sequence[Answer]) -> dict[str, str]:
    """Return the reliability plot and the coverage curve of these answers, as SVG."""
    sure = np.array([confidence for _, confidence in answers])
    right = np.array([answer in row.labels for row, (answer, _) in zip(rows, answers, strict=True)])
    found = [(said, true) for said, true, _ in reliability(sure, right)]
    curve = [(coverage(sure, right, level / 100), level / 100) for level in range(60, 101)]
    return {
        "reliability": svg(found, "confidence", "share right"),
        "coverage": svg(curve, "share of rows", "precision"),
    }


def svg(points: Sequence[tuple[float, float]], across: str, up: str) -> str:
    """Return a line through points between 0 and 1, with the diagonal beside it, as an SVG picture."""
    size, margin = 320, 40
    line = " ".join(f"{margin + x * size:.1f},{margin + (1 - y) * size:.1f}" for x, y in points)
    dots = "".join(
        f'<circle cx="{margin + x * size:.1f}" cy="{margin + (1 - y) * size:.1f}" r="3" fill="#1f5fbf"/>'
        for x, y in points
    )
    edge, whole = margin + size, size + 2 * margin
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{whole}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<rect x="{margin}" y="{margin}" width="{size}" height="{size}" fill="none" stroke="#999"/>'
        f'<line x1="{margin}" y1="{edge}" x2="{edge}" y2="{margin}" stroke="#bbb" stroke-dasharray="4"/>'
        f'<polyline points="{line}" fill="none" stroke="#1f5fbf" stroke-width="2"/>{dots}'
        f'<text x="{margin}" y="{edge + 16}">0</text><text x="{edge - 6}" y="{edge + 16}">1</text>'
        f'<text x="{whole // 2 - 30}" y="{edge + 30}">{across}</text>'
        f'<text x="6" y="{margin - 10}">{up}</text></svg>\n'
    )


def _by_source(rows: Sequence[Labelled], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    found = [_line("all", rows, answers)]
    for source in sorted({row.source for row in rows}):
        places = [place for place, row in enumerate(rows) if row.source == source]
        found.append(_line(source, [rows[place] for place in places], [answers[place] for place in places]))
    return found


def _baselines(rows: Sequence[Labelled]) -> list[tuple[str, ...]]:
    nothing: list[Answer] = [(None, 0.0)] * len(rows)  # these rows carry no category of a provider
    return [
        _line("majority", rows, baselines.majority(rows)),
        _line("provider's category (absent)", rows, nothing),
        _line("word TF-IDF + naive Bayes", rows, baselines.naive_bayes(rows, examples(SEED))),
    ]


def _line(name: str, rows: Sequence[Labelled], answers: Sequence[Answer]) -> tuple[str, ...]:
    of = figures(rows, answers)
    shares = (
        of.strict,
        of.lenient,
        of.macro_f1,
        of.coverage_strict,
        of.coverage_lenient,
        of.calibration_error,
    )
    return (name, str(of.rows), *(f"{share:.3f}" for share in shares))


def _reliability(rows: Sequence[Labelled], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    sure = np.array([confidence for _, confidence in answers])
    right = np.array([answer in row.labels for row, (answer, _) in zip(rows, answers, strict=True)])
    return [(f"{said:.2f}", f"{true:.2f}", str(size)) for said, true, size in reliability(sure, right)]


def _names(rows: Sequence[Labelled]) -> str:
    named = [(merchant(row.description).name, row.merchant) for row in rows if row.merchant]
    if not named:
        return ""
    exact, tokens = name_figures([found for found, _ in named], [right or "" for _, right in named])
    return f"\n## Merchants\n\n{len(named)} names: {exact:.3f} exactly right, token F1 {tokens:.3f}"


def _speed(rows: Sequence[Labelled]) -> float:
    """Return rows categorized a second; numbers behind descriptors keep answers from being remembered."""
    turns = range(-(-_TIMED_ROWS // len(rows)))
    asked = [{**row.asked(), "description": f"{row.description} {turn}"} for turn in turns for row in rows]
    started = perf_counter()
    categorize(asked[:_TIMED_ROWS])
    return min(len(asked), _TIMED_ROWS) / (perf_counter() - started)


def _rows(found: Sequence[tuple[str, str, int]]) -> list[tuple[str, ...]]:
    return [(label, answer, str(times)) for label, answer, times in found]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in (headings, *rows)) for place in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(headings), rule, *map(line, rows)])
