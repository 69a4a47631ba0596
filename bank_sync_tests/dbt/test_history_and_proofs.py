"""What was believed when, and whether balances are explained, as analysts see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bank_sync.orchestration.dbt_environment import run_dbt

_MODELS = "fct_transaction_history fct_reconciliations"
_FACTS = (
    "connection_id, account_id, posting, amount, currency, booked_on, description, content_hash, round_id"
)


@pytest.fixture
def history(marts: Any) -> Iterator[Any]:
    """The coffee was pending and dearer for a day; the checking account is proven, the card differs."""
    marts.run(
        f"INSERT INTO bank.transaction_versions (transaction_id, version, {_FACTS}, known_from, known_until) "
        "SELECT transaction_id, 1, connection_id, account_id, 'pending', -4, currency, booked_on, "
        "description, content_hash, round_id, changed_at - interval '1 day', changed_at "
        "FROM bank.transactions "
        "WHERE transaction_id = 'coffee'",
        "UPDATE bank.transactions SET version = 2 WHERE transaction_id = 'coffee'",
        "INSERT INTO bank.reconciliations (account_id, currency, connection_id, state, reason, "
        "opening_amount, flows, closing_amount, difference, checked_at) VALUES "
        "('checking', 'EUR', 'fresh', 'proven', 'It fits.', 90, 10, 100, 0, now()), "
        "('card', 'EUR', 'late', 'differs', 'It does not.', 0, 20, 25, 5, now())",
    )
    try:
        yield marts
    finally:
        marts.run(
            "DELETE FROM bank.transaction_versions",
            "DELETE FROM bank.reconciliations",
            "UPDATE bank.transactions SET version = 1 WHERE transaction_id = 'coffee'",
            "TRUNCATE analytics.fct_transaction_history, analytics.fct_reconciliations",
        )


def test_history_and_proofs(history: Any) -> None:
    """Each moment has one version of a row; proofs add up; a gap and a false proof fail their tests."""
    assert run_dbt(history.settings, ["build", "--select", *_MODELS.split()]) == 0
    versions = history.rows(
        "SELECT version, posting, amount, valid_to IS NULL AS is_open FROM analytics.fct_transaction_history "
        "WHERE transaction_id = 'coffee' ORDER BY version"
    )
    assert [(row["version"], row["posting"], row["amount"], row["is_open"]) for row in versions] == [
        (1, "pending", -4, False),
        (2, "posted", -3.5, True),
    ]
    proofs = history.rows(
        "SELECT account_id, state, difference FROM analytics.fct_reconciliations ORDER BY account_id"
    )
    assert [tuple(row.values()) for row in proofs] == [("card", "differs", 5), ("checking", "proven", 0)]
    history.run(
        "UPDATE analytics.fct_transaction_history SET valid_to = valid_to - interval '1 hour' "
        "WHERE version = 1 AND transaction_id = 'coffee'",
        "UPDATE analytics.fct_reconciliations SET closing_amount = closing_amount + 0.01",
    )
    tests = ["transaction_history_has_no_gaps", "reconciliation_adds_up"]
    assert run_dbt(history.settings, ["test", "--select", *tests]) == 1
    results = json.loads((history.settings.home / "dbt" / "target" / "run_results.json").read_text())
    failed = {one["unique_id"].split(".")[2] for one in results["results"] if one["status"] == "fail"}
    assert failed == set(tests)
