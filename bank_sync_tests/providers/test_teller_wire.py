"""Teller's rows, hand-written after its documentation.

Belongs here: signs per account type and what is set aside. Does not belong here: calls.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bank_sync.domain.models import (
    AccountRecord,
    AccountReference,
    AccountState,
    BalanceRecord,
    BalanceRole,
    Page,
    Part,
    Posting,
    Rejected,
    TransactionRecord,
)
from bank_sync.providers.teller import wire

ROW: dict[str, Any] = {
    "account_id": "acc_1",
    "amount": "-86.46",
    "date": "2026-07-15",
    "description": "TRANSFER TO SAVINGS 7791",
    "details": {
        "processing_status": "complete",
        "category": "general",
        "counterparty": {"name": "YOURSELF", "type": "person"},
    },
    "status": "posted",
    "id": "txn_1",
    "running_balance": "28575.02",
    "type": "word_nobody_knows",
}
ACCOUNT: dict[str, Any] = {
    "currency": "USD",
    "enrollment_id": "enr_1",
    "id": "acc_1",
    "institution": {"id": "security_cu", "name": "Security Credit Union"},
    "last_four": "7857",
    "links": {"self": "https://api.teller.io/accounts/acc_1"},
    "name": "My Checking",
    "subtype": "money_market",
    "type": "depository",
    "status": "closed",
}
ACCOUNTS = {
    "acc_1": AccountReference("1", "acc_1", "depository", "USD"),
    "acc_2": AccountReference("2", "acc_2", "credit", "USD"),
}


def page(value: object) -> Page:
    """Any page."""
    return Page(Part.TRANSACTIONS, json.dumps(value))


def test_a_payment_from_checking() -> None:
    """On a depository account negative is money out already."""
    (record,) = wire.read_transactions(page([ROW]), ACCOUNTS)
    assert record == TransactionRecord(
        provider_account_id="acc_1",
        provider_transaction_id="txn_1",
        posting=Posting.POSTED,
        amount=Decimal("-86.46"),
        currency="USD",
        booked_on=date(2026, 7, 15),
        description="TRANSFER TO SAVINGS 7791",
        counterparty_name="YOURSELF",
        provider_category="general",
        provider_type="word_nobody_knows",
    )


@pytest.mark.parametrize(("wire_amount", "amount"), [("29", "-29.00"), ("-200.00", "200.00"), ("0", "0.00")])
def test_a_card(wire_amount: str, amount: str) -> None:
    """On a credit account positive is a purchase: money out; amounts may lack decimals."""
    (record,) = wire.read_transactions(page([ROW | {"account_id": "acc_2", "amount": wire_amount}]), ACCOUNTS)
    assert isinstance(record, TransactionRecord)
    assert str(record.amount) == amount


def test_a_row_that_is_not_enriched_yet() -> None:
    """Details may be null in part or whole."""
    rows = [ROW | {"details": None}, ROW | {"details": {"category": None, "counterparty": None}}]
    assert not [row for row in wire.read_transactions(page(rows), ACCOUNTS) if isinstance(row, Rejected)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "1,200.00"}, "amount_not_a_number"),
        ({"amount": "NaN"}, "amount_not_finite"),
        ({"amount": 12.5}, "invalid:amount"),
        ({"date": "15/07/2026"}, "invalid:date"),
        ({"account_id": "acc_9"}, "unknown_account"),
        ({"status": "word_nobody_knows"}, "invalid:status"),
    ],
)
def test_a_bad_row(change: dict[str, object], reason: str) -> None:
    """It is set aside with its place and reason, and its neighbours go on."""
    first, second = wire.read_transactions(page([ROW | change, ROW]), ACCOUNTS)
    assert first == Rejected(reason, "transactions[0]")
    assert isinstance(second, TransactionRecord)


def test_an_answer_that_is_no_list() -> None:
    """The page is set aside as one."""
    assert list(wire.read_transactions(page({"rows": []}), ACCOUNTS)) == [Rejected("not_a_list", "page")]


@pytest.mark.parametrize(("account_id", "current"), [("acc_1", "28575.02"), ("acc_2", "-28575.02")])
def test_balances(account_id: str, current: str) -> None:
    """A card's ledger is owed and becomes negative; a missing available stays missing."""
    body = page({"account_id": account_id, "ledger": "28575.02", "available": None})
    (record,) = wire.read_balances(body, ACCOUNTS)
    assert isinstance(record, BalanceRecord)
    assert (record.role, record.balance_type, str(record.amount)) == (BalanceRole.CURRENT, "ledger", current)


def test_an_account() -> None:
    """It keeps its key when its id changes, and says that it is closed."""
    first, second = wire.read_accounts(page([ACCOUNT, ACCOUNT | {"id": "acc_9", "enrollment_id": "enr_9"}]))
    assert isinstance(first, AccountRecord)
    assert isinstance(second, AccountRecord)
    assert first.stable_key == second.stable_key
    assert (first.state, first.subtype, first.mask) == (AccountState.CLOSED, "money market", "7857")
