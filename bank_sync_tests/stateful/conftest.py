"""One world for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bank_sync.storage import embedded
from bank_sync_tests.stateful.world import World, new_database, open_world

_modules = itertools.count(1)


@pytest.fixture(scope="module")  # it changes how services are made: no other module may meet it
def world(server: embedded.EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A database and a socket of their own; every story brings its banks."""
    home: Path = tmp_path_factory.mktemp("stories")
    with open_world(new_database(server, f"stories_{next(_modules)}"), home) as opened:
        yield opened
