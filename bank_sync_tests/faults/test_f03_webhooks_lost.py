"""F03: no webhook arrives. Belongs here: what the scheduled reads make good by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bank_sync.sync.batch import Batch
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import PROVIDERS, Person


@pytest.mark.parametrize("provider", PROVIDERS)
def test_f03_a_day_without_webhooks(person: Callable[..., Person], clock: Clock, provider: str) -> None:
    """What a bank booked in a day of silence is there after the next refresh, all of it."""
    someone = person(provider)
    someone.sync()
    someone.news()
    clock.advance(hours=24)
    someone.news()
    assert someone.differences() != []
    batch = Batch(someone.services, "refresh", ends_at=clock() + timedelta(minutes=10))
    assert [(one.connection_id, one.is_whole) for one in batch.outcomes()] == [(someone.connection_id, True)]
    assert someone.differences() == []
