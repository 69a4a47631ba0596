"""The pictures of how good answers are."""

from xml.etree import ElementTree as ET

import numpy as np

from bank_sync.categorization.evaluation.plots import plots, precision_by_share
from bank_sync.categorization.evaluation.sets import Labelled

ROWS = [
    Labelled("A", 1.0, "EUR", "depository", ("TRAVEL",), "test"),
    Labelled("B", 1.0, "EUR", "depository", ("MEDICAL", "TRAVEL"), "test"),
    Labelled("C", 1.0, "EUR", "depository", ("MEDICAL",), "test"),
]
ANSWERS = [("TRAVEL", 0.9), ("TRAVEL", 0.6), (None, 0.0)]


def test_each_picture_is_well_formed() -> None:
    """A browser can show all three."""
    found = plots(ROWS, ANSWERS)
    assert set(found) == {"reliability.svg", "coverage.svg", "confusion.svg"}
    for text in found.values():
        assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314 - made here


def test_the_confusion_counts_each_row_once() -> None:
    """Labels stand down, answers across, no answer among them."""
    texts = [
        element.text
        for element in ET.fromstring(plots(ROWS, ANSWERS)["confusion.svg"]).iter()  # noqa: S314
        if element.tag.endswith("text")
    ]
    assert sorted(filter(None, texts)) == [
        "1",
        "1",
        "1",
        "MEDICAL",
        "TRAVEL",
        "TRAVEL",
        "is ↓ said →",
        "nothing",
    ]


def test_precision_falls_from_the_surest_on() -> None:
    """The curve says of each share of rows, surest first, how many are right; and ends with all of them."""
    sure, right = np.array([0.2, 0.9, 0.6, 0.4]), np.array([False, True, True, False])
    curve = [(across, round(up, 3)) for across, up, _ in precision_by_share(sure, right)]
    assert curve == [(0.25, 1.0), (0.5, 1.0), (0.75, 0.667), (1.0, 0.5)]
