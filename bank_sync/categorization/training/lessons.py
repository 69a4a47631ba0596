"""What many people taught alike and a person let through: a merchant, a direction, a category.

Belongs here: the record and its hash. Does not belong here: who taught it, which is nobody's business here,
and how it becomes training rows (`examples`).
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple


class Lesson(NamedTuple):
    """Money in (or out) with the merchant that these words name belongs to a primary category."""

    words: str
    money_in: bool
    primary: str


def lessons_hash(lessons: Sequence[Lesson]) -> str:
    """Return eight hexadecimal digits that say which lessons these are, whatever their order."""
    return hashlib.sha256(repr(sorted(map(tuple, lessons))).encode()).hexdigest()[:8]
