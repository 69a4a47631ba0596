"""Whether a new model is better than the one that decides, on the same rows.

Belongs here: the comparison and its rule. Does not belong here: which rows, and what follows from it.

Both models are asked the whole question, merchant codes and provider's categories included, for that is what
people meet. Rows on which both are right or both wrong say nothing about which is better; among the others a
sign test asks whether chance alone would favour the new one as much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from bank_sync.categorization.categorize import decide
from bank_sync.categorization.evaluation.figures import Answer
from bank_sync.categorization.evaluation.sets import Labelled
from bank_sync.categorization.model import Model
from bank_sync.categorization.models import TransactionFacts

_CHANCE = 0.05


@dataclass(frozen=True, slots=True)
class Duel:
    """`won`: rows where only the challenger is right; `lost`: where only the champion is."""

    won: int
    lost: int

    @property
    def chance(self) -> float:
        """How likely equally good models would show so many wins or more, from 0 to 1."""
        rows = self.won + self.lost
        ways: int = sum(comb(rows, wins) for wins in range(self.won, rows + 1))
        return ways / (1 << rows)

    @property
    def is_better(self) -> bool:
        """True when the challenger won more than chance explains."""
        return self.chance < _CHANCE


def answers(facts: Sequence[TransactionFacts], model: Model | None) -> list[Answer]:
    """Return what a model says of these rows, however unsure; None stands for lists and rules alone."""
    return [(one.primary or one.suggested, one.confidence) for one in decide(facts, by=lambda: model)]


def duel(rows: Sequence[Labelled], champion: Sequence[Answer], challenger: Sequence[Answer]) -> Duel:
    """Compare two models' answers to the same rows."""
    won = lost = 0
    for row, (old, _), (new, _) in zip(rows, champion, challenger, strict=True):
        won += new in row.labels and old not in row.labels
        lost += old in row.labels and new not in row.labels
    return Duel(won, lost)
