"""One-to-one assignment in tiers, by evidence that leaves no choice.

Belongs here: picking pairs out of possible ones. Does not belong here: what makes a pair possible.

A pair is accepted when each side has exactly one candidate in the strongest tier that has any. It is given
up again when somebody is left over who could have had a place in it: a bill that grew to exactly what another
held amount was, and that one vanished too. What is not accepted is proposed to a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edge:
    """A possible pair.

    Attributes:
        tier: strength of the evidence, 0 is the strongest.
        is_decisive: whether it may be accepted where it is the only one; else it is proposed at most.
    """

    left: str
    right: str
    tier: int
    rule: str
    score: float
    is_decisive: bool
    evidence: dict[str, object] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Assigned:
    """Pairs that leave no choice, and pairs a person has to choose among."""

    accepted: tuple[Edge, ...]
    open: tuple[Edge, ...]


def assign(edges: Iterable[Edge]) -> Assigned:
    """Strong tiers before weak ones; an undecided tier keeps its members from weaker ones."""
    tiers: defaultdict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        tiers[edge.tier].append(edge)
    taken: set[str] = set()
    accepted: list[Edge] = []
    undecided: list[Edge] = []
    for tier in sorted(tiers):
        free = [edge for edge in tiers[tier] if edge.left not in taken and edge.right not in taken]
        alone = _without_choice(free)
        accepted += alone
        undecided += [edge for edge in free if edge not in alone]
        taken |= {end for edge in free for end in (edge.left, edge.right)}
    every = [edge for tier in tiers.values() for edge in tier]
    return _give_up_contested(accepted, undecided, every)


def _without_choice(edges: Sequence[Edge]) -> list[Edge]:
    lefts = Counter(edge.left for edge in edges)
    rights = Counter(edge.right for edge in edges)
    return [edge for edge in edges if edge.is_decisive and lefts[edge.left] == 1 and rights[edge.right] == 1]


def _give_up_contested(accepted: list[Edge], undecided: list[Edge], every: Sequence[Edge]) -> Assigned:
    """Giving one pair up frees its members, who may then contest another: repeated until nothing changes."""
    while True:
        placed = {end for edge in accepted for end in (edge.left, edge.right)}
        rivals = [edge for edge in every if edge.is_decisive and _leaves_one_out(edge, placed)]
        ends = {end for edge in rivals for end in (edge.left, edge.right)}
        contested = [edge for edge in accepted if edge.left in ends or edge.right in ends]
        if not contested:
            return Assigned(tuple(accepted), tuple(undecided))
        undecided += [edge for edge in (*contested, *rivals) if edge not in undecided]
        accepted = [edge for edge in accepted if edge not in contested]


def _leaves_one_out(edge: Edge, placed: set[str]) -> bool:
    return (edge.left in placed) != (edge.right in placed)
