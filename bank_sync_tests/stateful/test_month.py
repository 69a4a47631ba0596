"""The daily quota of GoCardless over a month, as the bank itself counts."""

from __future__ import annotations

from bank_sync_tests.stateful.month import live_a_month
from bank_sync_tests.stateful.world import World


def test_a_month_never_asks_too_often(world: World) -> None:
    """Schedule, impatience, retries, lost answers and deaths: never more than four good answers a day.

    The quota is not kept by not asking: most days use what the schedule may, and some refusals are our own.
    """
    month = live_a_month(world, seed=11)
    assert month.days >= 30
    assert month.most_a_day <= 4
    assert month.refused_by_bank == 0
    assert month.refused_here > 0
    assert month.deaths > 0
    assert (
        month.calls > 2 * 3 * month.days
    )  # balances and transactions of three accounts, once a day at least
