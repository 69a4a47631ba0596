"""Amounts, dates and texts of banks reach the ledger as they were told, or are refused; nothing in between.

Belongs here: properties of values from an answer's text to a record (F28, F29, F30). Does not belong here:
what the ledger makes of records (`sync`).
"""

from __future__ import annotations

import json
import math
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bank_sync.domain.models import (
    AccountReference,
    Page,
    Part,
    Posting,
    Rejected,
    TransactionRecord,
)
from bank_sync.domain.money import minor_units
from bank_sync.providers.gocardless import transactions as gocardless
from bank_sync.providers.json_text import decode_json, encode_json
from bank_sync.providers.minimise import minimise
from bank_sync.providers.plaid import wire as plaid
from bank_sync.providers.teller import wire as teller

PROVIDERS = ("plaid", "teller", "gocardless")
CURRENCIES = ("USD", "EUR", "JPY", "KRW", "KWD", "TND", "CLF", "XAU")
ACCOUNT = AccountReference("acc", "a", "depository", "USD")

storable = st.integers(0, 8).flatmap(
    lambda places: st.decimals(min_value=-(10**19), max_value=10**19, places=places)
)


def page_of(provider: str, amount: str, currency: str, booked: str, words: str) -> str:
    """One posted row as a provider's JSON text; `amount` is JSON as it stands, the other texts are quoted."""
    quoted = json.dumps(words)
    if provider == "plaid":
        row = (
            f'{{"transaction_id": "t", "account_id": "a", "amount": {amount}, "date": {json.dumps(booked)}, '
            f'"pending": false, "iso_currency_code": {json.dumps(currency)}, "name": {quoted}}}'
        )
        return f'{{"added": [{row}], "modified": [], "removed": [], "next_cursor": "c", "has_more": false}}'
    if provider == "teller":
        return (
            f'[{{"id": "t", "account_id": "a", "amount": {amount}, "date": {json.dumps(booked)}, '
            f'"status": "posted", "description": {quoted}, "type": "card_payment", '
            '"details": {"category": null, "counterparty": null, "processing_status": "complete"}}]'
        )
    row = (
        f'{{"transactionId": "t", "bookingDate": {json.dumps(booked)}, "transactionAmount": '
        f'{{"amount": {amount}, "currency": {json.dumps(currency)}}}, '
        f'"remittanceInformationUnstructured": {quoted}}}'
    )
    return f'{{"transactions": {{"booked": [{row}], "pending": []}}}}'


def read(provider: str, body: str) -> TransactionRecord | Rejected:
    """The only row of a body, after the way every answer takes into storage."""
    stored = encode_json(minimise(decode_json(body)))
    page = Page(Part.TRANSACTIONS, stored, provider_account_id="a")
    if provider == "plaid":
        (item,) = plaid.read_transactions(page)
    elif provider == "teller":
        (item,) = teller.read_transactions(page, {"a": ACCOUNT})
    else:
        (item,) = gocardless.read_transactions(page)
    assert isinstance(item, TransactionRecord | Rejected)
    return item


def amount_text(provider: str, amount: Decimal) -> str:
    """An amount as the provider writes it: Plaid a number with the sign turned, the others text."""
    return f"{-amount:f}" if provider == "plaid" else json.dumps(f"{amount:f}")


def accepted(provider: str, body: str) -> TransactionRecord:
    """The row, which must not be refused."""
    item = read(provider, body)
    assert isinstance(item, TransactionRecord), item
    return item


@pytest.mark.parametrize("provider", PROVIDERS)
@given(amount=storable, currency=st.sampled_from(CURRENCIES))
@example(amount=Decimal("1234567890123456.78"), currency="USD")
@example(amount=Decimal("12.10"), currency="EUR")
@example(amount=Decimal("-0.00"), currency="EUR")
@example(amount=Decimal("0.001"), currency="KWD")
@example(amount=Decimal(1500), currency="JPY")
def test_every_digit_arrives(provider: str, amount: Decimal, currency: str) -> None:
    """An amount keeps every digit and its sign; zero has none; the currency's decimals are always shown."""
    record = accepted(provider, page_of(provider, amount_text(provider, amount), currency, "2026-03-10", "x"))
    assert record.amount == amount
    shown = record.amount.as_tuple().exponent
    assert isinstance(shown, int)
    assert -shown >= minor_units(record.currency)
    assert str(record.amount).startswith("-") == (amount < 0)
    assert record.posting is Posting.POSTED


