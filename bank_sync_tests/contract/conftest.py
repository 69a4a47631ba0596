"""A world for the contract suite, and a person with one link at each provider in turn.

Belongs here: fixtures. Does not belong here: any expectation.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bank_sync.storage import embedded
from bank_sync_tests.stateful.bank import INSTITUTIONS
from bank_sync_tests.stateful.stories import Link, Story
from bank_sync_tests.stateful.world import World, new_database, open_world

_seeds = itertools.count(5_000_000)
_modules = itertools.count(1)


@pytest.fixture(scope="module")  # it changes how services are made: no other module may meet it
def world(server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One database and one socket for a module; each test has banks of its own."""
    home: Path = tmp_path_factory.mktemp("contract")
    with open_world(new_database(server, f"contract_{next(_modules)}"), home) as opened:
        yield opened


@pytest.fixture
def story(world: World) -> Story:
    """A person who has linked nothing yet, at banks nobody has met."""
    seed = next(_seeds)
    world.begin(seed)
    return Story(world, seed)


@pytest.fixture(params=sorted(INSTITUTIONS))
def link(request: pytest.FixtureRequest, story: Story) -> Link:
    """The person's one link, at each provider in turn, read once."""
    opened = story.open_link(request.param, INSTITUTIONS[request.param][0])
    assert story.sync(opened) == "ok"
    return opened
