"""Gathers what is known of one transaction, for rules and model alike.

Belongs here: reading the text once and asking every list about it. Does not belong here: what decides
(`categorize`).
"""

from functools import cache

from bank_sync.categorization.brands import find_brand
from bank_sync.categorization.features import Seen
from bank_sync.categorization.names import known
from bank_sync.categorization.reading import read
from bank_sync.categorization.rules import KEYWORDS, Circumstances


def look(description: str, merchant_name: str | None, amount: float, account_type: str) -> Seen:
    """Return all that the lists say; `amount` is positive for money in, of the account's currency."""
    reading = read(description)
    if merchant_name and merchant_name.strip():
        named = read(merchant_name)
        reading = reading._replace(
            all=(*reading.all, *named.all),
            core=named.core or reading.core,
        )
    core = reading.core
    circumstances = Circumstances(amount > 0, amount < 0, account_kind(account_type))
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
