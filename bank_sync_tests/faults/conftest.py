"""Fixtures of the fault tests: a scripted person at each provider, over the shared server and sandbox.

Does not belong here: faults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync_tests.faults.syncing import Person, person_at
from bank_sync_tests.stateful.bank import Bank


@pytest.fixture
def bank(sandbox: RunningSandbox) -> Iterator[Bank]:
    """The door through which the world is moved."""
    opened = Bank(sandbox.url)
    yield opened
    opened.close()


@pytest.fixture
def person(services: Services, bank: Bank, link: Callable[..., str]) -> Callable[..., Person]:
    """Link a scripted person's bank at a provider."""

    def linked(provider: str, name: str = "script-1") -> Person:
        return person_at(services, bank, link, provider, name)

    return linked
