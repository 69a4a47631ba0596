"""F28 to F30: amounts, dates and texts, the whole way from a stored page to the ledger, at each provider.

Belongs here: hostile values in pages made up in each provider's form, as PostgreSQL keeps them. Does not
belong here: all that ends at the record (`domain/test_money_properties.py`).

A value is in the ledger exactly as it was told, or its row waits in quarantine; nothing in between.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bank_sync.domain.models import Page, Part
from bank_sync.providers.json_text import decode_json, encode_json
from bank_sync.providers.minimise import minimise
from bank_sync.storage import raw_pages
from bank_sync.storage.database import transaction
from bank_sync.sync import project
from bank_sync_tests.faults.syncing import PROVIDERS, Person

_names = itertools.count(1)
_HYPOTHESIS = settings(
    max_examples=15,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def row_of(provider: str, identifier: str, account: str, change: Mapping[str, Any]) -> dict[str, Any]:
    """A good row of a provider but for `amount` (a text is a JSON string), `currency`, `day`, `words`."""
    good = {"amount": "5.00", "currency": "EUR", "day": "2026-03-09", "words": "SHOP", **change}
    if provider == "plaid":
        return {
            "transaction_id": identifier,
            "account_id": account,
            "amount": good["amount"],
            "iso_currency_code": good["currency"],
            "date": good["day"],
            "name": good["words"],
            "pending": False,
            "pending_transaction_id": None,
        }
    if provider == "teller":
        return {
            "id": identifier,
            "account_id": account,
            "amount": good["amount"],
            "date": good["day"],
            "description": good["words"],
            "status": "posted",
            "type": "card_payment",
            "details": {"processing_status": "complete", "category": None, "counterparty": None},
        }
    return {
        "internalTransactionId": identifier,
        "transactionAmount": {"amount": good["amount"], "currency": good["currency"]},
        "bookingDate": good["day"],
        "remittanceInformationUnstructured": good["words"],
    }


def tell(person: Person, rows: list[dict[str, Any]]) -> int:
    """Store rows as one page that came over the wire, and project it; gives how many are in quarantine."""
    bodies: dict[str, Any] = {
        "plaid": {"added": rows, "modified": [], "removed": [], "next_cursor": "", "has_more": False},
        "teller": rows,
        "gocardless": {"transactions": {"booked": rows, "pending": []}},
    }
    wire = json.dumps(bodies[person.provider]).replace('"@', "").replace('@"', "")  # numbers as written
    account = None if person.provider == "plaid" else person.accounts()[0]
    page = Page(Part.TRANSACTIONS, encode_json(minimise(decode_json(wire))), account)
    with transaction(person.services.engine) as db:
        raw_pages.store_round(
            db,
            person.connection_id,
            Part.TRANSACTIONS,
            [page],
            cursor_before=None,
            cursor_stored=None,
            generation=0,
            now=person.services.clock(),
        )
    return project.project_transactions(person.services, person.connection_id).quarantined


@pytest.fixture(params=PROVIDERS)
def someone(request: pytest.FixtureRequest, person: Callable[..., Person]) -> Person:
    """A person at each provider in turn, synced."""
    linked = person(request.param)
    linked.sync()
    return linked


def stored(person: Person, prefix: str) -> dict[str, Any]:
    """The ledger's rows by the provider's id."""
    query = text(
        "SELECT * FROM bank.transactions WHERE connection_id = :id AND starts_with("
        "provider_transaction_id, :prefix)"
    )
    with person.services.engine.connect() as db:
        rows = db.execute(query, {"id": person.connection_id, "prefix": prefix}).mappings()
        return {str(row["provider_transaction_id"]): dict(row) for row in rows}


def told(person: Person, change: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """Tell rows with these changes; gives for each the ledger's row, or None when it is in quarantine."""
    prefix = f"v{next(_names)}-"
    account = person.accounts()[0]
    rows = [row_of(person.provider, f"{prefix}{number}", account, each) for number, each in enumerate(change)]
    quarantined = tell(person, rows)
    found = stored(person, prefix)
    assert len(found) + quarantined == len(rows)
    return [found.get(f"{prefix}{number}") for number in range(len(rows))]


