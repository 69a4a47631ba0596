"""Figures that say how good answers are: accuracy, F1, coverage at a precision, calibration, names.

Belongs here: pure arithmetic on answers and labels. Does not belong here: getting either.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bank_sync.categorization.evaluation.sets import Labelled
from bank_sync.categorization.phrases import plain_words

Answer = tuple[str | None, float]
_BINS = 10
_PRECISION = 0.9


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one set; strict counts the first label alone, lenient every acceptable one."""

    rows: int
    strict: float
    lenient: float
    macro_f1: float
    coverage_strict: float
    coverage_lenient: float
    calibration_error: float


def figures(rows: Sequence[Labelled], answers: Sequence[Answer]) -> Figures:
    """Return the figures of these answers. Raises ValueError for no rows."""
    if not rows:
        raise ValueError("there are no rows to measure on")
    sure = np.array([confidence for _, confidence in answers])
    strict = np.array([answer == row.labels[0] for row, (answer, _) in zip(rows, answers, strict=True)])
    lenient = np.array([answer in row.labels for row, (answer, _) in zip(rows, answers, strict=True)])
    scores = f1_by_class(rows, answers)
    return Figures(
        len(rows),
        float(strict.mean()),
        float(lenient.mean()),
        sum(scores.values()) / len(scores),
        coverage(sure, strict),
        coverage(sure, lenient),
        calibration_error(sure, lenient),
    )


def f1_by_class(rows: Sequence[Labelled], answers: Sequence[Answer]) -> dict[str, float]:
    """Return F1 by primary category, over the categories that occur among the first labels."""
    right, labelled, answered = Counter[str](), Counter[str](), Counter[str]()
    for row, (answer, _) in zip(rows, answers, strict=True):
        labelled[row.labels[0]] += 1
        answered[answer or ""] += 1
        right[row.labels[0]] += answer == row.labels[0]
    return {name: 2 * right[name] / (labelled[name] + answered[name]) for name in sorted(labelled)}


def coverage(sure: np.ndarray, right: np.ndarray, precision: float = _PRECISION) -> float:
    """Return the largest share of rows, surest first, among which at least `precision` are right."""
    ordered = right[np.argsort(-sure, kind="stable")]
    enough = np.flatnonzero(np.cumsum(ordered) / np.arange(1, len(ordered) + 1) >= precision)
    return float(enough[-1] + 1) / len(ordered) if len(enough) else 0.0


def calibration_error(sure: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error over ten equal bins of confidence."""
    return sum(rows * abs(said - true) for said, true, rows in reliability(sure, right)) / len(sure)


def reliability(sure: np.ndarray, right: np.ndarray) -> list[tuple[float, float, int]]:
    """Return (mean confidence, share right, rows) for each of ten bins that has rows."""
    bins = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    return [
        (float(sure[bins == place].mean()), float(right[bins == place].mean()), int((bins == place).sum()))
        for place in range(_BINS)
        if (bins == place).any()
    ]


def confusions(rows: Sequence[Labelled], answers: Sequence[Answer]) -> list[tuple[str, str, int]]:
    """Return (label, wrong answer, how often), the most frequent first; acceptable answers are none."""
    found = Counter(
        (row.labels[0], answer or "nothing")
        for row, (answer, _) in zip(rows, answers, strict=True)
        if answer not in row.labels
    )
    return [(label, answer, times) for (label, answer), times in found.most_common()]


def name_figures(found: Sequence[str], expected: Sequence[str]) -> tuple[float, float]:
    """Return (share of names exactly right but for case and accents, mean F1 of their words)."""
    pairs = [(plain_words(one), plain_words(other)) for one, other in zip(found, expected, strict=True)]
    exact = sum(one == other for one, other in pairs) / len(pairs)
    return exact, sum(_token_f1(one, other) for one, other in pairs) / len(pairs)


def _token_f1(found: list[str], expected: list[str]) -> float:
    common = (Counter(found) & Counter(expected)).total()
    return 2 * common / (len(found) + len(expected)) if common else 0.0
