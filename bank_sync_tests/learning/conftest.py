"""A town of people, and the daemon beside it."""

from __future__ import annotations

import pytest

from bank_sync.services import Services
from bank_sync_tests.learning.town import Town
from bank_sync_tests.orchestration.conftest import daemon, instance, location

__all__ = ["daemon", "instance", "location"]


@pytest.fixture
def town(services: Services) -> Town:
    """Nobody lives there yet."""
    return Town(services)
