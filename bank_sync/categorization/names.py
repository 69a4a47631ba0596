"""The names of merchants that are known beyond the list of brands, and what is bought there.

Belongs here: finding a known name in the words of a merchant, and how much of it was found. Does not belong
here: brands with rules of their own (`brands`), or weighing what a name says against other evidence
(`model`).
"""

from collections import Counter
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
_SHORTEST_CHAIN = 4
_MOST_OTHERS = 4  # listed names of others that a chain's name may stand in
_MOST_BEGUN = 20  # listed names that a chain's name may begin
_CONNECTING = frozenset(("&", "and", "or", "of", "the", "on", "in", "y", "und", "et", "e", "en", "og", "och"))
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


def listed_words() -> Iterator[tuple[str, ...]]:
    """Yield the plain words of every shipped name."""
    return (words for words, _ in _listed_words())


@cache
def _listed_words() -> list[tuple[tuple[str, ...], str]]:
    """Return the plain words of every name and its detailed category."""
    return [(tuple(plain_words(name)), detailed) for name, detailed in listed()]


@cache
def _index() -> PhraseIndex[str]:
    distinct: dict[tuple[tuple[str, ...], str], str] = {}
    for words, detailed in _listed_words():
        if sum(map(len, words)) >= _SHORTEST:
            distinct.setdefault((words, primary_of(detailed) or ""), detailed)
    return PhraseIndex.of_plain((words, detailed) for (words, _), detailed in distinct.items())


@cache
def _numbered() -> tuple[PhraseIndex[None], frozenset[str]]:
    names = {
        words for words, _ in _listed_words() if not "".join(words).isalpha() and any(map(has_digit, words))
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


def begins_listed(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds a name that these words begin with."""
    return bool(words) and any(_index().at(words, 0))


def begins_several(words: tuple[str, ...]) -> bool:
    """Tell whether some list holds a name of several words that these words begin with."""
    return any(end > 1 for end, _ in _index().at(words, 0))


@cache
def _trades() -> dict[str, set[str | None]]:
    """Return the primaries of each plain word that names a trade or a ware."""
    trades: dict[str, set[str | None]] = {}
    for detailed, table in toml_table("vocabulary.toml").items():
        for word in plain_words(table.get("words", "")):
            trades.setdefault(word, set()).add(primary_of(detailed))
    return trades


def is_trade(word: str) -> bool:
    """Tell whether a plain word names a trade or a ware, and so no single merchant."""
    return word in _trades()


def trades_from(beginning: str) -> list[str]:
    """Return the trades and wares whose names begin so."""
    return [word for word in _trades() if word.startswith(beginning)]


@cache
def _written() -> dict[tuple[str, ...], str]:
    """Return how the names of the map's list are written, by their plain words."""
    return {tuple(plain_words(row["name"])): row["name"] for row in csv_rows("names.csv")}


def written(words: Sequence[str]) -> str | None:
    """Return the listed name that plain words are or begin with, as it is written where that is known.

    What others follow is a name where it can hardly be the beginning of another one: a chain, and behind it
    the place of one of its shops.
    """
    plain = tuple(words)
    for end in range(min(len(plain), _LOOK_INTO), 0, -1):
        found = plain[:end]
        if sum(map(len, found)) < _SHORTEST or not _index().holds(found):
            continue
        if end == len(plain) or (_is_chain(plain) if end == 1 else not _ambiguous().issuperset(found)):
            return _spelling(found)
    return None


def _spelling(words: tuple[str, ...]) -> str:
    name = _written().get(words, " ".join(words))
    return name.title() if name.islower() else name


def _is_chain(words: tuple[str, ...]) -> bool:
    """Tell whether the first of several words is a chain's name, and no other a trade that is not its own."""
    first, behind = words[0], words[1:]
    if len(first) < _SHORTEST_CHAIN or behind[0] in _CONNECTING or first in _ambiguous():
        return False
    own = {primary_of(detailed) for _, found in _index().at(words, 0) for detailed in found}
    return all(own & _trades()[word] for word in behind if word in _trades())


@cache
def _ambiguous() -> frozenset[str]:
    """Return the listed single words that may as well be part of another merchant's name."""
    people = toml_table("people.toml")
    rules = (rule for part in toml_table("rules.toml").values() for rule in part)
    return frozenset(_trades()).union(
        toml_table("everyday.toml")["words"].split(),
        plain_words(f"{people['first_names']} {people['surnames']}"),
        (word for row in csv_rows("cities.csv") for word in plain_words(row["name"])),
        (word for rule in rules for phrase in rule["phrases"] for word in plain_words(phrase)),
        _in_many_names(),
    )


def _in_many_names() -> Iterator[str]:
    """Yield the words that stand in many listed names, or begin names of several categories."""
    single: dict[str, set[str | None]] = {}
    begun: dict[str, list[str | None]] = {}
    inside = Counter[str]()
    for words, detailed in set(_listed_words()):
        if len(words) == 1:
            single.setdefault(words[0], set()).add(primary_of(detailed))
        elif words:
            begun.setdefault(words[0], []).append(primary_of(detailed))
            inside.update(set(words[1:]))
    for word, primaries in single.items():
        others = sum(primary not in primaries for primary in begun.get(word, ()))
        if others > _MOST_OTHERS or len(begun.get(word, ())) > _MOST_BEGUN or inside[word] > _MOST_OTHERS:
            yield word


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
