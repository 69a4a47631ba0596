"""Puts the figures into words and tables, and plots into files.

Belongs here: what `bank-sync categories evaluate` prints and draws. Does not belong here: the figures
themselves.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from typing import Any

import numpy as np

from bank_sync.categorization import categorize, merchant
from bank_sync.categorization.evaluation import baselines
from bank_sync.categorization.evaluation.figures import (
    Answer,
    confusions,
    f1_by_class,
    figures,
    name_figures,
    reliability,
)
from bank_sync.categorization.evaluation.plots import plots
from bank_sync.categorization.evaluation.sets import Labelled
from bank_sync.categorization.evaluation.stream import replays
from bank_sync.categorization.training.examples import Example, examples
from bank_sync.categorization.training.fit import SEED

_MOST_CONFUSIONS = 12
_TIMED_ROWS = 20_000
_TIMES = 5
_HEADINGS = ("set", "rows", "strict", "lenient", "F1", "cov. strict", "cov. lenient", "ECE")


def report(rows: Sequence[Labelled]) -> str:
    """Return the whole report on a set, in Markdown: figures, baselines, classes, confusions, names."""
    answers = categorize([row.asked() for row in rows])
    learnt = examples(SEED)
    parts = [
        "# Categories\n",
        _table(_HEADINGS, _by_source(rows, answers)),
        "\nStrict: the first label. Lenient: any acceptable one. cov.: share of rows at 90 % precision.",
        "ECE: calibration error, lenient. Sets named `own` are written from knowledge, not real rows.\n",
        "## Baselines, same rows\n",
        _table(_HEADINGS, _baselines(rows, learnt)),
        "\n## F1 by class\n",
        _table(
            ("category", "F1"), [(name, f"{score:.2f}") for name, score in f1_by_class(rows, answers).items()]
        ),
        "\n## Most frequent mistakes\n",
        _table(("label", "answer", "rows"), _rows(confusions(rows, answers)[:_MOST_CONFUSIONS])),
        "\n## Reliability\n",
        _table(("confidence", "right", "rows"), _reliability(rows, answers)),
        _names(rows),
        f"\nRows a CPU second: {_speed(_renumbered(rows))} of this set, each time with other numbers;",
        f"{_speed(_invented(learnt, rows[0].source))} where every merchant is another, too.",
    ]
    return "\n".join(part for part in parts if part)


def stream_report(rows: Sequence[Labelled]) -> str:
    """Return in Markdown how right the second half of one person's stream is, by how much they correct."""
    found = [(str(one.corrections), f"{one.strict:.3f}", f"{one.lenient:.3f}") for one in replays(rows)]
    return "\n".join(
        [
            f"# One person's {len(rows)} transactions in order\n",
            _table(("corrections", "strict", "lenient"), found),
            "\nShares of the second half that were right, after the first mistakes were corrected.",
        ]
    )


def draw(rows: Sequence[Labelled], folder: Path) -> list[Path]:
    """Write the pictures of a set as SVG files; returns where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = plots(rows, categorize([row.asked() for row in rows]))
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in drawn]


def _by_source(rows: Sequence[Labelled], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    found = [_line("all", rows, answers)]
    for source in sorted({row.source for row in rows}):
        places = [place for place, row in enumerate(rows) if row.source == source]
        found.append(_line(source, [rows[place] for place in places], [answers[place] for place in places]))
    return found


def _baselines(rows: Sequence[Labelled], learnt: Sequence[Example]) -> list[tuple[str, ...]]:
    nothing: list[Answer] = [(None, 0.0)] * len(rows)  # these rows carry no category of a provider
    return [
        _line("majority", rows, baselines.majority(rows)),
        _line("provider's category (absent)", rows, nothing),
        _line("word TF-IDF + naive Bayes", rows, baselines.naive_bayes(rows, learnt)),
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


def _renumbered(rows: Sequence[Labelled]) -> list[dict[str, Any]]:
    """Numbers behind descriptors keep answers from being remembered, as dates and references do."""
    turns = range(-(-_TIMED_ROWS * _TIMES // len(rows)))
    return [{**row.asked(), "description": f"{row.description} {turn}"} for turn in turns for row in rows]


def _invented(learnt: Sequence[Example], behind: str) -> list[dict[str, Any]]:
    """Tell the training rows' texts, with a word behind them that other reports' texts do not have."""
    account = {"currency": "EUR", "account_type": "depository"}
    texts = list(dict.fromkeys(f"{one.text} {behind}" for one in learnt))
    Random(SEED).shuffle(texts)  # noqa: S311 - so that every part has its share of each list
    return [{"description": text, "amount": 12.5, **account} for text in texts]


def _speed(asked: Sequence[dict[str, Any]]) -> str:
    """Time parts of these rows, none of them twice."""
    parts = [asked[turn * _TIMED_ROWS :][:_TIMED_ROWS] for turn in range(_TIMES)]
    speeds = sorted(len(part) / _cpu_s(part) for part in parts)
    return f"{speeds[-1]:,.0f} at best, {median(speeds):,.0f} in the middle"


def _cpu_s(asked: Sequence[dict[str, Any]]) -> float:
    started = process_time()
    categorize(asked)
    return process_time() - started


def _rows(found: Sequence[tuple[str, str, int]]) -> list[tuple[str, ...]]:
    return [(label, answer, str(times)) for label, answer, times in found]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[place]) for row in (headings, *rows)) for place in range(len(headings))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([line(headings), rule, *map(line, rows)])
