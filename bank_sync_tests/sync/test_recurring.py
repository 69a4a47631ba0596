"""Streams as people have them: punctual ones, shifted ones, changing ones, and what only looks like one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.sync.recurring import Stream, streams
from bank_sync.sync.recurring_chains import Payment

TODAY = date(2026, 3, 10)
MONTHS = [date(2025, month, 31 if month in (7, 8, 10, 12) else 30) for month in range(7, 13)]
MONTHS += [date(2026, 1, 31), date(2026, 2, 28)]


def payments(rows: Iterable[tuple[date, str]]) -> list[Payment]:
    """Rows in the order given."""
    return [Payment(f"txn_{number:03}", day, Decimal(size)) for number, (day, size) in enumerate(rows)]


def every(days: int, times: int, *, last: date = date(2026, 3, 6)) -> list[date]:
    """So many dates, so many days apart."""
    return [last - timedelta(days=days * back) for back in reversed(range(times))]


def the_one(rows: list[Payment], today: date = TODAY) -> Stream:
    """The only stream."""
    [stream] = streams(rows, today=today)
    return stream


def test_the_last_of_each_month() -> None:
    """Thirty-first, thirtieth, twenty-eighth: one monthly stream, whose next date is the end of March."""
    stream = the_one(payments((day, "950") for day in MONTHS))
    assert (stream.cadence, stream.state, stream.missed) == ("monthly", "active", 0)
    assert stream.next_on == date(2026, 3, 31)
    assert stream.confidence > 0.95


@pytest.mark.parametrize(("days", "cadence"), [(7, "weekly"), (14, "biweekly"), (28, "four_weekly")])
def test_cadences_of_days(days: int, cadence: str) -> None:
    """Eight dates exactly so many days apart; four weeks are not a month."""
    stream = the_one(payments((day, "20") for day in every(days, 8)))
    assert (stream.cadence, stream.missed) == (cadence, 0)
    assert stream.next_on == date(2026, 3, 6) + timedelta(days=days)
    assert len(stream.rows) == 8


def test_quarters_and_years() -> None:
    """Every third month; and two years of one price, which alone count with two rows."""
    quarters = [date(2025, 3, 2), date(2025, 6, 2), date(2025, 9, 1), date(2025, 12, 2), date(2026, 3, 2)]
    assert the_one(payments((day, "61.20") for day in quarters)).cadence == "quarterly"
    years = payments([(date(2025, 2, 14), "99"), (date(2026, 2, 16), "99")])
    assert the_one(years).cadence == "yearly"
    assert streams(payments([(date(2025, 2, 14), "99"), (date(2026, 2, 16), "120")]), today=TODAY) == []


def test_weekends_move_dates() -> None:
    """Salary of the 25th comes on the Friday before when that is a weekend."""
    days = [date(2025, month, 25) for month in range(6, 13)] + [date(2026, 1, 25), date(2026, 2, 25)]
    moved = [day - timedelta(days=max(0, day.weekday() - 4)) for day in days]
    stream = the_one(payments((day, "2850.17") for day in moved))
    assert (stream.cadence, len(stream.rows)) == ("monthly", 9)
    assert abs((stream.next_on or TODAY) - date(2026, 3, 25)) <= timedelta(days=2)


def working_day(day: date, *, holidays: frozenset[date] = frozenset()) -> date:
    """The day itself or the last working day before it."""
    while day.weekday() >= 5 or day in holidays:
        day -= timedelta(days=1)
    return day


def halves(first: date, months: int) -> list[date]:
    """The 15th and the last of each month from the one of `first` on."""
    starts = [
        date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1)
        for n in range(months + 1)
    ]
    pairs = ((start.replace(day=15), later - timedelta(days=1)) for start, later in pairwise(starts))
    return [day for pair in pairs for day in pair]


@pytest.mark.parametrize("first", [date(2025, 8, 1), date(2025, 9, 1), date(2025, 11, 1), date(2026, 2, 1)])
@pytest.mark.parametrize("half", [0, 1])
def test_twice_a_month(first: date, half: int) -> None:
    """Salary of the 15th and the last working day is one stream from whichever half it is first seen."""
    days = [working_day(day) for day in halves(first, 8)][half:]
    stream = the_one(payments((day, "1425.50") for day in days[:-1]), today=days[-2] + timedelta(days=3))
    assert (stream.cadence, stream.state, stream.missed) == ("semi_monthly", "active", 0)
    assert (stream.next_on, len(stream.rows)) == (days[-1], len(days) - 1)
    assert stream.low == stream.usual == stream.high == Decimal("1425.50")
    assert stream.confidence > 0.97


def test_twice_a_month_with_overtime() -> None:
    """Pay that varies is one stream with its band; it is late after one date, and ended after two."""
    days = [working_day(day) for day in halves(date(2025, 9, 1), 6)]
    sizes = ["1210", "1344.2", "1190.75", "1288", "1402.1", "1233.3"] * 2
    rows = payments(zip(days, sizes, strict=True))
    stream = the_one(rows, today=days[-1])
    assert (stream.cadence, stream.next_on) == ("semi_monthly", date(2026, 3, 13))
    assert (stream.low, stream.high) == (Decimal("1190.75"), Decimal("1402.1"))
    assert Decimal(1190) < stream.usual < Decimal(1402)
    late = the_one(rows, today=date(2026, 3, 20))
    assert (late.state, late.next_on) == ("late", date(2026, 3, 31))
    assert the_one(rows, today=date(2026, 4, 6)).state == "ended"


def test_two_weeks_are_not_half_a_month() -> None:
    """Every other Friday stays biweekly, and the 1st and 16th do not become it."""
    fridays = payments((day, "900") for day in every(14, 14))
    assert the_one(fridays).cadence == "biweekly"
    days = [date(2025, month, day) for month in range(8, 13) for day in (1, 16)]
    stream = the_one(payments((day, "900") for day in days), today=date(2025, 12, 20))
    assert (stream.cadence, stream.next_on) == ("semi_monthly", date(2026, 1, 1))


def test_an_advance_and_the_rest() -> None:
    """Sums of the two days that never meet are two monthly streams, each with its own band and date."""
    days = [working_day(day) for day in halves(date(2025, 6, 1), 9)]
    rest = ["1510", "1622.4", "1488.1", "1590", "1544.9", "1675", "1530", "1602", "1555"]
    sizes = [size for size in rest for size in ("1000", size)]
    advance, remainder = streams(payments(zip(days, sizes, strict=True)), today=date(2026, 3, 2))
    assert (advance.cadence, advance.usual, advance.next_on) == ("monthly", Decimal(1000), date(2026, 3, 13))
    assert (remainder.cadence, remainder.next_on) == ("monthly", date(2026, 3, 31))
    assert (remainder.low, remainder.high) == (Decimal(1530), Decimal(1675))


def test_two_subscriptions_half_a_month_apart() -> None:
    """Two near prices of one merchant, half a month apart, stay two monthly subscriptions."""
    days = [date(2025, month, day) for month in range(6, 13) for day in (3, 18)]
    found = streams(payments(zip(days, ["9.99", "12.99"] * 7, strict=True)), today=date(2025, 12, 28))
    assert [(one.cadence, one.usual) for one in found] == [
        ("monthly", Decimal("9.99")),
        ("monthly", Decimal("12.99")),
    ]


@pytest.mark.parametrize("first", [date(2025, 2, 1), date(2025, 11, 1)])
def test_the_last_working_day(first: date) -> None:
    """A monthly salary of the last working day is expected on such a day, whatever day it was first seen."""
    days = [working_day(day) for day in halves(first, 8)[1::2]]
    stream = the_one(payments((day, "2850") for day in days[:-1]), today=days[-2] + timedelta(days=3))
    assert (stream.cadence, stream.next_on, stream.missed) == ("monthly", days[-1], 0)


def test_bills_that_move_forward() -> None:
    """A direct debit of the 1st that goes to the working day after a weekend is expected there."""
    days = [date(2025, month, 1) for month in range(5, 13)] + [date(2026, 1, 1)]
    booked = [day + timedelta(days=(7 - day.weekday()) % 7 if day.weekday() >= 5 else 0) for day in days]
    stream = the_one(payments((day, "48.20") for day in booked), today=date(2026, 1, 10))
    assert (stream.cadence, stream.next_on) == ("monthly", date(2026, 2, 2))


def test_amounts_that_drift() -> None:
    """A price that rises and a bill that changes with the season are one stream each."""
    rising = the_one(payments(zip(MONTHS, ["9.99"] * 4 + ["11.99"] * 4, strict=True)))
    assert (len(rising.rows), rising.low, rising.high) == (8, Decimal("9.99"), Decimal("11.99"))
    sizes = ["41.10", "38.20", "44", "71.90", "99.95", "120.40", "131.33", "128"]
    seasons = the_one(payments(zip(MONTHS, sizes, strict=True)))
    assert (len(seasons.rows), seasons.high) == (8, Decimal("131.33"))
    assert seasons.confidence < rising.confidence


def test_a_skipped_month() -> None:
    """One date without a payment is a miss; two are the end, and what follows is another stream."""
    one = the_one(payments((day, "30") for place, day in enumerate(MONTHS) if place != 3))
    assert (len(one.rows), one.missed, one.state) == (7, 1, "active")
    long = [date(2024, month, 5) for month in range(1, 13)] + [date(2025, month, 5) for month in range(4, 13)]
    first, second = streams(payments((day, "30") for day in long), today=date(2025, 12, 20))
    assert (len(first.rows), first.state, len(second.rows), second.state) == (12, "ended", 9, "active")


def test_one_off_duplicates() -> None:
    """A second payment in a month, of any size, is no part of the stream and does not disturb it."""
    rows = [(day, "950") for day in MONTHS] + [(date(2025, 9, 30), "950"), (date(2025, 11, 12), "13.5")]
    stream = the_one(payments(rows))
    assert (stream.cadence, len(stream.rows), stream.missed) == ("monthly", 8, 0)
    assert stream.low == stream.high == 950


def test_cancelled() -> None:
    """Late after one date without a payment, ended after two; then there is no next date."""
    rows = payments((day, "12.99") for day in MONTHS)
    assert the_one(rows, date(2026, 4, 4)).state == "active"
    late = the_one(rows, date(2026, 4, 10))
    assert (late.state, late.next_on) == ("late", date(2026, 4, 30))
    ended = the_one(rows, date(2026, 5, 10))
    assert (ended.state, ended.next_on) == ("ended", None)


def test_two_subscriptions_of_one_merchant() -> None:
    """Two prices on other days are two streams, and purchases between them are neither."""
    rows = [(date(2025, month, 3), "2.99") for month in range(5, 13)]
    rows += [(date(2025, month, 18), "16.95") for month in range(6, 13)]
    rows += [(date(2025, 7, 9), "59"), (date(2025, 10, 22), "119")]
    found = streams(payments(rows), today=date(2025, 12, 28))
    assert [(len(one.rows), one.usual) for one in found] == [(8, Decimal("2.99")), (7, Decimal("16.95"))]


def test_habits_are_no_payments() -> None:
    """Every week another sum at the same shop is a habit; a steady price there is a stream all the same."""
    saturdays = every(7, 12)
    sizes = ["61.2", "48.9", "77.35", "52", "90.1", "66.6", "58", "83.2", "71", "49.4", "64", "88"]
    habit = payments(zip(saturdays, sizes, strict=True))
    assert streams(habit, today=TODAY, may_vary=False) == []
    assert len(streams(payments((day, "25") for day in saturdays), today=TODAY, may_vary=False)) == 1


def test_a_coffee_on_working_days_is_not_weekly() -> None:
    """One in five of them is a week after another, which is chance."""
    days = [day for day in every(1, 60) if day.weekday() < 5]
    assert streams(payments((day, "3.2") for day in days), today=TODAY) == []


def test_chance() -> None:
    """Among 300 merchants visited on random days for random sums hardly one looks like a stream."""
    rng = Random(11)  # noqa: S311 - play, not secrecy
    looks = 0
    for _ in range(300):
        visits = rng.randrange(2, 25)
        days = sorted(rng.sample(range(400), visits))
        rows = [(TODAY - timedelta(days=400 - day), f"{rng.uniform(5, 90):.2f}") for day in days]
        looks += bool(streams(payments(rows), today=TODAY))
    assert looks <= 9


def test_chance_at_one_price() -> None:
    """Nor does one price on random days, as of a ticket or a cash machine, that would fit some calendar."""
    rng = Random(12)  # noqa: S311 - play, not secrecy
    looks = 0
    for _ in range(300):
        days = sorted(rng.sample(range(400), rng.randrange(3, 40)))
        rows = [(TODAY - timedelta(days=400 - day), "3.20") for day in days]
        looks += bool(streams(payments(rows), today=TODAY))
    assert looks <= 12


@given(
    st.lists(
        st.tuples(st.dates(date(2024, 1, 1), TODAY), st.decimals("0.01", "5000", places=2, allow_nan=False)),
        max_size=25,
    )
)
def test_any_rows(rows: list[tuple[date, Decimal]]) -> None:
    """No row is in two streams or from elsewhere; the order they come in does not matter."""
    given_rows = payments((day, str(size)) for day, size in rows)
    found = streams(given_rows, today=TODAY)
    assert found == streams(given_rows[::-1], today=TODAY)
    taken = [row.transaction_id for stream in found for row in stream.rows]
    assert len(taken) == len(set(taken))
    assert set(taken) <= {row.transaction_id for row in given_rows}
    for stream in found:
        days = [row.booked_on for row in stream.rows]
        assert days == sorted(set(days))
        assert 0 <= stream.confidence < 1
        assert stream.low <= stream.usual <= stream.high
        assert (stream.next_on is None) == (stream.state == "ended")
