"""F16: SIGKILL at the steps of a sync, and the planted mistakes that the same sweep must catch.

Belongs here: what the sweep must find and what it must not. Does not belong here: the sweep (`sweep`).

Here every kind of step is met once, and every point around a commit;
`python -m bank_sync_tests.faults.report` meets every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bank_sync.storage import embedded
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults import mutants
from bank_sync_tests.faults.stage import Victims, staged
from bank_sync_tests.faults.sweep import (
    Swept,
    Violation,
    around_commits_of_transactions,
    one_of_each,
    steps_of,
    sweep,
)
from bank_sync_tests.faults.syncing import PROVIDERS, Person

OWN_DATABASE = True
pytestmark = pytest.mark.timeout(900)  # hundreds of processes live and die in each of these


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    """The warm process all victims are forked from."""
    with Victims() as warm:
        yield warm


@pytest.mark.parametrize("provider", PROVIDERS)
def test_f16_killed_at_any_step(
    provider: str,
    person: Callable[..., Person],
    clock: Clock,
    server: embedded.EmbeddedServer,
    victims: Victims,
) -> None:
    """Cursor, rounds and ledger agree right after the kill; the next sync leaves no trace of it."""
    with staged(person(provider), clock, server) as stage:
        kinds = steps_of(stage, victims)
        swept = sweep(stage, victims, points=one_of_each(kinds))
    assert (swept.right_after[:3], swept.after_recovery[:3]) == ([], [])
    assert len(swept.kinds) == len(set(kinds)) > 40
    assert swept.states > 10


@pytest.fixture
def catch(
    person: Callable[..., Person], clock: Clock, server: embedded.EmbeddedServer, victims: Victims
) -> Callable[[str, str], Swept]:
    """Sweep a mutant around the commits of its transactions."""

    def swept(provider: str, mutant: str) -> Swept:
        with staged(person(provider), clock, server) as stage:
            points = around_commits_of_transactions(steps_of(stage, victims, mutant))
            return sweep(stage, victims, mutant=mutant, points=points)

    return swept


def test_f16_mutant_cursor_first(catch: Callable[[str, str], Swept]) -> None:
    """A cursor ahead of its data is seen right after the kill, and its rows stay lost."""
    swept = catch("plaid", mutants.CURSOR_FIRST)
    assert "the cursor is not where the last stored round ended" in _said(swept.right_after)
    assert any("rows lost" in sentence for sentence in _said(swept.after_recovery))


def test_f16_mutant_plain_insert(catch: Callable[[str, str], Swept]) -> None:
    """Data ahead of its cursor is told again, and inserted again: rows too many after recovery."""
    swept = catch("plaid", mutants.PLAIN_INSERT)
    assert "the cursor is not where the last stored round ended" in _said(swept.right_after)
    assert any("rows too many" in sentence for sentence in _said(swept.after_recovery))


def test_f16_mutant_upsert(catch: Callable[[str, str], Swept]) -> None:
    """An upsert hides the same mistake from every later look: only the look right after the kill sees it."""
    swept = catch("plaid", mutants.UPSERT)
    assert "the cursor is not where the last stored round ended" in _said(swept.right_after)
    assert swept.after_recovery == []


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_f16_mutant_watermark_first(provider: str, catch: Callable[[str, str], Swept]) -> None:
    """Where a window stands in for a cursor: rounds that count as projected without their rows are seen."""
    swept = catch(provider, mutants.WATERMARK_FIRST)
    assert any("rows without effect" in sentence for sentence in _said(swept.right_after))


def _said(violations: list[Violation]) -> set[str]:
    return {violation.sentence for violation in violations}