@pytest.mark.parametrize("provider", PROVIDERS)
@given(amount=storable.filter(bool))
def test_one_sign_for_all(provider: str, amount: Decimal) -> None:
    """Money in is positive at every provider, whatever its own convention."""
    record = accepted(provider, page_of(provider, amount_text(provider, amount), "USD", "2026-03-10", "x"))
    assert math.copysign(1, record.amount) == math.copysign(1, amount)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "amount",
    ['"NaN"', '"Infinity"', '"-Infinity"', '"1e400"', '"twelve"', '""', "null", "true", "[]", "{}",
     '"0.123456789"', '"100000000000000000000"', '"12,10"', '"1 000.00"'],
)  # fmt: skip
def test_no_amount(provider: str, amount: str) -> None:
    """What is no amount, or has more digits than are stored, is set aside with a reason, never rounded."""
    item = read(provider, page_of(provider, amount, "USD", "2026-03-10", "x"))
    assert isinstance(item, Rejected)
    assert re.fullmatch(r"[a-zA-Z_]+(:[\w.]+)?", item.reason)


@given(st.integers(min_value=309, max_value=100_000))
def test_numbers_beyond_all_floats(exponent: int) -> None:
    """A number no float holds is refused, not turned into infinity."""
    item = read("plaid", page_of("plaid", f"1e{exponent}", "USD", "2026-03-10", "x"))
    assert isinstance(item, Rejected)


@pytest.mark.parametrize("provider", ["plaid", "gocardless"])
@pytest.mark.parametrize("currency", ["", "DOLLARS", "US", "12€", "U$D"])
def test_no_currency(provider: str, currency: str) -> None:
    """An amount without a currency is no money: it is set aside."""
    body = page_of(provider, amount_text(provider, Decimal("1.00")), currency, "2026-03-10", "x")
    assert isinstance(read(provider, body), Rejected)


@pytest.mark.parametrize("provider", PROVIDERS)
@given(booked=st.dates())
@example(booked=date(2024, 2, 29))
@example(booked=date(2026, 3, 29))
@example(booked=date(1900, 1, 1))
@example(booked=date(9999, 12, 31))
def test_a_date_is_a_date(provider: str, booked: date) -> None:
    """A bank's day arrives as that day: leap days, days of the clock change, far past and future."""
    amount = amount_text(provider, Decimal(1))
    assert accepted(provider, page_of(provider, amount, "USD", booked.isoformat(), "x")).booked_on == booked


@given(
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    clock=st.times(),
    offset_h=st.integers(-12, 14),
)
def test_a_moment_is_the_day_as_written(day: date, clock: object, offset_h: int) -> None:
    """Of a moment in the bank's zone the written day counts, never the day elsewhere."""
    moment = f"{day.isoformat()}T{clock}{offset_h:+03d}:00"
    row = {
        "transactionId": "t",
        "bookingDateTime": moment,
        "transactionAmount": {"amount": "1.00", "currency": "EUR"},
    }
    body = json.dumps({"transactions": {"booked": [row], "pending": []}})
    assert accepted("gocardless", body).booked_on == day


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "booked", ["2023-02-29", "2026-13-01", "26-03-10", "20260310", "2026-03-10T00:00:00Z", "", "0000-01-01"]
)
def test_no_date(provider: str, booked: str) -> None:
    """A day that does not exist, or is written otherwise, is set aside and not guessed at."""
    body = page_of(provider, amount_text(provider, Decimal(1)), "USD", booked, "x")
    if provider == "gocardless" and booked == "":
        body = body.replace('"bookingDate": "", ', "")
    assert isinstance(read(provider, body), Rejected)


@pytest.mark.parametrize("provider", PROVIDERS)
@given(words=st.text(min_size=1, max_size=50))
@example(words="=HYPERLINK(1)")
@example(words="\u202eevil\u202c")
@example(words="👩‍👩‍👧‍👦 ☕️")
@example(words="a\x00b")
@example(words="a\ud800b")
@example(words="x" * 100_000)
def test_texts_arrive_as_told(provider: str, words: str) -> None:
    """Texts round-trip; only what PostgreSQL cannot store (NUL, lone surrogates) is left out."""
    body = page_of(provider, amount_text(provider, Decimal(1)), "USD", "2026-03-10", words)
    item = read(provider, body)
    kept = "".join(letter for letter in words if letter != "\x00" and not "\ud800" <= letter <= "\udfff")
    if isinstance(item, Rejected):
        assert not kept.strip()
    else:
        item.description.encode()  # storable
        assert item.description.replace("\ufffd", "").strip() == kept.replace("\ufffd", "").strip()
