"""The analysts' models, built by dbt from a hand-made ledger on a real PostgreSQL."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from bank_sync.orchestration.dbt_environment import run_dbt

if TYPE_CHECKING:
    from bank_sync_tests.dbt.conftest import Warehouse


def failures(warehouse: Warehouse) -> set[str]:
    """Names of the tests that failed in the latest dbt run."""
    results = json.loads((warehouse.settings.home / "dbt" / "target" / "run_results.json").read_text())
    return {
        item["unique_id"].split(".")[2] for item in results["results"] if item["status"] in {"fail", "error"}
    }


def test_only_live_transactions_reach_the_mart(marts: Warehouse) -> None:
    """Removed and superseded rows are left out; pending ones stay and say so."""
    rows = marts.rows("SELECT transaction_id, posting FROM analytics.fct_transactions")
    posting = {row["transaction_id"]: row["posting"] for row in rows}
    assert set(posting) == {
        *("rent", "coffee", "salary", "late_fee", "check", "dollars", "pending", "repayment"),
    }
    assert posting["pending"] == "pending"


def test_a_transaction_carries_its_current_category_and_account(marts: Warehouse) -> None:
    """One row tells what an analyst asks for, with the replaced category gone."""
    [row] = marts.rows("SELECT * FROM analytics.fct_transactions WHERE transaction_id = 'coffee'")
    assert row["category_primary"] == "FOOD_AND_DRINK"
    assert (row["merchant_name"], row["merchant_key"]) == ("Coffee House", "coffee-house")
    assert (row["account_name"], row["institution_name"]) == ("Checking", "Bank fresh")
    assert (row["connection_id"], row["user_id"]) == ("fresh", "person")


def test_direction_follows_the_sign(marts: Warehouse) -> None:
    """Positive is money in, negative is money out, and zero is neither."""
    rows = marts.rows("SELECT transaction_id, direction FROM analytics.fct_transactions")
    direction = {row["transaction_id"]: row["direction"] for row in rows}
    assert (direction["salary"], direction["rent"], direction["check"]) == ("inflow", "outflow", "none")


def test_both_legs_of_a_standing_transfer_name_each_other(marts: Warehouse) -> None:
    """A link that was undone makes no transfer."""
    rows = marts.rows(
        "SELECT transaction_id, transfer_counterpart_id FROM analytics.fct_transactions WHERE is_transfer"
    )
    assert {(row["transaction_id"], row["transfer_counterpart_id"]) for row in rows} == {
        ("rent", "repayment"),
        ("repayment", "rent"),
    }


def test_a_persons_word_goes_before_the_rules(marts: Warehouse) -> None:
    """Their category stands whole, a note follows from the pending row, and a hidden row is not there."""
    rows = marts.rows(
        "SELECT transaction_id, category_primary, category_detailed, category_source, note"
        " FROM analytics.fct_transactions"
    )
    found = {row.pop("transaction_id"): tuple(row.values()) for row in rows}
    assert found["late_fee"] == ("BANK_FEES", None, "user", None)
    assert found["coffee"][0::3] == ("FOOD_AND_DRINK", "with Ada")
    assert "hidden" not in found


def test_transfers_are_neither_income_nor_spending(marts: Warehouse) -> None:
    """What moved between own accounts stands apart; a proposed transfer is none yet."""
    rows = marts.rows(
        "SELECT currency, income, spending, transferred_in, transferred_out FROM analytics.fct_monthly_flows"
    )
    assert {tuple(row.values()) for row in rows} == {("EUR", 30, 5, 20, 20), ("USD", 0, 8, 0, 0)}


def test_an_account_shows_its_newest_balances_in_its_own_currency(marts: Warehouse) -> None:
    """A newer figure in another currency does not count, and a missing balance is NULL."""
    rows = marts.rows("SELECT * FROM analytics.dim_accounts ORDER BY account_id")
    card, checking = rows
    assert (checking["current_balance"], checking["available_balance"]) == (100, 80)
    assert checking["current_balance_on"] == date(2024, 5, 3)
    assert (card["current_balance"], card["available_balance"]) == (None, None)


def test_daily_balances_run_backwards_from_the_newest_balance(marts: Warehouse) -> None:
    """100 on the 3rd, less the salary of that day before it, less the fee after it."""
    rows = marts.rows(
        "SELECT balance_on, opening_balance, inflow, outflow, closing_balance, balance_basis"
        " FROM analytics.fct_daily_balances WHERE account_id = 'checking' ORDER BY balance_on"
    )
    assert [tuple(row.values()) for row in rows] == [
        (date(2024, 5, 1), Decimal("93.5"), 0, Decimal("23.5"), 70, "reconstructed"),
        (date(2024, 5, 2), 70, 0, 0, 70, "reconstructed"),
        (date(2024, 5, 3), 70, 30, 0, 100, "observed"),
        (date(2024, 5, 4), 100, 0, Decimal("1.5"), Decimal("98.5"), "projected"),
    ]


def test_flows_in_another_currency_are_counted_and_not_added(marts: Warehouse) -> None:
    """Dollars never enter a balance in euros, nor do they vanish."""
    [row] = marts.rows(
        "SELECT transaction_count, other_currency_count FROM analytics.fct_daily_balances"
        " WHERE account_id = 'checking' AND balance_on = '2024-05-04'"
    )
    assert (row["transaction_count"], row["other_currency_count"]) == (
        2,
        2,
    )  # the hidden row moved money, too


def test_an_account_without_a_balance_has_flows_and_unknown_balances(marts: Warehouse) -> None:
    """Unknown is NULL, never 0."""
    [row] = marts.rows("SELECT * FROM analytics.fct_daily_balances WHERE account_id = 'card'")
    assert (row["inflow"], row["closing_balance"], row["opening_balance"]) == (20, None, None)
    assert row["balance_basis"] == "unknown"


def test_connections_tell_their_size_and_freshness(marts: Warehouse) -> None:
    """A connection that should sync is fresh, stale or never synced; any other is none of these."""
    rows = marts.rows("SELECT * FROM analytics.dim_connections")
    by_id = {row["connection_id"]: row for row in rows}
    assert {name: row["freshness"] for name, row in by_id.items()} == {
        "fresh": "fresh",
        "late": "stale",
        "new": "never_synced",
        "gone": "not_syncing",
    }
    assert (by_id["fresh"]["account_count"], by_id["fresh"]["transaction_count"]) == (1, 7)
    assert (by_id["gone"]["account_count"], by_id["gone"]["first_booked_on"]) == (0, None)


def test_sync_attempts_are_a_query(marts: Warehouse) -> None:
    """Outcome, cause and duration of each attempt stand in a table."""
    rows = marts.rows("SELECT * FROM analytics.fct_sync_attempts ORDER BY attempt_id")
    assert [(row["outcome"], row["error_code"], row["duration_s"]) for row in rows] == [
        ("completed", None, Decimal("2.5")),
        ("failed", "timeout", 1),
    ]


def test_the_analyst_reads_every_model_and_nothing_else(marts: Warehouse) -> None:
    """The read-only role sees `analytics`; ledger and credentials stay closed."""
    models = marts.rows(
        "SELECT relname FROM pg_class"
        " WHERE relkind IN ('r', 'v') AND relnamespace = 'analytics'::regnamespace"
    )
    assert len(models) == 26
    with marts.analyst.connect() as connection:
        for model in models:
            connection.execute(text(f"SELECT count(*) FROM analytics.{model['relname']}"))
    for closed in ("bank.credentials", "bank.transactions", "raw.pages"):
        with marts.analyst.connect() as connection, pytest.raises(ProgrammingError):
            connection.execute(text(f"SELECT 1 FROM {closed}"))


def test_everything_lands_in_the_schema_analytics(marts: Warehouse) -> None:
    """No suffixed schema appears beside it."""
    rows = marts.rows("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'")
    assert {row["nspname"] for row in rows} == {"raw", "bank", "analytics", "public"}


def test_a_ledger_that_disagrees_with_the_mart_fails_the_completeness_test(marts: Warehouse) -> None:
    """One cent of difference in a settled row is enough."""
    marts.run("UPDATE bank.transactions SET amount = amount - 0.01 WHERE transaction_id = 'rent'")
    try:
        assert run_dbt(marts.settings, ["test", "--select", "transactions_equal_ledger"]) == 1
        assert failures(marts) == {"transactions_equal_ledger"}
    finally:
        marts.run("UPDATE bank.transactions SET amount = amount + 0.01 WHERE transaction_id = 'rent'")


def test_a_sync_during_the_build_is_not_taken_for_a_loss(marts: Warehouse) -> None:
    """A row the ledger gained after the build is judged by the next build."""
    marts.run(
        "UPDATE bank.transactions SET removed_at = NULL, changed_at = now() WHERE transaction_id = 'removed'",
        "UPDATE bank.transactions SET removed_at = now(), changed_at = now() WHERE transaction_id = 'salary'",
    )
    try:
        assert run_dbt(marts.settings, ["test", "--select", "transactions_equal_ledger"]) == 0
    finally:
        marts.run(
            "UPDATE bank.transactions SET removed_at = changed_at, changed_at = first_seen_at"
            " WHERE transaction_id = 'removed'",
            "UPDATE bank.transactions SET removed_at = NULL, changed_at = first_seen_at"
            " WHERE transaction_id = 'salary'",
        )


def test_wrong_figures_in_a_mart_fail_the_arithmetic_tests(marts: Warehouse) -> None:
    """Every sum that must hold has a test that notices when it does not."""
    marts.run(
        "UPDATE analytics.fct_daily_balances SET closing_balance = closing_balance + 1"
        " WHERE balance_basis = 'observed'",
        "UPDATE analytics.fct_daily_balances SET inflow = inflow + 1 WHERE account_id = 'card'",
        "INSERT INTO analytics.fct_daily_balances SELECT * FROM analytics.fct_daily_balances"
        " WHERE balance_on = '2024-05-02'",
        "UPDATE analytics.fct_transactions SET amount = amount * 2 WHERE transaction_id = 'coffee'",
        "UPDATE analytics.fct_monthly_flows SET spending = spending + 1 WHERE currency = 'EUR'",
        "UPDATE analytics.dim_connections SET transaction_count = transaction_count + 1"
        " WHERE connection_id = 'fresh'",
    )
    try:
        assert run_dbt(marts.settings, ["test", "--select", "test_type:singular"]) == 1
        assert failures(marts) == {
            "daily_balance_adds_up",
            "daily_balance_meets_observed_balance",
            "daily_balance_flows_equal_transactions",
            "daily_balance_has_one_row_per_account_and_day",
            "transactions_equal_ledger",
            "connection_counts_equal_marts",
            "monthly_flows_add_up",
        }
    finally:
        assert run_dbt(marts.settings, ["build", "--exclude-resource-type", "unit_test"]) == 0


def test_recurring_payments(marts: Warehouse) -> None:
    """A stream carries its account, person and website, and what it costs in a month of average length."""
    monthly, twice, weekly = marts.rows("SELECT * FROM analytics.fct_recurring_payments ORDER BY cadence")
    assert (monthly["user_id"], monthly["account_name"]) == ("person", "Checking")
    assert (monthly["merchant_domain"], monthly["is_income"]) == ("coffee.example", False)
    assert (monthly["monthly_amount"], monthly["next_on"]) == (20, date(2024, 6, 1))
    assert (twice["monthly_amount"], twice["is_income"]) == (60, True)
    assert (weekly["monthly_amount"], weekly["state"]) == (Decimal("304.38"), "ended")


def test_transactions_of_a_stream(marts: Warehouse) -> None:
    """A live transaction names its stream; removed and hidden ones are not there, others name none."""
    joined = marts.rows(
        "SELECT t.transaction_id, s.cadence FROM analytics.fct_transactions AS t "
        "JOIN analytics.fct_recurring_payments AS s ON s.stream_id = t.recurring_stream_id"
    )
    assert joined == [{"transaction_id": "rent", "cadence": "monthly"}]


def test_a_stream_that_contradicts_itself_is_told(marts: Warehouse) -> None:
    """The test of the mart fails when an ended stream still expects a payment."""
    marts.run("UPDATE bank.recurring_streams SET state = 'ended' WHERE stream_id = 'stream-rent'")
    try:
        assert run_dbt(marts.settings, ["build", "--select", "fct_recurring_payments"]) != 0
        assert failures(marts) == {"recurring_payments_fit_their_dates"}
    finally:
        marts.run("UPDATE bank.recurring_streams SET state = 'active' WHERE stream_id = 'stream-rent'")
        assert run_dbt(marts.settings, ["build", "--select", "fct_recurring_payments"]) == 0
