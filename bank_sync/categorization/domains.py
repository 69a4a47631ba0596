"""The websites of merchants that are known well enough to say.

Belongs here: from a merchant's key to a domain. Does not belong here: fetching anything from there, logos
included: whoever shows one asks for it by the domain.
"""

from functools import cache

from bank_sync.categorization.brands import key_of
from bank_sync.categorization.datafiles import csv_rows
from bank_sync.categorization.phrases import plain_words


def domain_of(merchant_key: str) -> str | None:
    """Return the domain of a merchant's website, such as netflix.com, or None where it is not known."""
    return _domains().get(merchant_key)


@cache
def _domains() -> dict[str, str]:
    return {key_of(plain_words(row["name"])): row["domain"] for row in csv_rows("domains.csv")}
