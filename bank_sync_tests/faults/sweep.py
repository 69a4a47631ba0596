"""Kill a sync before its step 1, 2, 3, … and judge each kill twice.

Belongs here: the loop over the steps, which of them to try, and the result. Does not belong here: the stage
it happens on (`stage`), what is judged (`checks`), where a process can die (`steps`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bank_sync_tests.faults.stage import Stage, Victims

_KILLED = -9
_STEPS_TO_A_COMMIT = 20  # the round's own


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong after a kill at one step."""

    step: int
    kind: str
    sentence: str


@dataclass(slots=True)
class Swept:
    """What a sweep found; violations by (step number, step, check, sentence)."""

    provider: str
    mutant: str | None = None
    points: int = 0
    states: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    right_after: list[Violation] = field(default_factory=list)
    after_recovery: list[Violation] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, step: int, kind: str, right_after: list[str], after_recovery: list[str]) -> None:
        """Add one kill and what was wrong after it."""
        self.points += 1
        self.kinds[kind] += 1
        self.right_after += [Violation(step, kind, sentence) for sentence in right_after]
        self.after_recovery += [Violation(step, kind, sentence) for sentence in after_recovery]

    def as_row(self) -> tuple[str, ...]:
        """As a line of the printed table."""
        name = f"{self.provider}, mutant: {self.mutant}" if self.mutant else self.provider
        wrong_after, wrong_later = (
            len({each.step for each in found}) for found in (self.right_after, self.after_recovery)
        )
        figures = (self.points, len(self.kinds), self.states, wrong_after, wrong_later)
        return (name, *map(str, figures), f"{self.seconds:.0f} s")


def sweep(
    stage: Stage,
    victims: Victims,
    *,
    mutant: str | None = None,
    points: Iterable[int],
    judge_all: bool = False,
) -> Swept:
    """Kill at each of the points, judge each kill, and put everything back.

    Kills that leave the same bytes in every table are judged once and count for each: what is checked, and
    what the next sync does, follows from those bytes and a world that stands still. `judge_all` does not rely
    on that.
    """
    started = time.monotonic()
    result = Swept(stage.provider.name, mutant)
    verdicts: dict[str, tuple[list[str], list[str]]] = {}
    for number in points:
        stage.put_back()
        report = victims.follow(stage.order(number, mutant))
        assert report["exit"] == _KILLED, report.get("error")
        state = f"{stage.state()} {number if judge_all else ''}"
        if state not in verdicts:
            verdicts[state] = (stage.look_right_after(), stage.look_after_recovery(victims, mutant))
        result.count(number, str(report["kind"]), *verdicts[state])
    stage.put_back()
    result.states, result.seconds = len(verdicts), time.monotonic() - started
    return result


def steps_of(stage: Stage, victims: Victims, mutant: str | None = None) -> list[str]:
    """The kinds of all steps of the sync, when nothing kills it."""
    stage.put_back()
    report = victims.follow(stage.order(None, mutant))
    assert report["exit"] == 0, report.get("error")
    return list(report["kinds"])


def around_commits(kinds: Sequence[str]) -> list[int]:
    """Points right before and right after something became durable, in order."""
    commits = [number for number, kind in enumerate(kinds, 1) if kind == "COMMIT"]
    return sorted({point for number in commits for point in (number, number + 1) if point <= len(kinds)})


def around_commits_of_transactions(kinds: Sequence[str]) -> list[int]:
    """Those from the first answer with transactions until they are in the ledger."""
    begins = next(number for number, kind in enumerate(kinds, 1) if "/transactions" in kind)
    ends = next(number for number, kind in enumerate(kinds, 1) if kind.endswith("INSERT transactions"))
    return [point for point in around_commits(kinds) if begins <= point <= ends + _STEPS_TO_A_COMMIT]


def one_of_each(kinds: Sequence[str]) -> list[int]:
    """The first point of each kind, and all those around commits."""
    first = {kind: number for number, kind in reversed(list(enumerate(kinds, 1)))}
    return sorted({*first.values(), *around_commits(kinds)})
