"""The names of merchants that are known beyond the list of brands, and what is bought there.

Belongs here: finding a known name in the words of a merchant, and how much of it was found. Does not belong
here: brands with rules of their own (`brands`), or weighing what a name says against other evidence
(`model`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.phrases import PhraseIndex, has_digit, plain_words
from bank_sync.categorization.taxonomy import primary_of

_TELLING_ALONE = 10  # letters from which a single word says something inside a name
_LONG_WORD = 7  # letters from which a single word is rarely part of another name
_SHORTEST = 3
_LOOK_INTO = 5  # words of a merchant at which a name may begin
HOW_FOUND = ("whole", "words", "long_word", "word", "inside")


class KnownName(NamedTuple):
    """One known name found: how (one of HOW_FOUND), the listed words, and the category they belong to."""

    how: str
    words: str
    primary: str
    detailed: str


def listed() -> Iterator[tuple[str, str]]:
    """Yield every shipped merchant name with its detailed category, brands and their aliases included."""
    for row in csv_rows("names.csv"):
        yield row["name"], row["detailed"]
    for detailed, table in toml_table("vocabulary.toml").items():
        yield from ((name, detailed) for name in names_of(table))
    for row in csv_rows("brands.csv"):
        yield from (
            (alias, row["detailed"]) for alias in (row["name"], *filter(None, row["aliases"].split("|")))
        )


def names_of(table: dict[str, str]) -> list[str]:
    """Return the whole names of one category's table in the vocabulary."""
    return [name for part in table.get("names", "").split("|") if (name := part.strip())]


@cache
def listed_words() -> list[tuple[tuple[str, ...], str]]:
    """Return the plain words of every name and its detailed category."""
    return [(tuple(plain_words(name)), detailed) for name, detailed in listed()]


@cache
def _index() -> PhraseIndex[str]:
    distinct: dict[tuple[tuple[str, ...], str], str] = {}
    for words, detailed in listed_words():
        if sum(map(len, words)) >= _SHORTEST:
            distinct.setdefault((words, primary_of(detailed) or ""), detailed)
    return PhraseIndex.of_plain((words, detailed) for (words, _), detailed in distinct.items())


@cache
def _numbered() -> tuple[PhraseIndex[None], frozenset[str]]:
    names = {
        words for words, _ in listed_words() if not "".join(words).isalpha() and any(map(has_digit, words))
    }
    names = {words for words in names if not "".join(words).isdigit()}
    return PhraseIndex.of_plain((words, None) for words in names), frozenset(
        word for words in names for word in words if has_digit(word)
    )


def numbers_in_names(words: tuple[str, ...]) -> set[int]:
    """Return the places of the words with digits that belong to a listed name, as in "motel 6" and "o2"."""
    index, numbers = _numbered()
    if numbers.isdisjoint(words):
        return set()
    return {place for match in index.find(words) for place in range(match.start, match.end)}


def is_listed(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds the name that these words are."""
    return _index().holds(words)


def primaries_of(words: tuple[str, ...]) -> frozenset[str]:
    """Return the primary categories of the listed name that these words are; none if no list has it."""
    return frozenset(
        primary_of(detailed) or ""
        for end, found in _index().at(words, 0)
        if end == len(words)
        for detailed in found
    )


def begins_listed(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds a name that these words begin with."""
    return bool(words) and any(_index().at(words, 0))


def begins_several(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds a name of several words that these words begin with."""
    return any(end > 1 for end, _ in _index().at(words, 0))


@cache
def _trades() -> dict[str, frozenset[str]]:
    """Return the primaries of each plain word that names a trade or a ware."""
    trades: dict[str, frozenset[str]] = {}
    for detailed, table in toml_table("vocabulary.toml").items():
        for word in plain_words(table.get("words", "")):
            trades[word] = trades.get(word, frozenset()) | {primary_of(detailed) or ""}
    return trades


def is_trade(word: str) -> bool:
    """Tell whether a plain word names a trade or a ware, and so no single merchant."""
    return word in _trades()


def primaries_of_trade(word: str) -> frozenset[str]:
    """Return the primary categories of a trade or a ware; none for any other word."""
    return _trades().get(word, frozenset())


def trades_from(beginning: str) -> list[str]:
    """Return the trades and wares whose names begin so."""
    return [word for word in _trades() if word.startswith(beginning)]


def known(core: tuple[str, ...]) -> list[KnownName]:
    """Return the longest known names at the start of a merchant's words, else long ones inside."""
    if not core:
        return []
    for end, detailed in _index().at(core, 0):
        return _named(_how(core, end), core[:end], detailed)
    return _inside(core)


def _how(core: Sequence[str], end: int) -> str:
    if end == len(core):
        return "whole"
    if end > 1:
        return "words"
    return "long_word" if len(core[0]) >= _LONG_WORD else "word"


def _named(how: str, words: Sequence[str], detailed: Sequence[str]) -> list[KnownName]:
    name = " ".join(words)
    return [KnownName(how, name, primary_of(one) or "", one) for one in detailed]


def _inside(core: tuple[str, ...]) -> list[KnownName]:
    for start in range(1, min(len(core), _LOOK_INTO)):
        found: list[KnownName] = []
        for end, detailed in _index().at(core, start):
            words = core[start:end]
            if sum(map(len, words)) >= (_TELLING_ALONE if len(words) == 1 else _LONG_WORD):
                found += _named("inside", words, detailed)
        if found:
            return found
    return []
