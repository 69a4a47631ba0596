"""Stories by the hundred, and that they would notice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from unittest.mock import patch

import pytest

from bank_sync.storage import ledger
from bank_sync.sync import onboarding, parts
from bank_sync.sync.relink import Recognised, Verdict
from bank_sync_tests.stateful.telling import tell
from bank_sync_tests.stateful.world import World

_STORIES = 500
_MOST_STORIES_TO_NOTICE = 60


@pytest.mark.timeout(1_800)  # ten minutes on two processors
def test_five_hundred_stories_end_in_the_world_as_it_is() -> None:
    """Whatever happens in whatever order, good days bring ledger and world together: no seed diverges."""
    command = [sys.executable, "-m", "bank_sync_tests.stateful.soak", "--stories", str(_STORIES)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-2_000:]


def _nothing_removed(*_: object, **__: object) -> int:
    return 0


def _always_new(*_: object) -> Recognised:
    return Recognised(Verdict.NEW)


_MISTAKES: dict[str, tuple[object, str, Callable[..., object]]] = {
    "removals the provider names are ignored": (ledger, "remove_named", _nothing_removed),
    "rows missing from a window stay": (ledger, "remove_missing_from_windows", _nothing_removed),
    "closed accounts stay active": (parts, "close_missing", _nothing_removed),
    "a re-link is taken for a new connection": (onboarding, "recognise", _always_new),
}


@pytest.mark.parametrize("mistake", sorted(_MISTAKES))
def test_a_planted_mistake_is_noticed(world: World, mistake: str) -> None:
    """Some story of the first few diverges once the engine is made to make the mistake."""
    where, name, instead = _MISTAKES[mistake]
    with patch.object(where, name, instead):
        assert any(tell(world, seed).divergences for seed in range(1, 1 + _MOST_STORIES_TO_NOTICE))
