"""`bank-sync categories rules`, `candidates`, `models`, `recategorize`, and `recurring`, really run."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bank_sync.services import Services
from bank_sync_tests.learning.town import Town


def test_teaching(command: Any, services: Services) -> None:
    """A rule, a candidate and a past range, told in a sentence; mistakes end with 2 and one line."""
    town = Town(services)
    person = town.person()
    [row] = town.pays(person, "TESCO STORES 2218")
    town.categorize(person)
    for _ in range(5):
        town.teach(town.person(), "QVOZK WJK", "MEDICAL")
    assert services.settings.database_url is not None
    url = services.settings.database_url.get_secret_value()
    run = replace(command, variables={"BANK_SYNC_DATABASE_URL": url}).run

    def said(*args: str) -> str:
        done = run("categories", *args)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    owner = ("--person", f"app-{person}")
    told = said("rules", "add", "TRAVEL", *owner, "--merchant", "TESCO", "--out", "--at-least", "5")
    assert "1 of 1 rows changed" in told
    listed = said("rules", "list", *owner)
    assert "merchant tesco, money out, at least 5" in listed
    assert "by rule 1 of the owner" in said("explain", row)
    assert "removed; 1 of 1 rows changed" in said("rules", "remove", "1")
    assert "There are no rules." in said("rules", "list")
    assert "There are no rules of a person 'nobody'." in said("rules", "list", "--person", "nobody")

    assert "5 of 5 people" in said("candidates", "list")
    assert "Candidate 1: accepted." in said("candidates", "accept", "1", "--by", "ada")
    assert "No candidate is waiting." in said("candidates", "list")
    assert "qvozk-wjk" in said("candidates", "list", "--state", "accepted")
    assert "Deciding: linear-1." in said("models")
    assert "6 rows looked at, 0 decided anew." in said("recategorize", "--model", "shipped")

    for days in (60, 30, 0):
        day = services.clock().date() - timedelta(days=days)
        town.pays(person, "NETFLIX.COM 866-579-7172", "-12.99", on=day)
    town.categorize(person)
    # the command's clock is the real one, by which these ended long ago
    assert "Nothing recurs" in run("recurring", "--find", *owner).stdout
    shown = run("recurring", "--ended", *owner).stdout
    assert all(word in shown for word in ("ended", "Netflix", "monthly", "12.99 EUR", "out"))
    [stream] = json.loads(run("recurring", "--ended", "--json").stdout)
    assert (stream["merchant_key"], stream["occurrences"]) == ("netflix", 3)

    mistakes = (
        ("rules", "add", "TRAVEL", *owner),
        ("rules", "add", "TRAVEL", *owner, "--words", "x", "--at-least", "-1"),
        ("rules", "add", "TRAVEL", *owner, "--words", "x", "--at-least", "2", "--at-most", "1"),
        ("rules", "remove", "99"),
        ("candidates", "refuse", "99", "--by", "ada"),
        ("recategorize", "--model", "none"),
        ("recategorize", "--since", "2026-02-01", "--until", "2026-01-01"),
    )
    for args in mistakes:
        done = run("categories", *args)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_retraining(command: Any, services: Services) -> None:
    """A round of training by hand is the weekly job: its verdict, what waits, and the drift check."""
    assert services.settings.database_url is not None
    url = services.settings.database_url.get_secret_value()
    ours = replace(command, variables={"BANK_SYNC_DATABASE_URL": url}, patience_s=240.0)
    done = ours.run("categories", "retrain")
    assert done.returncode == 0, done.stderr
    assert "Nothing new to learn" in done.stdout
    assert "Candidates that wait for a verdict: 0" in done.stdout
    assert "Check category_drift: passed." in done.stdout
