"""Amounts are stored exactly or refused; never rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.domain.errors import AmountRefused
from bank_sync.domain.money import currency_code, exact_amount, minor_units


@pytest.mark.parametrize(
    ("text", "currency", "shown"),
    [
        ("12.1", "EUR", "12.10"),
        ("12.1200000", "EUR", "12.12"),
        ("1E+3", "USD", "1000.00"),
        ("1000", "JPY", "1000"),
        ("1.234", "KWD", "1.234"),
        ("1.23456", "EUR", "1.23456"),
        ("-0", "EUR", "0.00"),
        ("1234567890123456.78", "USD", "1234567890123456.78"),
        ("99999999999999999999.12345678", "USD", "99999999999999999999.12345678"),
    ],
)
def test_amount_that_fits(text: str, currency: str, shown: str) -> None:
    """Every digit is kept, and at least the currency's decimals are shown."""
    assert str(exact_amount(text, currency)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "1e400",
        "twelve",
        "",
        "100000000000000000000",
        "0.123456789",
        "99999999999999999999.123456789",
    ],
)
def test_amount_that_does_not_fit(text: str) -> None:
    """What the ledger cannot hold exactly is refused."""
    with pytest.raises(AmountRefused):
        exact_amount(text, "EUR")


@given(st.decimals(min_value=-(10**19), max_value=10**19, places=8))
def test_any_storable_amount(amount: Decimal) -> None:
    """The value is the same, whatever its digits."""
    assert exact_amount(amount, "EUR") == amount


@pytest.mark.parametrize("text", [None, "", "EURO", "E1R", "ÄÖÜ", "  "])
def test_currency_that_is_none(text: str | None) -> None:
    """A missing or malformed currency is refused, never guessed."""
    with pytest.raises(AmountRefused):
        currency_code(text)


def test_minor_units() -> None:
    """ISO 4217's exceptions and its rule."""
    assert (minor_units("EUR"), minor_units("JPY"), minor_units("TND")) == (2, 0, 3)
    assert currency_code(" eur ") == "EUR"
