"""How much corrections help: one person's transactions in the order they came, replayed.

Belongs here: the replay. Does not belong here: how lessons are kept (`storage.category_memory`) or which of
them decides a row (`sync.teaching`), which this imitates: one lesson by merchant and direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bank_sync.categorization import categorize, merchant
from bank_sync.categorization.evaluation.sets import Labelled

CORRECTIONS = (0, 25, 50)


@dataclass(frozen=True, slots=True)
class Replay:
    """Shares of a stream's second half that were right, the first `corrections` mistakes being corrected."""

    corrections: int
    strict: float
    lenient: float


def replays(rows: Sequence[Labelled]) -> list[Replay]:
    """Replay a stream, `rows` in date order, once for each of CORRECTIONS. Raises ValueError for no rows."""
    if not rows:
        raise ValueError("there are no rows to replay")
    found = [answer for answer, _ in categorize([row.asked() for row in rows])]
    return [_replay(rows, found, corrections) for corrections in CORRECTIONS]


def _replay(rows: Sequence[Labelled], found: Sequence[str | None], corrections: int) -> Replay:
    said: dict[tuple[str, bool], str] = {}
    answers: list[str | None] = []
    left = corrections
    for row, answer in zip(rows, found, strict=True):
        about = (merchant(row.description, row.merchant_name).key, row.amount < 0)
        answers.append(said.get(about, answer))
        if left and about[0] and answers[-1] not in row.labels:
            said[about] = row.labels[0]
            left -= 1
    half = len(rows) // 2
    judged = list(zip(rows[half:], answers[half:], strict=True))
    return Replay(
        corrections,
        sum(answer == row.labels[0] for row, answer in judged) / len(judged),
        sum(answer in row.labels for row, answer in judged) / len(judged),
    )
