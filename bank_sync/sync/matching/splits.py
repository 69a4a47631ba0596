"""One pending row that was booked in several.

Belongs here: posted rows that add up to a pending one. Does not belong here: one successor for one row
(`matching.pending`).

A split is never guessed: what adds up is put before a person, unless the provider names the pending row on
every part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import combinations

from bank_sync.storage.candidates import Entry
from bank_sync.storage.links import SPLIT_PART, Decision
from bank_sync.sync.matching.assignment import Edge
from bank_sync.sync.matching.text import likeness

_MOST_PARTS = 4
_MOST_ROWS = 12  # 12 rows have 781 combinations of two to four
_ALIKE = 0.6


def named_split(held: Entry, parts: Sequence[Entry]) -> list[Decision]:
    """Several posted rows that name one pending row: believed when they add up to it exactly."""
    total = sum((part.amount for part in parts), Decimal(0))
    adds_up = total == held.amount and {part.currency for part in parts} == {held.currency}
    is_accepted = adds_up and held.removed_at is not None
    evidence: dict[str, object] = {
        "parts": len(parts),
        "adds_up": adds_up,
        "still_listed": held.removed_at is None,
    }
    score = 1.0 if is_accepted else 0.5
    return [_part(part, held, evidence, decided_by="provider", score=score) for part in parts]


def possible_splits(
    vanished: Sequence[Entry], edges: Sequence[Edge], rows: Mapping[str, Entry]
) -> list[Decision]:
    """Parts that add up to a pending row in one way only, where no row has its whole amount."""
    whole = {edge.left for edge in edges if edge.evidence.get("amounts_equal")}
    matched = {edge.right for edge in edges if edge.evidence.get("amounts_equal")}
    found: list[Decision] = []
    for held in vanished:
        if held.transaction_id not in whole:
            free = [row for row in rows.values() if row.transaction_id not in matched]
            found += _propose(held, _sums(held, [row for row in free if _may_be_part(held, row)]))
    return found


def _may_be_part(held: Entry, row: Entry) -> bool:
    return (
        (row.account_id, row.currency) == (held.account_id, held.currency)
        and row.first_seen_at == held.removed_at
        and row.amount * held.amount > 0
        and abs(row.amount) < abs(held.amount)
        and likeness((held.description, held.merchant_name), (row.description, row.merchant_name)) >= _ALIKE
    )


def _sums(held: Entry, rows: Sequence[Entry]) -> list[tuple[Entry, ...]]:
    if len(rows) > _MOST_ROWS:
        return []
    sizes = range(2, min(_MOST_PARTS, len(rows)) + 1)
    every = (chosen for size in sizes for chosen in combinations(rows, size))
    return [chosen for chosen in every if sum(row.amount for row in chosen) == held.amount]


def _propose(held: Entry, ways: Sequence[tuple[Entry, ...]]) -> list[Decision]:
    if len(ways) != 1:
        return []
    evidence: dict[str, object] = {"parts": len(ways[0]), "adds_up": True, "ways": 1}
    return [_part(part, held, evidence, decided_by="rule:split", score=0.6) for part in ways[0]]


def _part(
    part: Entry, held: Entry, evidence: dict[str, object], *, decided_by: str, score: float
) -> Decision:
    return Decision(
        kind=SPLIT_PART,
        from_id=part.transaction_id,
        to_id=held.transaction_id,
        is_accepted=score == 1,
        decided_by=decided_by,
        score=score,
        evidence=evidence,
    )
