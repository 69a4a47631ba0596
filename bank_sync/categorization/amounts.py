"""What an amount says about a transaction: its size, in every currency alike, and whether it is round.

Belongs here: bands of amounts. Does not belong here: what a band weighs (`model`).
"""

import math
from functools import cache

BANDS = 8
_ROUND = 5
# Roughly what costs one unit of money in the euro area costs there: prices, not rates of exchange.
_PRICE_LEVELS = {
    "SEK": 10, "NOK": 11, "DKK": 7.5, "ISK": 150, "PLN": 3, "CZK": 17, "HUF": 250, "RON": 3, "BGN": 1.2,
    "UAH": 15, "RUB": 35, "TRY": 15, "ZAR": 9, "INR": 25, "PKR": 60, "BDT": 40, "LKR": 100, "JPY": 120,
    "KRW": 1000, "CNY": 4, "HKD": 6, "TWD": 18, "THB": 14, "PHP": 22, "IDR": 5500, "VND": 9000, "MYR": 2,
    "AED": 3, "SAR": 2.5, "ILS": 4, "EGP": 12, "KES": 45, "NGN": 400, "MXN": 10, "BRL": 3, "ARS": 600,
    "CLP": 500, "COP": 1600, "PEN": 2, "AUD": 1.5, "NZD": 1.6, "CAD": 1.4, "SGD": 1.3,
}  # fmt: skip


def band(amount: float, currency: str) -> float:
    """Return an amount in euros that stands for all that the model cannot tell from it.

    It has the same sign, about the same size, and is as round. What is no number has no sign.
    """
    if not math.isfinite(amount) or not amount:
        return 0.0
    level = _PRICE_LEVELS.get(currency.upper(), 1)
    most = _LARGEST[bucket(amount / level)]
    return math.copysign((most // _ROUND * _ROUND or most) if is_round(amount, level) else most, amount)


def is_round(amount: float, price_level: float = 1) -> bool:
    """Tell whether people, rather than prices, chose an amount; where prices are higher, they round more."""
    return amount != 0 and amount % _unit(price_level) == 0


@cache
def _unit(price_level: float) -> int:
    return int(_ROUND * 10 ** round(math.log10(price_level)))


def bucket(amount: float) -> int:
    """Return which of BANDS an amount of euros falls into, each about three times the one before."""
    return min(BANDS - 1, max(0, int(2 * math.log10(abs(amount) + 0.01) + 1)))


_LARGEST = [10 ** (place / 2) - 0.02 for place in range(BANDS)]  # of each band, just below the next
