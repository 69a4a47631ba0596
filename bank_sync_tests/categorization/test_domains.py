"""Websites of merchants: each of a merchant on the list, each a domain."""

from __future__ import annotations

import re

from bank_sync.categorization import merchant
from bank_sync.categorization.brands import BRANDS, key_of
from bank_sync.categorization.datafiles import csv_rows
from bank_sync.categorization.domains import domain_of
from bank_sync.categorization.phrases import plain_words

_DOMAIN = re.compile(r"([a-z0-9-]+\.)+[a-z]{2,}")


def test_every_domain_is_of_a_listed_merchant() -> None:
    """A name that is on no list would never be met; none is there twice."""
    rows = csv_rows("domains.csv")
    keys = [key_of(plain_words(row["name"])) for row in rows]
    assert len(set(keys)) == len(keys) > 500
    assert set(keys) <= set(BRANDS)
    assert all(_DOMAIN.fullmatch(row["domain"]) for row in rows)


def test_from_descriptor_to_domain() -> None:
    """A bank's text leads to the website by the merchant's key; an unknown merchant to none."""
    assert domain_of(merchant("AMZN Mktp UK*2H3QX1").key) == "amazon.com"
    assert domain_of(merchant("QVOZK WJK").key) is None
    assert domain_of("") is None
