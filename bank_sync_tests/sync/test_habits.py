"""What reads teach of the hours in which new rows appear."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.sync import habits
from bank_sync.sync.habits import BINS, HOURS_OF_DAY, Basis, PostingHabit, learn, rates_of, usual_hours

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
TUESDAY = BEGIN + timedelta(days=1)


def every(hours: float, days: int, *, first: datetime = BEGIN) -> list[datetime]:
    """Reads at a steady pace."""
    return [first + timedelta(hours=hours * number) for number in range(int(days * 24 / hours))]


def daily(hour: int, days: int) -> list[datetime]:
    """Something each day, ten minutes past an hour."""
    return [BEGIN + timedelta(days=day, hours=hour, minutes=10) for day in range(days)]


def seen(reads: list[datetime], happened: list[datetime]) -> list[datetime]:
    """The reads in which what happened first appeared."""
    return sorted({min(read for read in reads if read >= one) for one in happened if one <= reads[-1]})


def busiest(rates: list[float]) -> int:
    """The hour of a weekday in which most appears."""
    return max(range(HOURS_OF_DAY), key=lambda hour: rates[hour])


@pytest.mark.parametrize("hour", [0, 6, 13, 23])
def test_the_hour_stands_out(hour: int) -> None:
    """Reads every five hours, which fall differently each day, find the one hour in which rows appear."""
    reads = every(5, 28)
    habit = learn(reads, seen(reads, daily(hour, 28)), 3 / 24)
    assert busiest(habit.rates()) == hour
    assert habit.rates()[hour] > 5 * sorted(habit.rates())[BINS // 2]


def test_a_change_is_learned() -> None:
    """Two weeks after a bank took to another hour, that hour leads."""
    reads = every(5, 42)
    habit = learn(reads, seen(reads, [*daily(6, 24), *daily(15, 42)[24:]]), 3 / 24)
    assert busiest(habit.rates()) == 15


def test_weekends_apart() -> None:
    """Rows that appear on weekdays alone raise no weekend's rate."""
    reads = every(5, 28)
    happened = [one for one in daily(9, 28) if one.weekday() < 5]
    rates = learn(reads, seen(reads, happened), 3 / 24).rates()
    assert rates[9] > 10 * rates[HOURS_OF_DAY + 9]


def test_nothing_known() -> None:
    """Before any read the usual rate stands for each hour; one long gap tells nothing."""
    habit = PostingHabit(0.25)
    assert habit.rates() == pytest.approx([0.25] * BINS)
    habit.saw(BEGIN, BEGIN + timedelta(days=3), appeared=True)
    habit.saw(TUESDAY, TUESDAY, appeared=True)
    assert habit.rates() == pytest.approx([0.25] * BINS)
    assert habit.watched_days == 0


def test_other_connections_lend_their_hours() -> None:
    """A new connection takes the hours of its bank, at its own level, and says so until it knows better."""
    reads = every(5, 14)
    bank = habits.shared_by([learn(reads, seen(reads, daily(6, 14)), 3 / 24)] * 2)
    new = PostingHabit(3 / 24)
    rates, basis = rates_of([new], bank)
    assert (busiest(rates), basis) == (6, Basis.BANK)
    assert sum(rates) == pytest.approx(sum(new.rates()))
    assert rates_of([new])[1] is Basis.NOTHING
    old = learn(reads, [], 3 / 24)
    assert habits.is_known([old])
    assert rates_of([old], bank)[1] is Basis.OWN
    assert not habits.is_known([old, new])


def test_accounts_together() -> None:
    """Of several accounts, any new row counts; of none, nothing is expected."""
    rates, _ = rates_of([PostingHabit(0.1), PostingHabit(0.2)])
    assert rates == pytest.approx([0.3] * BINS)
    assert rates_of([])[0] == [0.0] * BINS


@given(
    st.lists(st.tuples(st.floats(0.1, 40), st.booleans()), max_size=60),
    st.floats(0.001, 1),
)
def test_rates_stay_sane(reads: list[tuple[float, bool]], usual: float) -> None:
    """Whatever was seen, each rate is positive, and no read counts for more appearances than hours allow."""
    habit, at = PostingHabit(usual), BEGIN
    for gap_h, appeared in reads:
        habit.saw(at, at + timedelta(hours=gap_h), appeared=appeared)
        at += timedelta(hours=gap_h)
    assert all(0 < rate < 100 for rate in habit.rates())


def webhooks() -> Iterator[tuple[datetime | None, bool]]:
    """When the last webhook came, and whether the newest rows count as announced."""
    yield None, False
    yield BEGIN + timedelta(hours=5), False  # before the read that found nothing yet
    yield BEGIN + timedelta(hours=7), True
    yield BEGIN + timedelta(hours=13), True  # after the read that found them: it was on its way


@pytest.mark.parametrize(("webhook_seen_at", "expected"), list(webhooks()))
def test_announced(*, webhook_seen_at: datetime | None, expected: bool) -> None:
    """Webhooks work if one came since the read before the newest rows were found."""
    reads = every(6, 1)
    assert habits.was_announced(reads, [[reads[2]], []], webhook_seen_at) is expected


def test_announced_and_nothing_found() -> None:
    """A webhook is believed until rows turn up without one."""
    assert habits.was_announced(every(6, 1), [[]], BEGIN)
    assert habits.was_announced([BEGIN], [[BEGIN]], BEGIN)


def test_usual_hours() -> None:
    """The shortest span with most of a day's rows, also over midnight; a span too long is none."""
    day = [0.0] * HOURS_OF_DAY
    for hour in (23, 0):
        day[hour] = 1.0
    assert usual_hours(day * 2, TUESDAY) == (23, 1)
    weekend = [0.0] * HOURS_OF_DAY + [float(hour == 7) for hour in range(HOURS_OF_DAY)]
    assert usual_hours(weekend, TUESDAY) is None
    assert usual_hours(weekend, BEGIN + timedelta(days=5)) == (7, 8)
    assert usual_hours([0.2] * BINS, TUESDAY) is None


def test_reads_in_order() -> None:
    """Learning at once or read by read is the same."""
    reads = every(7, 10)
    found = seen(reads, daily(4, 10))
    habit = PostingHabit(0.1)
    for since, until in pairwise(reads):
        habit.saw(since, until, appeared=until in found)
    assert habit.rates() == learn(reads, found, 0.1).rates()