_SIGN = {"plaid": -1, "teller": 1, "gocardless": 1}

_digits = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value="-1e15", max_value="1e15")
_odd = st.sampled_from(
    [
        "0",
        "-0",
        "0.00",
        "-0.00",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "1E+2",
        "1,00",
        "999999999999999.99",
        "1000000000000000.01",
        "0.001",
        "1.234",
        "1.2345678",
        "1.23456789012",
        "0x10",
        "--1",
        "٣",
    ]
)


def test_f28_amounts(someone: Person) -> None:
    """Exact to the last digit or quarantined: cents of 10^15, three decimals, -0, NaN, 10^400, nonsense."""

    @_HYPOTHESIS
    @given(st.lists(st.one_of(_digits.map(str), _odd), min_size=5, max_size=20), st.booleans())
    def holds(amounts: list[str], as_text: bool) -> None:  # noqa: FBT001 - drawn
        wire = [amount if as_text or not _is_json_number(amount) else f"@{amount}@" for amount in amounts]
        for amount, row in zip(amounts, told(someone, [{"amount": each} for each in wire]), strict=True):
            if row is not None:
                assert row["amount"] == Decimal(amount) * _SIGN[someone.provider]
            else:
                is_promised = as_text is (someone.provider != "plaid")  # Plaid sends numbers, the others text
                assert not (is_promised and _is_plain(amount)), amount

    holds()


def _is_json_number(amount: str) -> bool:
    try:
        decode_json(amount)
    except ValueError:
        return False
    return amount.strip() == amount != ""


def _is_plain(amount: str) -> bool:
    """What every bank may send, and must not be refused."""
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return False
    return value.is_finite() and abs(value) <= Decimal("1e15") and value == value.quantize(Decimal("0.01"))


_good_days = st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 12, 31)).map(str)
_bad_days = st.sampled_from(
    ["2025-02-29", "2026-13-01", "0000-00-00", "09/03/2026", "", "yesterday", "2026-3-9"]
)


def test_f29_dates(someone: Person) -> None:
    """The bank's day stays that day, from 1900 to far ahead, leap days too; what is no day is quarantined."""

    @_HYPOTHESIS
    @given(st.lists(st.one_of(_good_days, _bad_days), min_size=5, max_size=20))
    def holds(days: list[str]) -> None:
        days = ["2024-02-29", "2026-03-29", "2026-10-25", *days]
        for day, row in zip(days, told(someone, [{"day": day} for day in days]), strict=True):
            if row is None:
                assert not _is_day(day), day
            else:
                assert row["booked_on"] == date.fromisoformat(day)

    holds()


def _is_day(text_: str) -> bool:
    try:
        date.fromisoformat(text_)
    except ValueError:
        return False
    return True


_letters = st.text(st.characters(codec=None, min_codepoint=1, exclude_categories=()), min_size=1, max_size=60)
_hostile = st.sampled_from(
    [
        "=cmd|' /C calc'!A0",
        "\u202egnp.exe",
        "👩‍👩‍👧 café",
        "x" * 100_000,
        "a\x00b",
        "half \ud83d",
        "\ufeff",
        "'; --",
    ]
)


def test_f30_texts(someone: Person) -> None:
    """Any text round-trips but for what PostgreSQL cannot hold (NUL, half a surrogate pair)."""

    @_HYPOTHESIS
    @given(st.lists(st.one_of(_letters, _hostile), min_size=3, max_size=10))
    def holds(texts: list[str]) -> None:
        for wanted, row in zip(texts, told(someone, [{"words": f"<{each}>"} for each in texts]), strict=True):
            assert row is not None
            assert _storable(row["description"]) == _storable(f"<{wanted}>")

    holds()


def _storable(words: str) -> str:
    """Without what no database holds and without what a reader does not see."""
    kept = "".join(letter for letter in words if letter != "\x00" and not "\ud800" <= letter <= "\udfff")
    return kept.replace("\ufffd", "")
