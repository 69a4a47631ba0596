"""Exact money: how many digits a currency has and how an amount becomes storable without rounding.

Belongs here: pure arithmetic on amounts. Does not belong here: signs (each provider's wire module turns its
own convention into ours: positive is money in) and formatting for people.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

from bank_sync.domain.errors import AmountRefused

# ISO 4217 minor units that differ from 2.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_MINOR_UNITS = (
    dict.fromkeys(_NO_DECIMALS.split(), 0)
    | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
    | dict.fromkeys(("CLF", "UYW"), 4)
)

_CURRENCY_CODE_LENGTH = 3
_STORED_DECIMALS = 8  # numeric(28,8): what the ledger's columns hold
_STORED_LIMIT = Decimal(10) ** 20
# Raises instead of rounding; 28 digits are storable, so anything that does not fit 60 is refused anyway.
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])


def minor_units(currency: str) -> int:
    """Number of decimals of an ISO 4217 currency (2 for codes without an exception)."""
    return _MINOR_UNITS.get(currency, 2)


def currency_code(text: str | None) -> str:
    """The currency as stored: three capital letters.

    Raises:
        AmountRefused: no currency, or not a code of three letters.
    """
    code = (text or "").strip().upper()
    if len(code) != _CURRENCY_CODE_LENGTH or not code.isascii() or not code.isalpha():
        raise AmountRefused("currency_missing_or_malformed")
    return code


def exact_amount(value: Decimal | str | int, currency: str) -> Decimal:
    """An amount that `numeric(28,8)` holds without loss, shown with at least the currency's decimals.

    `Decimal("12.1")` in EUR gives `Decimal("12.10")`; digits beyond the currency's own are kept, not rounded.

    Raises:
        AmountRefused: not a number, not finite, or more digits than the ledger stores.
    """
    try:
        amount = Decimal(value)
    except (InvalidOperation, ValueError, TypeError):
        raise AmountRefused("amount_not_a_number") from None
    if not amount.is_finite():
        raise AmountRefused("amount_not_finite")
    if abs(amount) >= _STORED_LIMIT:
        raise AmountRefused("amount_too_large")
    return _at_least(amount, minor_units(currency))


def _at_least(amount: Decimal, decimals: int) -> Decimal:
    """Strip needless zeros, keep at least `decimals` digits, refuse more than the ledger stores."""
    try:
        stripped = _EXACT.normalize(amount)
    except Inexact:
        raise AmountRefused("amount_has_too_many_decimals") from None
    exponent = stripped.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    if digits > _STORED_DECIMALS:
        raise AmountRefused("amount_has_too_many_decimals")
    shown = _EXACT.quantize(stripped, Decimal(1).scaleb(-max(digits, decimals)))
    return shown or abs(shown)  # -0 and 0 are one amount
