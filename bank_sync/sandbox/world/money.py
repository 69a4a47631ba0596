"""Amounts in the currencies of the world: minor units, rates and exact text.

Here: arithmetic on money. Not here: how a provider signs or spells an amount.
"""

from decimal import ROUND_HALF_EVEN, Decimal

_MINOR_UNITS = {"JPY": 0, "KWD": 3}

# How many units of a currency one euro buys; a pretend world keeps them fixed so that the past never moves.
_PER_EURO = {
    "EUR": Decimal(1),
    "USD": Decimal("1.10"),
    "GBP": Decimal("0.85"),
    "SEK": Decimal("11.20"),
    "CHF": Decimal("0.95"),
    "JPY": Decimal(162),
    "KWD": Decimal("0.338"),
}


def minor_units(currency: str) -> int:
    """How many decimals the currency has: 0 for JPY, 3 for KWD, 2 for the others here."""
    return _MINOR_UNITS.get(currency, 2)


def from_minor(minor: int, currency: str) -> Decimal:
    """An amount from a whole number of the currency's smallest coin."""
    return Decimal(minor).scaleb(-minor_units(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount at the currency's own number of decimals (half even)."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_EVEN)


def rate(source: str, target: str) -> Decimal:
    """How many units of `target` one unit of `source` buys, at six decimals."""
    return (_PER_EURO[target] / _PER_EURO[source]).quantize(Decimal("0.000001"))
