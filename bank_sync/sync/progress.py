"""How a long sync tells how far it is.

Belongs here: the shape of that telling. Does not belong here: showing it (`cli`, `orchestration`).
"""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[int, int], None]
"""Told (pages, rows) so far, now and then; rows are 0 while pages are only fetched."""

PAGES_BETWEEN = 50
"""How many pages pass between two tellings: some 25,000 rows, a few seconds."""


def silent(_pages: int, _rows: int) -> None:
    """Nobody wants to know."""
