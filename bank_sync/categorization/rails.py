"""Takes away what payment rails write in front of a merchant's name: methods of payment and processors.

Belongs here: words in front. Does not belong here: columns, references and places behind the name
(`merchants`).
"""

import re
from collections.abc import Sequence

from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.names import begins_listed, begins_several
from bank_sync.categorization.phrases import PhraseIndex, folded, has_digit, split_words

_RAILS = toml_table("rails.toml")
_PROCESSOR = re.compile(rf"^(?:{'|'.join(map(re.escape, _RAILS['processors']))})\s?\*\s?(?=\S)")
_PREFIXES = PhraseIndex((phrase, None) for phrase in _RAILS["prefixes"])
_RAIL_WORDS = frozenset(_RAILS["rail_words"])
_NOBODYS_WORDS = _RAIL_WORDS.union(word for word in (*_RAILS["prefixes"], *_RAILS["cuts"]) if " " not in word)
_RAIL_LONG_ENOUGH = 2
_FIRST_LETTERS = re.compile(r"\s*[^\W\d_]{2,}")
_SHORTEST_PROCESSOR = 2
_SHORT = 2  # letters of a prefix that as many names begin with


def without_processor(text: str) -> str:
    """Drop the card processor written before a star, as in "sq *cafe", from canonical text.

    What stands there and is no merchant anybody listed is one, too, if what follows can be a name.
    """
    text = text.strip(" *-/,.:")
    if "*" not in text and "_" not in text:
        return text
    left = _PROCESSOR.sub("", text)
    before, star, behind = left.partition("*")
    words = split_words(before) if star else []
    plain = tuple(map(folded, words))
    skipped = prefix_length(plain)
    if (
        len(words) - skipped != 1
        or len(words[skipped]) < _SHORTEST_PROCESSOR
        or not _FIRST_LETTERS.match(behind)
        or begins_listed(plain[skipped:])
    ):
        return left
    return behind.strip()


def prefix_length(plain: tuple[str, ...]) -> int:
    """Return how many plain words in front are a payment method; a word of a name always remains."""
    if not plain or not (_PREFIXES.may_begin(plain[0]) or plain[0] in _RAIL_WORDS):
        return 0
    if len(plain[0]) <= _SHORT and begins_several(plain):
        return 0
    start = 0
    last = _last_of_name(plain)
    while (end := _prefix_end(plain, start)) <= last:
        start = end
    return start + _rail_words(plain[start:])


def is_rail(plain: tuple[str, ...]) -> bool:
    """Tell whether plain words say how money travelled, and nothing else; numbers aside."""
    if _PREFIXES.holds(plain):
        return True
    telling = [word for word in plain if not word.isdigit()]
    return all(word in _RAIL_WORDS or (has_digit(word) and telling[0] in _RAIL_WORDS) for word in telling)


def tells_no_purpose(plain: tuple[str, ...]) -> bool:
    """Tell whether plain words say how money travelled or that there is an invoice, but not who got it."""
    return is_rail(plain) or _NOBODYS_WORDS.issuperset(plain)


def _prefix_end(plain: tuple[str, ...], start: int) -> int:
    """Return where the method of payment that begins at `start`, or a number behind one, ends."""
    if start > 0 and has_digit(plain[start]):
        return start + 1
    return next((end for end, _ in _PREFIXES.at(plain, start)), len(plain))


def _rail_words(plain: tuple[str, ...]) -> int:
    """Return how many words of a rail no list knows stand in front: two or more, and a name must follow."""
    if plain[0] not in _RAIL_WORDS or begins_several(plain):
        return 0
    count = next((place for place, word in enumerate(plain) if word not in _RAIL_WORDS), len(plain))
    return count if count >= _RAIL_LONG_ENOUGH and count <= _last_of_name(plain) else 0


def _last_of_name(words: Sequence[str]) -> int:
    """Return the place of the last word that can be part of a name, or -1 where there is none."""
    for place in range(len(words) - 1, -1, -1):
        if words[place] != "&" and not has_digit(words[place]):
            return place
    return -1
