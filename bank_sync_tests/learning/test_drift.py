"""The check `category_drift` on ledgers that stay as they were, and on ones that do not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bank_sync.quality.drift import check_drift, in_words
from bank_sync_tests.learning.town import Town

USUAL = {"TESCO STORES 2218": 200, "SHELL 1234": 100}


def ledger(town: Town, before: dict[str, int], recent: dict[str, int]) -> None:
    """One person's rows of last autumn and of last week, as descriptors and how often each."""
    person = town.person()
    today = town.services.clock().date()
    for days, rows in ((60, before), (7, recent)):
        for description, times in rows.items():
            town.pays(person, description, on=today - timedelta(days=days), times=times)
    town.categorize(person)


def test_nothing_moved(town: Town) -> None:
    """The same shops as ever are no drift, whatever came long ago in one go."""
    ledger(town, USUAL, USUAL)
    verdict = check_drift(town.services)
    assert verdict.passed
    assert verdict.details == {
        "recent_rows": 300,
        "rows_before": 300,
        "shares": {
            "abstained_before": 0,
            "abstained_now": 0,
            "unseen_merchants_before": 0,
            "unseen_merchants_now": 0,
            "in_other_categories": 0,
        },
    }


@pytest.mark.parametrize(
    ("before", "recent", "share"),
    [
        (USUAL, {"TESCO STORES 2218": 140, "SHELL 1234": 100, "QVZ KWJ": 20}, "abstained_now"),
        (USUAL, {"TESCO STORES 2218": 100, "SHELL 1234": 200}, "in_other_categories"),
    ],
)
def test_drift(town: Town, before: dict[str, int], recent: dict[str, int], share: str) -> None:
    """More rows without a category, or more in other categories than before, are told with their shares."""
    ledger(town, before, recent)
    verdict = check_drift(town.services)
    assert not verdict.passed
    shares = verdict.details["shares"]
    assert isinstance(shares, dict)
    assert shares[share] > 0.05
    assert f"{shares[share]:.1%}" in in_words(verdict)


def test_unseen_merchants(town: Town) -> None:
    """Known to the lists, but new to these people: more of them than in the month before is drift."""
    person = town.person()
    today = town.services.clock().date()
    for days, shops in ((90, {"TESCO STORES": 200}), (40, {"TESCO STORES": 200}), (7, {"SAINSBURYS": 60})):
        for shop, times in (*shops.items(), ("TESCO STORES", 150)):
            town.pays(person, shop, on=today - timedelta(days=days), times=times)
    town.categorize(person)
    verdict = check_drift(town.services)
    assert not verdict.passed
    shares = verdict.details["shares"]
    assert isinstance(shares, dict)
    assert shares["unseen_merchants_now"] == pytest.approx(60 / 210, abs=0.001)
    assert shares["unseen_merchants_before"] == shares["in_other_categories"] == 0


def test_too_few_rows(town: Town) -> None:
    """A share of a handful of rows says nothing; the check passes and tells so."""
    ledger(town, USUAL, {"QVZ KWJ": 20})
    verdict = check_drift(town.services)
    assert verdict.passed
    assert in_words(verdict).startswith(
        "Too few rows to tell: 20 of the last 28 days and 300 of the half year"
    )
