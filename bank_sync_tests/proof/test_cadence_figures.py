"""A little of what `python -m bank_sync_tests.proof.cadence` plays, with every run of the tests."""

from __future__ import annotations

import pytest

from bank_sync_tests.proof.cadence import (
    PROVIDERS,
    at_looks,
    compare,
    evenly,
    figures,
    over_limits,
)
from bank_sync_tests.proof.cadence_world import draw_world

DAYS = 21


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_fresher_for_as_many_calls(seed: int) -> None:
    """Learning from its first day on, the cadence is clearly fresher than a cron with no fewer calls."""
    compared = compare(draw_world(seed, 40, DAYS), DAYS)
    for provider in PROVIDERS:
        assert compared.cron.calls_of(provider) >= compared.adaptive.calls_of(provider)
    for moments in (evenly(DAYS), at_looks):
        was, now = (figures(one.readers, moments).mean for one in (compared.cron, compared.adaptive))
        assert now < 0.9 * was
    assert over_limits(compared.adaptive) == 0
