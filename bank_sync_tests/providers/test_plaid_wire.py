"""Plaid's rows, hand-written after its documentation.

Belongs here: signs, dates, digits and what is set aside. Does not belong here: calls.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bank_sync.domain.models import (
    BalanceRole,
    Page,
    Part,
    Posting,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.providers.plaid import wire

ROW: dict[str, Any] = {
    "transaction_id": "t1",
    "account_id": "a1",
    "amount": 12.1,
    "iso_currency_code": "USD",
    "unofficial_currency_code": None,
    "date": "2026-02-28",
    "authorized_date": "2026-02-27",
    "name": "Blue Bottle",
    "original_description": "SQ *BLUE BOTTLE 123 OAKLAND CA",
    "merchant_name": "Blue Bottle Coffee",
    "pending": False,
    "pending_transaction_id": "t0",
    "payment_channel": "in store",
    "transaction_code": None,
    "counterparties": [{"name": "Blue Bottle Coffee", "type": "word_nobody_knows"}],
    "personal_finance_category": {
        "primary": "NEW",
        "detailed": "NEW_WORD",
        "confidence_level": "VERY_HIGH",
    },
}
ACCOUNT: dict[str, Any] = {
    "account_id": "a1",
    "balances": {"available": 900, "current": 100.5, "limit": 1000, "iso_currency_code": "USD"},
    "mask": "3333",
    "name": "Card",
    "official_name": None,
    "type": "credit",
    "subtype": "credit card",
}


def sync_page(**lists: object) -> Page:
    """A page of `/transactions/sync`."""
    body = {"added": [], "modified": [], "removed": [], "next_cursor": "c", "has_more": False, **lists}
    return Page(Part.TRANSACTIONS, json.dumps(body))


def accounts_page(*accounts: dict[str, Any]) -> Page:
    """A page of `/accounts/get`."""
    body = {"accounts": list(accounts), "item": {"item_id": "i1", "institution_id": "ins_1"}}
    return Page(Part.ACCOUNTS, json.dumps(body))


def test_a_purchase() -> None:
    """Money out is negative, dates stay days, the bank's own text is the description."""
    (record,) = wire.read_transactions(sync_page(added=[ROW]))
    assert record == TransactionRecord(
        provider_account_id="a1",
        provider_transaction_id="t1",
        pending_provider_transaction_id="t0",
        posting=Posting.POSTED,
        amount=Decimal("-12.10"),
        currency="USD",
        booked_on=date(2026, 2, 28),
        authorised_on=date(2026, 2, 27),
        description="SQ *BLUE BOTTLE 123 OAKLAND CA",
        merchant_name="Blue Bottle Coffee",
        counterparty_name="Blue Bottle Coffee",
        provider_category="NEW_WORD",
        provider_category_confidence="VERY_HIGH",
        provider_type="in store",
    )


def test_exact_digits() -> None:
    """No digit is lost between the wire and the record."""
    body = sync_page(added=[ROW | {"amount": 0}]).body.replace(
        '"amount": 0', '"amount": -1234567890123456.78'
    )
    (record,) = wire.read_transactions(Page(Part.TRANSACTIONS, body))
    assert isinstance(record, TransactionRecord)
    assert str(record.amount) == "1234567890123456.78"


def test_a_removal() -> None:
    """It names the row, and comes after what was added."""
    page = sync_page(added=[ROW], removed=[{"transaction_id": "t0", "account_id": "a1"}])
    assert list(wire.read_transactions(page))[-1] == TransactionRemoval("a1", "t0")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "lots"}, "invalid:amount"),
        ({"amount": None}, "invalid:amount"),
        ({"amount": 0.123456789}, "amount_has_too_many_decimals"),
        ({"iso_currency_code": None, "unofficial_currency_code": "DOGE"}, "currency_missing_or_malformed"),
        ({"date": "2026-02-30"}, "invalid:date"),
        ({"date": 1767225600}, "invalid:date"),
        ({"date": "2026-02-28T23:00:00Z"}, "invalid:date"),
        ({"transaction_id": None}, "invalid:transaction_id"),
        ({"pending": "perhaps"}, "invalid:pending"),
        ({"name": None, "original_description": None, "merchant_name": None}, "missing:name"),
    ],
)
def test_a_bad_row(change: dict[str, object], reason: str) -> None:
    """It is set aside with its place and reason, and its neighbours go on."""
    first, second = wire.read_transactions(sync_page(added=[ROW | change, ROW]))
    assert first == Rejected(reason, "added[0]")
    assert isinstance(second, TransactionRecord)


def test_a_row_without_a_date() -> None:
    """The reason names the field."""
    row = {key: value for key, value in ROW.items() if key != "date"}
    assert list(wire.read_transactions(sync_page(modified=[row]))) == [
        Rejected("missing:date", "modified[0]")
    ]


def test_a_page_without_its_lists() -> None:
    """The page is set aside as one."""
    page = Page(Part.TRANSACTIONS, '{"added": []}')
    assert list(wire.read_transactions(page)) == [Rejected("missing:modified", "page")]


def test_a_nul_in_a_text() -> None:
    """It is removed, as no database stores it."""
    (record,) = wire.read_transactions(sync_page(added=[ROW | {"original_description": "A\x00B"}]))
    assert isinstance(record, TransactionRecord)
    assert record.description == "AB"


def test_balances_of_a_card() -> None:
    """What is owed is negative; what can be spent and the limit are not."""
    balances = {
        record.role: record.amount
        for record in wire.read_balances(accounts_page(ACCOUNT))
        if not isinstance(record, Rejected)
    }
    assert balances == {
        BalanceRole.CURRENT: Decimal("-100.50"),
        BalanceRole.AVAILABLE: Decimal("900.00"),
        BalanceRole.LIMIT: Decimal("1000.00"),
    }


def test_an_overpaid_card() -> None:
    """The bank owes the person: positive."""
    account = ACCOUNT | {"balances": {"current": -20, "iso_currency_code": "USD"}}
    (record,) = wire.read_balances(accounts_page(account))
    assert not isinstance(record, Rejected)
    assert (record.amount, record.provider_amount) == (Decimal("20.00"), Decimal("-20.00"))


def test_a_missing_balance() -> None:
    """Null is no balance, never zero."""
    account = ACCOUNT | {"balances": {"available": None, "current": None, "iso_currency_code": "USD"}}
    assert list(wire.read_balances(accounts_page(account))) == []


def test_a_persistent_account_id() -> None:
    """It alone makes the stable key; without it the description does."""
    renamed = ACCOUNT | {"name": "Other", "account_id": "a2"}
    with_id, with_id_renamed = wire.read_accounts(
        accounts_page(ACCOUNT | {"persistent_account_id": "p"}, renamed | {"persistent_account_id": "p"})
    )
    plain, plain_renamed = wire.read_accounts(accounts_page(ACCOUNT, renamed))
    keys = [
        record.stable_key
        for record in (with_id, with_id_renamed, plain, plain_renamed)
        if not isinstance(record, Rejected)
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_an_account_type_nobody_knows() -> None:
    """It is kept as `other`, with its own finer word."""
    (record,) = wire.read_accounts(accounts_page(ACCOUNT | {"type": "new", "subtype": "newer"}))
    assert not isinstance(record, Rejected)
    assert (record.type, record.subtype) == ("other", "newer")
