"""Takes away what stands behind a merchant's name, and mends what was cut: places, legal forms, stumps.

Belongs here: words behind the name. Does not belong here: words in front of it (`rails`).
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from bank_sync.categorization.compounds import is_piece
from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.names import is_listed, is_trade, trades_from
from bank_sync.categorization.phrases import PhraseIndex, folded

_RAILS = toml_table("rails.toml")
_PLACES = toml_table("places.toml")
_LONGEST_CODE = 5  # letters, as in "nswau"
_CITIES = frozenset(row["name"] for row in csv_rows("cities.csv") if row["kind"] == "city")
_CUTS = PhraseIndex((phrase, None) for phrase in _RAILS["cuts"])
_TAILS = PhraseIndex(
    (phrase, None)
    for phrase in (
        *_PLACES["cities"],
        *_CITIES,
        *_PLACES["countries"],
        *_PLACES["states"],
        *_RAILS["legal_forms"],
        *_RAILS["noise"],
    )
)
_STATES_AND_COUNTRIES = frozenset(
    code for code in (*_PLACES["countries"], *_PLACES["states"]) if len(code) <= _LONGEST_CODE
).difference(_RAILS["legal_forms"], _RAILS["noise"], _PLACES["words"])
_LONGEST_TAIL = 4
_JOINING = frozenset(("de", "del", "la", "le", "des", "du", "di", "da", "of", "the", "zum", "zur"))
_FULL_MONTH = 4
# Short forms ("mar") are removed only beside a number; as words of their own they may be part of a name.
_MONTH_NAMES = frozenset(folded(month) for month in _RAILS["months"] if len(month) >= _FULL_MONTH)
_TELLING_STUMP = 5  # letters from which what is left of a cut word says which word it was
_LETTERS_BEHIND = re.compile(r"[^\W\d_]+$")
_MOST_REMEMBERED = 65_536


def without_references(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return plain words up to the first that says that references, people or machines follow."""
    for match in _CUTS.find(plain):
        if match.start > 0:
            return plain[: match.start]
    return plain


def without_months(words: Sequence[str], plain: Sequence[str]) -> list[str]:
    """Return `words`, given with their plain forms, without names of months, unless nothing else is there."""
    kept = [word for word, bare in zip(words, plain, strict=True) if bare not in _MONTH_NAMES]
    return kept or list(words)


def name_words(plain: tuple[str, ...]) -> tuple[str, ...]:
    """Return plain words without the places, legal forms and fillers behind the merchant's name.

    A trade alone, as in "pizzeria", names nobody: the place behind it stays. Before the code of a state or a
    country, card networks write a town, known or not.
    """
    coded = False
    while (end := _tail_start(plain)) is not None and not _trade_alone(plain[:end]):
        coded = plain[end] in _STATES_AND_COUNTRIES
        plain = plain[:end]
    if not coded or len(plain) == 1 or is_piece(plain[-1]) or is_listed(plain):
        return plain
    before = _before_city(plain[-1])
    return (*plain[:-1], before) if before else plain[:-1]


def city_behind(word: str) -> str:
    """Return the city that is written behind digits without a space, as at fixed widths, or nothing."""
    found = _LETTERS_BEHIND.search(word)
    return found.group() if found and found.group() in _CITIES else ""


def _before_city(word: str) -> str:
    """Return what stands before a city written without a space, where that can be more than a stump."""
    for start in range(_TELLING_STUMP, len(word) - _TELLING_STUMP):
        if word[start:] in _CITIES:
            return word[:start]
    return ""


def names_nobody(plain: tuple[str, ...]) -> bool:
    """Tell whether nothing is left but a place, a legal form or a filler."""
    return not plain or (len(plain) == 1 and _TAILS.holds(plain))


def mended(words: Sequence[str]) -> list[str]:
    """Return a name's words without single letters behind them, a cut last word as it was if that is clear.

    A city's beginning behind the name goes like the city itself.
    """
    kept = list(words)
    while len(kept) > 1 and len(kept[-1]) == 1 and any(len(word) > 1 for word in kept):
        kept.pop()
    if len(kept) > 1:
        last = folded(kept[-1])
        whole, is_city = _whole(last), _begins_city(last)
        if whole is not None and not (is_city and len(last) == _TELLING_STUMP):
            kept[-1] = whole
        elif whole is None and is_city and not _trade_alone(tuple(map(folded, kept[:-1]))):
            kept.pop()
    return kept


@lru_cache(_MOST_REMEMBERED)
def _whole(stump: str) -> str | None:
    """Return the one trade that a word nobody knows can be the beginning of; of its forms the shortest."""
    if len(stump) < _TELLING_STUMP or is_piece(stump) or stump in _CITIES or is_listed((stump,)):
        return None
    trades = trades_from(stump)
    shortest = min(trades, key=len, default="")
    return shortest if shortest and all(trade.startswith(shortest) for trade in trades) else None


@lru_cache(_MOST_REMEMBERED)
def _begins_city(stump: str) -> bool:
    return len(stump) >= _TELLING_STUMP and not is_piece(stump) and stump in _city_beginnings()


@cache
def _city_beginnings() -> frozenset[str]:
    return frozenset(city[:end] for city in _CITIES for end in range(_TELLING_STUMP, len(city)))


def _trade_alone(words: tuple[str, ...]) -> bool:
    if len(words) > 1 and is_listed(words):
        return False
    telling = [word for word in words if word not in _JOINING]
    return len(telling) <= 1 and all(map(is_trade, telling))


def _tail_start(words: tuple[str, ...]) -> int | None:
    """Return where a place, legal form or filler at the end begins, or None if there is none."""
    if not words or not (_TAILS.may_end(words[-1]) or words[-1] == "&"):
        return None
    if words[-1] == "shop" and len(words) > 1 and is_trade(words[-2]):
        return None
    for length in range(min(_LONGEST_TAIL, len(words)), 0, -1):
        start = len(words) - length
        if _TAILS.holds(words[start:]):
            return start if start > 0 else None
    return len(words) - 1 if words[-1] == "&" and len(words) > 1 else None
