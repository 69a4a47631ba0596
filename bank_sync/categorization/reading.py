"""Reads a descriptor once: the words a bank wrote, and those of them that name the merchant.

Belongs here: what rules, known names and the model look at. Does not belong here: a merchant's name as people
read it (`merchants`), which keeps accents and numbers that these words lose.
"""

import re
from typing import NamedTuple

from bank_sync.categorization.merchants import (
    name_words,
    statement_column,
    without_prefixes,
    without_processor,
)
from bank_sync.categorization.phrases import canonical, folded, has_digit, split_words

# of a word with digits, three letters before the first one still say something
_LETTERS = re.compile(r"[^\W\d_]{3,}")


class Reading(NamedTuple):
    """One descriptor's words, folded.

    `all` of them; those `written` before the place and without dates and masks; the same as `said` without
    numbers; and the `core`, which names the merchant.
    """

    all: tuple[str, ...]
    written: tuple[str, ...]
    said: tuple[str, ...]
    core: tuple[str, ...]


def read(text: str) -> Reading:
    """Return the words of a descriptor; any text at all is read, an empty one has none."""
    plain = canonical(text)
    column = statement_column(plain)
    written = _words(column)
    every = written if column == plain else _words(plain)
    name = without_processor(column)
    behind = without_prefixes(written if name == column else _words(name))
    core = name_words(_numberless(behind))
    return Reading(tuple(every), tuple(written), tuple(_numberless(written)), tuple(core))


def _words(canonical_text: str) -> list[str]:
    return [folded(word) for word in split_words(canonical_text)]


def _numberless(words: list[str]) -> list[str]:
    return [stump for word in words if (stump := _stump(word) if has_digit(word) else word)]


def _stump(word: str) -> str:
    """What stands before the first digit of a word, where it is long enough to mean something."""
    start = _LETTERS.match(word)
    return start.group() if start else ""
