"""The name of a listed merchant before other words: a chain, and behind it the place of one of its shops.

Belongs here: whether listed words are the whole name, and how it is written. Does not belong here: what is
bought there (`names`), brands with rules of their own (`brands`).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.names import (
    is_listed,
    is_trade,
    listed_words,
    primaries_of,
    primaries_of_trade,
    trades_from,
)
from bank_sync.categorization.phrases import plain_words
from bank_sync.categorization.taxonomy import primary_of

_LOOK_INTO = 5  # words that a name may have
_SHORTEST = 4  # letters of a chain's name
_MOST_OTHERS = 4  # listed names of others that a chain's name may stand in
_MOST_BEGUN = 20  # listed names that a chain's name may begin
_CONNECTING = frozenset(("&", "and", "or", "of", "the", "on", "in", "y", "und", "et", "e", "en", "og", "och"))


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
        if not is_listed(found):
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
    if len(first) < _SHORTEST or behind[0] in _CONNECTING or first in _ambiguous():
        return False
    own = primaries_of((first,))
    return all(own & primaries_of_trade(word) for word in behind if is_trade(word))


@cache
def _ambiguous() -> frozenset[str]:
    """Return the listed single words that may as well be part of another merchant's name."""
    people = toml_table("people.toml")
    rules = (rule for part in toml_table("rules.toml").values() for rule in part)
    return frozenset(trades_from("")).union(
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
    for words, detailed in set(listed_words()):
        if len(words) == 1:
            single.setdefault(words[0], set()).add(primary_of(detailed))
        elif words:
            begun.setdefault(words[0], []).append(primary_of(detailed))
            inside.update(set(words[1:]))
    for word, primaries in single.items():
        others = sum(primary not in primaries for primary in begun.get(word, ()))
        if others > _MOST_OTHERS or len(begun.get(word, ())) > _MOST_BEGUN or inside[word] > _MOST_OTHERS:
            yield word
