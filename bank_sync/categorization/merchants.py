"""Turns a bank's descriptor into the merchant's name and a key that stays the same from month to month.

Belongs here: removing what payment rails put around a merchant's name. Does not belong here: choosing a
category.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from bank_sync.categorization.brands import BRANDS, Brand, find_brand, key_of
from bank_sync.categorization.chains import written
from bank_sync.categorization.columns import named_part, statement_column
from bank_sync.categorization.compounds import apart
from bank_sync.categorization.endings import (
    city_behind,
    mended,
    name_words,
    names_nobody,
    without_months,
    without_references,
)
from bank_sync.categorization.names import is_listed, numbers_in_names
from bank_sync.categorization.phrases import canonical, folded, has_digit, plain_words, split_words
from bank_sync.categorization.rails import prefix_length, without_processor

_ROUNDS = 4  # enough in practice for cleaning to reach its fixed point; a limit on principle
_STUMP = re.compile(r"[^\W\d_]{3,}")
_WEB = re.compile(r"\bwww\.|\.(?:com|co|net|org|io|de|fr|nl|it|es|se|dk|no|fi|ie|ca)\b")


class Merchant(NamedTuple):
    """A merchant's name for people and its key for grouping; both are empty if the text names nobody."""

    name: str
    key: str


def merchant(description: str, merchant_name: str | None = None) -> Merchant:
    """Return the merchant behind a descriptor, preferring the provider's own `merchant_name`.

    Only where that name is a payment service, such as PayPal, may a brand in the description replace it.
    Digits, dates, card masks and a trailing city never change the key; a clean name stays as it is.
    """
    named = _resolve(merchant_name) if merchant_name else Merchant("", "")
    if named.key and not _is_intermediary(named.key):
        return named
    described = _resolve(description)
    if described.key and (not named.key or described.key in BRANDS):
        return described
    return named


def brand_of(found: Merchant) -> Brand | None:
    """Return the brand a merchant is, or None for a merchant not on the list."""
    return BRANDS.get(found.key)


def _is_intermediary(key: str) -> bool:
    return key in BRANDS and BRANDS[key].intermediary


@lru_cache(maxsize=65_536)
def _resolve(text: str) -> Merchant:
    found = _clean(text)
    return found if found.key in BRANDS else _settled(found)


@lru_cache(maxsize=65_536)
def _settled(found: Merchant) -> Merchant:
    for _ in range(_ROUNDS):
        again = _clean(found.name)
        if again == found:
            break
        found = again
    return found


def _clean(text: str) -> Merchant:
    column = statement_column(canonical(text))
    words = split_words(without_processor(named_part(column)))
    words = words[prefix_length(_folded(words)) :]
    brand = find_brand(_folded(words))
    if brand is not None:
        return Merchant(brand.name, brand.key)
    is_address = _WEB.search(column) is not None
    numbers = numbers_in_names(_folded(words))
    # a code such as "f24" is part of the name only where the name with it is a listed one
    if numbers and (found := _listed(_name(words, numbers, is_address=is_address))):
        return found
    named = _name(words, set(), is_address=is_address)
    return _listed(named) or Merchant(
        " ".join(word[:1].upper() + word[1:] for word in named), key_of(_folded(named))
    )


def _listed(words: Sequence[str]) -> Merchant | None:
    """Return the merchant of the lists that the words are or begin with."""
    plain = _folded(words)
    brand = find_brand(plain)
    if brand is not None:
        return Merchant(brand.name, brand.key)
    name = written(plain)
    return Merchant(name, key_of(plain_words(name))) if name is not None else None


def _folded(words: Sequence[str]) -> tuple[str, ...]:
    return tuple([folded(word) for word in words])


def _name(words: Sequence[str], numbers: set[int], *, is_address: bool) -> list[str]:
    """Keep the words that name the merchant: nothing behind a reference marker, no place.

    Of words with digits only those at the places `numbers` are kept.
    """
    kept = [
        word if place in numbers or not has_digit(word) else city_behind(word)
        for place, word in enumerate(words)
    ]
    kept = [word for word in kept if word]
    while kept and kept[0] == "&":
        kept.pop(0)
    plain = without_references(_folded(kept))
    kept = without_months(kept[: len(plain)], plain)
    plain = _folded(kept)
    if not is_listed(plain):
        left = name_words(plain)
        kept = [word if folded(word) == bare else bare for word, bare in zip(kept, left, strict=False)]
        kept = mended(kept)
    if names_nobody(_folded(kept)):
        kept = _lettered(words) or kept
    return [piece for word in kept for piece in _pieces(word, is_address=is_address)]


def _lettered(words: Sequence[str]) -> list[str]:
    """Return the letters before the digits of a first word: "nyctaxi5k88" says whose taxi it was."""
    stump = _STUMP.match(words[0]) if words and has_digit(words[0]) else None
    return [stump.group()] if stump else []


def _pieces(word: str, *, is_address: bool) -> tuple[str, ...]:
    """Return a word written without spaces as several, in an address or where these are a listed name."""
    pieces = apart(word) if word.isascii() else (word,)
    return pieces if is_address or is_listed(pieces) else (word,)
