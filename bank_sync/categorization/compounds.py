"""Takes words apart that were written without spaces, as web addresses are: "petsupplies" is pet supplies.

Belongs here: known pieces of words and the cheapest way to cut a word into them. Does not belong here: what a
piece says about a merchant (`rules`, `names`, `model`).
"""

import itertools
from collections.abc import Iterator
from functools import cache, lru_cache

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.names import listed_words
from bank_sync.categorization.phrases import plain_words

_MOST_REMEMBERED = 65_536
_SHORTEST_WORD = 8  # letters below which a word is left whole
_SHORTEST_PIECE = 3
_LONGEST_PIECE = 14
_USUAL_PIECE = 4  # letters a piece has on average, at least
_SURE_PIECE = 4  # letters below which a word counts only where it is a name or a trade of its own
_KNOWN_PART = 0.8  # of the letters, at least, must lie in known pieces
_CUT = 1.5  # what one more piece costs, in letters
_UNKNOWN = 1.0  # what a letter costs that no piece holds


@cache
def _pieces() -> frozenset[str]:
    """Return the words that names, trades and keywords are made of."""
    return frozenset(word for word in _words() if len(word) >= _SHORTEST_PIECE and word.isalpha())


@cache
def _beginnings() -> frozenset[str]:
    """Return what pieces begin with, so that a search ends where no piece can follow."""
    return frozenset(
        piece[:end]
        for piece in _pieces()
        if len(piece) <= _LONGEST_PIECE
        for end in range(_SHORTEST_PIECE, len(piece) + 1)
    )


@cache
def _places() -> frozenset[str]:
    return frozenset(row["name"] for row in csv_rows("cities.csv"))


def _words() -> Iterator[str]:
    for table in toml_table("vocabulary.toml").values():
        yield from plain_words(table.get("words", ""))
    for part in toml_table("rules.toml").values():
        phrases = (phrase for rule in part for phrase in rule["phrases"] if "~" not in phrase)
        yield from (word for phrase in phrases for word in plain_words(phrase))
    for words, _ in listed_words():
        yield from (word for word in words if len(word) >= _SURE_PIECE or len(words) == 1)


def is_piece(word: str) -> bool:
    """Tell whether a plain word is one that names, trades or keywords are made of."""
    return word in _pieces()


def taken_apart(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return words with the long ones nobody knows replaced by their pieces."""
    if max(map(len, words), default=0) < _SHORTEST_WORD:
        return words
    return tuple([piece for word in words for piece in apart(word)])


@lru_cache(_MOST_REMEMBERED)
def apart(word: str) -> tuple[str, ...]:
    """Return the pieces of a long word nobody knows, or the word alone where too little of it is known."""
    if len(word) < _SHORTEST_WORD or word in _pieces() or word in _places():
        return (word,)
    cuts = _best_cuts(word)
    pieces = tuple(word[start:end] for start, end in itertools.pairwise((0, *cuts, len(word))))
    known = sum(len(piece) for piece in pieces if piece in _pieces())
    few = 1 < len(pieces) <= len(word) / _USUAL_PIECE
    return pieces if few and known >= _KNOWN_PART * len(word) else (word,)


def _best_cuts(word: str) -> list[int]:
    """Return where to cut so that most letters lie in known pieces, and few pieces are needed."""
    worth = [0.0] * (len(word) + 1)
    before = [0] * (len(word) + 1)
    ending = _pieces_by_end(word)
    for end in range(1, len(word) + 1):
        worth[end], before[end] = worth[end - 1] - _UNKNOWN, end - 1
        for start in ending[end]:
            better = worth[start] + end - start - _CUT
            if better > worth[end]:
                worth[end], before[end] = better, start
    return _cuts(before)


def _pieces_by_end(word: str) -> list[list[int]]:
    """Return for each place in a word where the pieces begin that end there, the longest first."""
    found: list[list[int]] = [[] for _ in range(len(word) + 1)]
    pieces, beginnings = _pieces(), _beginnings()
    for start in range(len(word) - _SHORTEST_PIECE + 1):
        for end in range(start + _SHORTEST_PIECE, len(word) + 1):
            if word[start:end] not in beginnings:
                break
            if word[start:end] in pieces:
                found[end].append(start)
    return found


def _cuts(before: list[int]) -> list[int]:
    """Follow the best cut back from the end of a word; letters that no piece holds stay together."""
    found: list[int] = []
    end, whole = len(before) - 1, False
    while end > 0:
        start = before[end]
        known = end - start > 1
        if end < len(before) - 1 and (known or whole):
            found.append(end)
        end, whole = start, known
    return found[::-1]
