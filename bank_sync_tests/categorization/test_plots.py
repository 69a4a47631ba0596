"""The pictures of how good answers are."""

from xml.etree import ElementTree as ET

from bank_sync.categorization.evaluation.plots import plots
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
    assert sorted(filter(None, texts)) == ["1", "1", "1", "MEDICAL", "TRAVEL", "TRAVEL", "nothing"]
