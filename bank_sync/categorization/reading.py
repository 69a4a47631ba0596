"""Reads a descriptor once: the words a bank wrote, and those of them that name the merchant.

Belongs here: what rules, known names and the model look at. Does not belong here: a merchant's name as people
read it (`merchants`), which keeps accents and numbers that these words lose.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from bank_sync.categorization.columns import statement_column
from bank_sync.categorization.compounds import taken_apart
from bank_sync.categorization.endings import city_behind, name_words, without_references
from bank_sync.categorization.names import is_listed, numbers_in_names
from bank_sync.categorization.phrases import canonical, folded, has_digit, split_words
from bank_sync.categorization.rails import prefix_length, without_processor
from bank_sync.categorization.rules import MOVEMENTS

# of a word with digits, three letters before the first one still say something
_LETTERS = re.compile(r"[^\W\d_]{3,}")
_MOST_REMEMBERED = 16_384


class Reading(NamedTuple):
    """One descriptor's words, folded.

    `all` of them, without numbers that no rule asks for; and the `core`, which names the merchant.
    """

    all: tuple[str, ...]
    core: tuple[str, ...]


def read(text: str) -> Reading:
    """Return the words of a descriptor; any text at all is read, an empty one has none."""
    plain = canonical(text).strip()
    column = statement_column(plain)
    name = without_processor(column)
    written = _words(column)
    every = written if column == plain else _words(plain)
    return Reading(_telling(every), _core(_numberless(written if name == column else _words(name))))


def _words(canonical_text: str) -> tuple[str, ...]:
    words = split_words(canonical_text)
    return tuple(words if canonical_text.isascii() else [folded(word) for word in words])


def _telling(words: tuple[str, ...]) -> tuple[str, ...]:
    if "".join(words).isalpha():
        return words
    found = [word if word.isalpha() or word in MOVEMENTS.numbers else _stump(word) for word in words]
    return tuple(filter(None, found))


def _numberless(words: tuple[str, ...]) -> tuple[str, ...]:
    if "".join(words).isalpha():
        return words
    kept = numbers_in_names(words)
    found = [
        word if word.isalpha() or place in kept else _stump(word) or city_behind(word)
        for place, word in enumerate(words)
    ]
    return tuple(filter(None, found))


def _stump(word: str) -> str:
    """What stands before the first digit of a word, where it is long enough to mean something."""
    if not has_digit(word):
        return word
    start = _LETTERS.match(word)
    return start.group() if start else ""


@lru_cache(_MOST_REMEMBERED)
def _core(named: tuple[str, ...]) -> tuple[str, ...]:
    name = without_references(named[prefix_length(named) :])
    return taken_apart(name if is_listed(name) else name_words(name))
