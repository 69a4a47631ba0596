"""A few of the stories `python -m bank_sync_tests.proof.links` plays, with every run of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bank_sync_tests.proof.links import PROVIDERS, one_world, play
from bank_sync_tests.stateful.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One server and one town for all stories."""
    with one_world() as opened:
        yield opened


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_link_is_wrong(world: World, provider: str) -> None:
    """Most pairs are found, none is wrong, and what is not found is proposed."""
    figures = play(world, provider, 1)
    assert figures.mistakes == []
    assert figures.pairs > 5
    assert figures.right > figures.pairs / 3
    assert figures.apart <= figures.pairs / 5
