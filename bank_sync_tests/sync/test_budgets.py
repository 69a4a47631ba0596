"""Which limits hold for whom: settings to providers."""

from __future__ import annotations

import pytest

from bank_sync.domain.errors import ProviderError
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync_tests.conftest import Clock


def start_link(services: Services) -> None:
    """One request to Plaid."""
    services.provider("plaid").start_link(
        user_reference="one", institution_id=None, country="us", redirect_url=None
    )


def test_the_defaults() -> None:
    """200, 100 and 50 a minute, and four a day."""
    settings = load_settings()
    assert settings.plaid_requests_per_minute == 200
    assert settings.teller_requests_per_minute == 100
    assert settings.gocardless_requests_per_minute == 50
    assert settings.gocardless_calls_per_day == 4


def test_workers_share_a_budget_that_is_set(settings: Settings, clock: Clock) -> None:
    """The second worker is refused what the first one used; without the setting pretend banks do not wait."""
    slow = load_settings(**{**settings.model_dump(exclude_unset=True), "plaid_requests_per_minute": 2})
    with open_services(slow, clock=clock) as first, open_services(slow, clock=clock) as second:
        start_link(first)
        with pytest.raises(ProviderError, match="budget_exhausted"):
            start_link(second)
    with open_services(settings, clock=clock) as unpaced:
        for _ in range(20):
            start_link(unpaced)


def test_no_count_of_days(settings: Settings) -> None:
    """0 calls a day means that nobody counts."""
    without = load_settings(**{**settings.model_dump(exclude_unset=True), "gocardless_calls_per_day": 0})
    with open_services(without) as services:
        assert services.quota is None
    with open_services(settings) as services:
        assert services.quota is not None
