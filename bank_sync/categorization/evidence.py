"""Gathers what is known of one transaction, for rules and model alike.

Belongs here: reading the text once and asking every list about it. Does not belong here: what decides
(`categorize`).
"""

from functools import cache

from bank_sync.categorization.brands import find_brand
from bank_sync.categorization.features import Seen
from bank_sync.categorization.names import known
from bank_sync.categorization.reading import Reading, read
from bank_sync.categorization.rules import KEYWORDS, Circumstances


def heard(description: str, merchant_name: str | None) -> Reading:
    """Return the words of a transaction; a provider's name of the merchant comes before the bank's."""
    reading = read(description)
    if not merchant_name or not merchant_name.strip():
        return reading
    named = read(merchant_name)
    return Reading((*reading.all, *named.all), named.core or reading.core)


def look(reading: Reading, amount: float, account: str) -> Seen:
    """Return all that the lists say; `amount` is positive for money in, `account` an `account_kind`."""
    core = reading.core
    circumstances = Circumstances(amount > 0, amount < 0, account)
    return Seen(
        reading,
        circumstances,
        amount,
        known(core),
        find_brand(core),
        KEYWORDS.applicable(core, circumstances),
    )


@cache
def account_kind(account_type: str) -> str:
    """Return depository, credit or loan for what a provider calls an account."""
    kind = account_type.lower()
    if "credit" in kind or "card" in kind:
        return "credit"
    return "loan" if "loan" in kind or "mortgage" in kind else "depository"
