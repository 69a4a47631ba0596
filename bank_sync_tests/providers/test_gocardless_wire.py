"""GoCardless' rows, hand-written after its documentation and the habits of its banks.

Belongs here: the choice among fields that banks fill or leave empty. Does not belong here: calls.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bank_sync.domain.models import AccountRecord, AccountState, BalanceRecord, Page, Part, Posting, Rejected
from bank_sync.domain.models import TransactionRecord as Row
from bank_sync.providers.gocardless import transactions, wire
from bank_sync.providers.json_text import encode_json
from bank_sync.providers.minimise import minimise

ROW: dict[str, Any] = {
    "transactionId": "2026070101927902-1",
    "internalTransactionId": "5e4bd2a2",
    "transactionAmount": {"currency": "EUR", "amount": "-15.00"},
    "bookingDate": "2026-07-01",
    "valueDate": "2026-07-02",
    "creditorName": "Alderaan Coffee",
    "debtorName": "Jane Doe",
    "remittanceInformationUnstructured": "PAYMENT Alderaan Coffee",
    "bankTransactionCode": "PMNT",
    "merchantCategoryCode": "5814",
}
METADATA: dict[str, Any] = {"id": "a1", "iban": "GL3343697694912188", "status": "READY", "name": "Main"}
DETAILS: dict[str, Any] = {
    "iban": "GL3343697694912188",
    "currency": "EUR",
    "name": "Main Account",
    "product": "Checkings",
    "cashAccountType": "CACC",
}


def read(*booked: object, pending: tuple[object, ...] = ()) -> list[Row | Rejected]:
    """The rows of one answer."""
    body = {"transactions": {"booked": list(booked), "pending": list(pending)}}
    page = Page(Part.TRANSACTIONS, encode_json(minimise(body)), provider_account_id="a1")
    return list(transactions.read_transactions(page))


def read_one(**change: object) -> Row:
    """One good booked row; None takes a field away."""
    row = {key: value for key, value in (ROW | change).items() if value is not None}
    (record,) = read(row)
    assert isinstance(record, Row)
    return record


def read_account(metadata: dict[str, Any], details: dict[str, Any]) -> AccountRecord:
    """One account as it is stored and read."""
    body = minimise({"account": metadata, "details": details, "institution_id": "BANK_X"})
    (record,) = wire.read_accounts(Page(Part.ACCOUNTS, encode_json(body), provider_account_id="a1"))
    assert isinstance(record, AccountRecord)
    return record


def read_balances(*balances: tuple[str, str, str | None]) -> dict[str, tuple[str | None, str]]:
    """Role and amount by type."""
    rows = [
        {"balanceAmount": {"amount": amount, "currency": "EUR"}, "balanceType": name, "referenceDate": day}
        for name, amount, day in balances
    ]
    page = Page(Part.BALANCES, encode_json({"balances": rows}), provider_account_id="a1")
    records = [record for record in wire.read_balances(page) if isinstance(record, BalanceRecord)]
    return {
        record.balance_type: (record.role and record.role.value, str(record.amount)) for record in records
    }


def test_a_purchase() -> None:
    """The sign is ours already, and the payee is the counterparty."""
    assert read_one() == Row(
        provider_account_id="a1",
        provider_transaction_id="5e4bd2a2",
        posting=Posting.POSTED,
        amount=Decimal("-15.00"),
        currency="EUR",
        booked_on=date(2026, 7, 1),
        value_on=date(2026, 7, 2),
        description="PAYMENT Alderaan Coffee",
        counterparty_name="Alderaan Coffee",
        merchant_category_code="5814",
        provider_type="PMNT",
    )


def test_money_in() -> None:
    """The payer is the counterparty."""
    amount = {"currency": "EUR", "amount": "45"}
    assert read_one(transactionAmount=amount).counterparty_name == "Jane Doe"
    assert (
        read_one(transactionAmount=amount, debtorName=None, ultimateDebtor="Firm").counterparty_name == "Firm"
    )


@pytest.mark.parametrize(
    ("change", "booked_on"),
    [
        ({}, date(2026, 7, 1)),
        ({"bookingDate": None, "bookingDateTime": "2026-07-03T23:59:59+02:00"}, date(2026, 7, 3)),
        ({"bookingDate": None}, date(2026, 7, 2)),
        (
            {"bookingDate": None, "valueDate": None, "valueDateTime": "2026-07-04T00:30:00Z"},
            date(2026, 7, 4),
        ),
    ],
)
def test_which_date_counts(change: dict[str, object], booked_on: date) -> None:
    """Booking before value, a day before a moment, and no time zone turns it."""
    assert read_one(**change).booked_on == booked_on


@pytest.mark.parametrize(
    ("change", "identifier"),
    [
        ({"internalTransactionId": None}, "2026070101927902-1"),
        ({"internalTransactionId": None, "transactionId": "NOTPROVIDED"}, None),
        ({"internalTransactionId": None, "transactionId": None}, None),
    ],
)
def test_which_id_counts(change: dict[str, object], identifier: str | None) -> None:
    """GoCardless' own, else the bank's, else none."""
    assert read_one(**change).provider_transaction_id == identifier


def test_an_id_that_stands_twice() -> None:
    """It would make two rows one, so it counts as none."""
    row = {key: value for key, value in ROW.items() if key != "internalTransactionId"}
    assert [record.provider_transaction_id for record in read(row, row) if isinstance(record, Row)] == [
        None,
        None,
    ]


def test_a_pending_row() -> None:
    """It has no id that would last."""
    (record,) = read(pending=(ROW,))
    assert isinstance(record, Row)
    assert (record.posting, record.provider_transaction_id) == (Posting.PENDING, None)


@pytest.mark.parametrize(
    ("change", "description"),
    [
        ({"remittanceInformationUnstructuredArray": ["IGNORED"]}, "PAYMENT Alderaan Coffee"),
        (
            {
                "remittanceInformationUnstructured": None,
                "remittanceInformationUnstructuredArray": ["SVWZ+RE", "NT JUNE"],
            },
            "SVWZ+RE NT JUNE",
        ),
        (
            {
                "remittanceInformationUnstructured": None,
                "remittanceInformationStructured": {"reference": "RF18"},
            },
            "RF18",
        ),
        ({"remittanceInformationUnstructured": " ", "additionalInformation": "CARD"}, "CARD"),
        ({"remittanceInformationUnstructured": None}, "Alderaan Coffee"),
    ],
)
def test_which_text_counts(change: dict[str, object], description: str) -> None:
    """The first one that says something."""
    assert read_one(**change).description == description


@pytest.mark.parametrize("is_list", [True, False])
def test_a_purchase_abroad(is_list: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """The original amount is kept with our sign, whether the exchange is a list or an object."""
    exchange = {"exchangeRate": "1.2", "instructedAmount": {"amount": "40.00", "currency": "usd"}}
    record = read_one(currencyExchange=[exchange] if is_list else exchange)
    assert (record.original_amount, record.original_currency) == (Decimal("-40.00"), "USD")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transactionAmount": {"currency": "EUR", "amount": "12,50"}}, "amount_not_a_number"),
        ({"transactionAmount": {"currency": "", "amount": "1"}}, "currency_missing_or_malformed"),
        ({"transactionAmount": {"currency": "EUR"}}, "missing:transactionAmount.amount"),
        ({"bookingDate": None, "valueDate": None}, "missing:bookingDate"),
        ({"bookingDate": None, "bookingDateTime": "soon"}, "invalid:bookingDateTime"),
    ],
)
def test_a_bad_row(change: dict[str, object], reason: str) -> None:
    """It is set aside with its place and reason, and its neighbours go on."""
    first, second = read(ROW | change, ROW)
    assert first == Rejected(reason, "booked[0]")
    assert isinstance(second, Row)


@pytest.mark.parametrize(("currency", "amount", "shown"), [("JPY", "1200", "1200"), ("KWD", "1.5", "1.500")])
def test_currencies_with_other_decimals(currency: str, amount: str, shown: str) -> None:
    """Yen have none, dinars three."""
    assert str(read_one(transactionAmount={"currency": currency, "amount": amount}).amount) == shown


def test_an_account() -> None:
    """Its key comes from IBAN and currency, and no number is left but the last four."""
    record = read_account(METADATA, DETAILS)
    renamed = read_account(METADATA | {"id": "a2"}, DETAILS | {"name": "Other"})
    in_dollars = read_account(METADATA, DETAILS | {"currency": "USD"})
    assert record.stable_key == renamed.stable_key != in_dollars.stable_key
    assert (record.type, record.subtype, record.mask) == ("depository", "checking", "2188")


def test_a_card_without_iban() -> None:
    """Its masked number stands in."""
    record = read_account({"id": "a1"}, {"currency": "EUR", "maskedPan": "XXXX1234", "status": "blocked"})
    assert (record.type, record.mask, record.state) == ("credit", "1234", AccountState.INACTIVE)


@pytest.mark.parametrize(
    ("balances", "roles"),
    [
        (
            [("closingBooked", "1", None), ("interimBooked", "2.5", None), ("interimAvailable", "3", None)],
            {
                "closingBooked": (None, "1.00"),
                "interimBooked": ("current", "2.50"),
                "interimAvailable": ("available", "3.00"),
            },
        ),
        (
            [("closingAvailable", "1", None), ("forwardAvailable", "2", None)],
            {"closingAvailable": ("current", "1.00"), "forwardAvailable": ("available", "2.00")},
        ),
        ([("information", "-7", None)], {"information": ("current", "-7.00")}),
        ([("wordNobodyKnows", "1", None)], {"wordNobodyKnows": ("current", "1.00")}),
        (
            [("expected", "1", "2026-07-01"), ("expected", "2", "2026-07-02"), ("expected", "3", None)],
            {"expected": ("current", "2.00")},
        ),
        ([], {}),
    ],
)
def test_which_balance_counts(
    balances: list[tuple[str, str, str | None]], roles: dict[str, tuple[str | None, str]]
) -> None:
    """Documented order; of one type the newest; one balance answers one question."""
    assert read_balances(*balances) == roles
