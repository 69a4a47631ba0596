"""The names of merchants that are known beyond the list of brands, and what is bought there.

Belongs here: finding a known name in the words of a merchant, and how much of it was found. Does not belong
here: brands with rules of their own (`brands`), or weighing what a name says against other evidence
(`model`).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.phrases import PhraseIndex, plain_words
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
def _index() -> PhraseIndex[str]:
    distinct: dict[tuple[str, str], str] = {}
    for name, detailed in listed():
        words = " ".join(plain_words(name))
        if len(words.replace(" ", "")) >= _SHORTEST:
            distinct.setdefault((words, primary_of(detailed) or ""), detailed)
    return PhraseIndex((words, detailed) for (words, _), detailed in distinct.items())


def is_listed(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds the name that these words are."""
    return _index().holds(words)


def begins_listed(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds a name that these words begin with."""
    return bool(words) and any(_index().at(words, 0))


@cache
def _trades() -> frozenset[str]:
    tables = toml_table("vocabulary.toml").values()
    return frozenset(word for table in tables for word in plain_words(table.get("words", "")))


def is_trade(word: str) -> bool:
    """Tell whether a plain word names a trade or a ware, and so no single merchant."""
    return word in _trades()


@cache
def _written() -> dict[tuple[str, ...], str]:
    """Return how the names of the map's list are written, by their plain words."""
    return {tuple(plain_words(row["name"])): row["name"] for row in csv_rows("names.csv")}


def written(words: Sequence[str]) -> str | None:
    """Return the listed name that plain words are, or that they begin with if it has several words."""
    for end in range(min(len(words), _LOOK_INTO), 0, -1):
        name = _written().get(tuple(words[:end]))
        telling = end == len(words) or end > 1
        if name is not None and telling and sum(map(len, words[:end])) >= _SHORTEST:
            return name.title() if name.islower() else name
    return None


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
