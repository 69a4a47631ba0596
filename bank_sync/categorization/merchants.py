"""Turns a bank's descriptor into the merchant's name and a key that stays the same from month to month.

Belongs here: removing what payment rails put around a merchant's name. Does not belong here: choosing a
category.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from bank_sync.categorization.brands import BRANDS, Brand, find_brand, key_of
from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.names import is_trade, written
from bank_sync.categorization.phrases import (
    PhraseIndex,
    canonical,
    folded,
    has_digit,
    plain_words,
    split_words,
)
from bank_sync.categorization.rails import prefix_length, without_processor

_RAILS = toml_table("rails.toml")
_PLACES = toml_table("places.toml")

_ROUNDS = 4  # enough in practice for cleaning to reach its fixed point; a limit on principle

_MONTH = "|".join(sorted(_RAILS["months"], key=len, reverse=True))
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[\s./-]*(?:{_MONTH})\b\.?|\b(?:{_MONTH})[\s./-]*\d{{1,4}}\b"
)
_MASK = re.compile(r"(?<!\w)[x*•.]{2,}[\dx*•]*(?!\w)|\b[x*•]{3,}\d*|\*{2,}")
_DIGIT = re.compile("[0-9]")
_MASKING = re.compile("[x*•.]{2}")  # this is in every mask
_BATCH_FIELDS = re.compile(r"\s(?:des|indn|co id):.*")
_SEPA_TAG = re.compile(r"\b(eref|kref|mref|cred|debt|coam|oamt|svwz|abwa|abwe|iban|bic|purp)\+")
_DUTCH_NAME = re.compile(
    r"/name/([^/]+)|\b(?:naam|name):\s*([^:]+?)\s+(?:omschrijving|description|iban|kenmerk)\b"
)
# the shortest merchant part believed before a card network's double space has three letters
_LETTERS = re.compile(r"(?:[^\W\d_].*?){3}")
_COLUMN_GAP = re.compile(r"\s{2,}(?!\s|\*)")

_CUTS = PhraseIndex((phrase, None) for phrase in _RAILS["cuts"])
_TAILS = PhraseIndex(
    (phrase, None)
    for phrase in (
        *_PLACES["cities"],
        *(row["name"] for row in csv_rows("cities.csv") if row["kind"] == "city"),
        *_PLACES["countries"],
        *_PLACES["states"],
        *_RAILS["legal_forms"],
        *_RAILS["noise"],
    )
)
_LONGEST_TAIL = 4
_JOINING = frozenset(("de", "del", "la", "le", "des", "du", "di", "da", "of", "the", "zum", "zur"))
_FULL_MONTH = 4
# Short forms ("mar") are removed only beside a number; as words of their own they may be part of a name.
_MONTH_NAMES = frozenset(folded(month) for month in _RAILS["months"] if len(month) >= _FULL_MONTH)


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
    words = split_words(_unwrapped(canonical(text)))
    words = words[prefix_length(_folded(words)) :]
    brand = find_brand(_folded(words))
    if brand is None:
        words = _core(words)
        brand = find_brand(_folded(words))
    if brand is not None:
        return Merchant(brand.name, brand.key)
    plain = _folded(words)
    listed = written(plain)
    if listed is not None:
        return Merchant(listed, key_of(plain_words(listed)))
    return Merchant(" ".join(word[:1].upper() + word[1:] for word in words), key_of(plain))


def _folded(words: Sequence[str]) -> tuple[str, ...]:
    return tuple([folded(word) for word in words])


def _unwrapped(text: str) -> str:
    """Take the merchant's part out of SEPA fields and card columns; remove dates and masks."""
    text = _sepa_name(_BATCH_FIELDS.sub("", text.strip()))
    text = _undated(text)
    return _first_column(without_processor(text))


def _undated(text: str) -> str:
    """Remove dates and masks; most texts have none, which is quicker to see than to search."""
    if _DIGIT.search(text):
        text = _DATE.sub(" ", text)
    return _MASK.sub(" ", text) if _MASKING.search(text) else text


def statement_column(text: str) -> str:
    """Return what stands before the place in canonical text, dates, masks and SEPA tags taken out."""
    text = text.strip()
    if ":" in text or "+" in text or "/" in text:
        text = _sepa_name(_BATCH_FIELDS.sub("", text))
    text = _undated(text).strip()
    first = _COLUMN_GAP.split(text, maxsplit=1)[0] if "  " in text else text
    return first if first is text or _LETTERS.search(first) else text


def _sepa_name(text: str) -> str:
    dutch = _DUTCH_NAME.search(text)
    if dutch:
        return dutch.group(1) or dutch.group(2)
    if "+" not in text:
        return text
    parts = _SEPA_TAG.split(text)
    fields = dict(zip(parts[1::2], parts[2::2], strict=True))
    candidates = (fields.get("abwa"), parts[0], fields.get("svwz"))
    return next((part for part in candidates if part and part.strip()), text)


def _first_column(text: str) -> str:
    """Card networks pad the merchant to a fixed width and put the city after it."""
    parts = _COLUMN_GAP.split(text.strip(), maxsplit=1)
    if len(parts) == 1:
        return text
    words = split_words(parts[0])
    is_merchant = _LETTERS.search(parts[0]) and not prefix_length(_folded(words))
    return parts[0] if is_merchant else text


def _core(words: Sequence[str]) -> list[str]:
    """Keep the words that name the merchant: no numbers, nothing behind a reference marker, no place."""
    kept = [word for word in words if not has_digit(word)]
    plain = without_references(_folded(kept))
    kept = _without_months(kept[: len(plain)], plain)
    return kept[: len(name_words(_folded(kept)))]


def without_references(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return plain words up to the first that says that references, people or machines follow."""
    for match in _CUTS.find(plain):
        if match.start > 0:
            return plain[: match.start]
    return plain


def name_words(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return plain words without the places, legal forms and fillers behind the merchant's name.

    A trade alone, as in "pizzeria", names nobody: the place behind it stays.
    """
    while (end := _tail_start(plain)) is not None and not _trade_alone(plain[:end]):
        plain = plain[:end]
    return plain


def _trade_alone(words: Sequence[str]) -> bool:
    telling = [word for word in words if word not in _JOINING]
    return len(telling) <= 1 and all(map(is_trade, telling))


def _without_months(kept: list[str], plain: Sequence[str]) -> list[str]:
    return [word for word, bare in zip(kept, plain, strict=True) if bare not in _MONTH_NAMES] or kept


def _tail_start(words: tuple[str, ...]) -> int | None:
    """Return where a place, legal form or filler at the end begins, or None if there is none."""
    if not words or not (_TAILS.may_end(words[-1]) or words[-1] == "&"):
        return None
    for length in range(min(_LONGEST_TAIL, len(words)), 0, -1):
        start = len(words) - length
        if _TAILS.holds(words[start:]):
            return start if start > 0 else None
    return len(words) - 1 if words[-1] == "&" and len(words) > 1 else None
