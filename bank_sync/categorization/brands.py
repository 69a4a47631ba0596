"""The list of well-known brands: their names, how banks write them, and what one usually buys there.

Belongs here: finding a brand in the words of a descriptor. Does not belong here: cleaning the descriptor, or
weighing the brand's category against other evidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bank_sync.categorization.datafiles import csv_rows
from bank_sync.categorization.phrases import PhraseIndex, has_digit, plain_words

USUAL_CONFIDENCE = 0.92
# Shorter names are too often part of another name to be believed in the middle of a text.
_LONG_ENOUGH_ANYWHERE = 7


@dataclass(frozen=True, slots=True)
class Brand:
    """One brand; `intermediary` marks a payment service that stands before the real merchant."""

    name: str
    key: str
    detailed: str
    confidence: float
    intermediary: bool


@dataclass(frozen=True, slots=True)
class _Alias:
    brand: Brand
    where: str


def key_of(words: Sequence[str]) -> str:
    """Return the stable key for a merchant's plain words: joined by hyphens, without `&` and `and`."""
    return "-".join(word for word in words if word not in ("&", "and"))


def _brand(row: dict[str, str]) -> Brand:
    return Brand(
        name=row["name"],
        key=key_of(plain_words(row["name"])),
        detailed=row["detailed"],
        confidence=float(row["confidence"] or USUAL_CONFIDENCE),
        intermediary=row["where"] == "intermediary",
    )


def _aliases() -> Iterator[tuple[str, _Alias]]:
    for row in csv_rows("brands.csv"):
        brand = _brand(row)
        for alias in (row["name"], *filter(None, row["aliases"].split("|"))):
            words = plain_words(alias)
            letters = sum(map(len, words))
            usual = "anywhere" if letters >= _LONG_ENOUGH_ANYWHERE else "start"
            where = "start" if row["where"] == "alone" and len(words) > 1 else row["where"] or usual
            yield alias, _Alias(brand, where)


_INDEX = PhraseIndex(_aliases())
BRANDS: dict[str, Brand] = {alias.brand.key: alias.brand for _, alias in _aliases()}


def find_brand(words: tuple[str, ...]) -> Brand | None:
    """Return the brand written in `words`, or None: one at the start first, a long name before a short.

    A brand whose name is an everyday word counts only where nothing else is written, numbers aside. A payment
    service gives way to a brand behind it.
    """
    for start, end, alias in _INDEX.find(words):
        if start > 0 and alias.where != "anywhere":
            continue
        if alias.where == "alone" and any(not has_digit(word) for word in words[end:]):
            continue
        behind = find_brand(words[end:]) if alias.brand.intermediary else None
        return behind or alias.brand
    return None
