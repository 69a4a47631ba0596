"""Chains: rows of one merchant that meet a calendar.

Belongs here: cadences, and which rows meet one. Pure. Does not belong here: days of months (`calendar_days`),
whether a chain is a stream or chance, and what follows from it (`recurring`).

A chain goes every so many days from the row before, on the same day of every so many months, or on two days
of each month. Banks move dates to working days, so some days to either side count. One date in four may be
missed, never two in a row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, pairwise, product

from bank_sync.sync.calendar_days import MonthDay, fitted, moved, off_days, possible_days


@dataclass(frozen=True, slots=True)
class Payment:
    """One posted row; `size` is its amount without a sign, which all rows of a question share."""

    transaction_id: str
    booked_on: date
    size: Decimal


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often: every `days` days, or every `months` months on `dates` days each.

    A row that is `either_side_days` off its date still counts; a chain has `least` rows.
    """

    name: str
    days: int
    months: int
    either_side_days: int
    least: int
    dates: int = 1

    @property
    def period_days(self) -> float:
        """About how long it is from one date to the next."""
        return self.days or self.months * 30 / self.dates

    @property
    def is_of_half_a_month(self) -> bool:
        """Whether two things of a month each, half a month apart, would look like one of this."""
        return _HALF_A_MONTH_DAYS[0] <= self.period_days <= _HALF_A_MONTH_DAYS[1]


CADENCES = (
    Cadence("weekly", 7, 0, 1, 5),
    Cadence("biweekly", 14, 0, 2, 4),
    Cadence("semi_monthly", 0, 1, 3, 5, dates=2),
    Cadence("four_weekly", 28, 0, 3, 3),
    Cadence("monthly", 0, 1, 4, 3),
    Cadence("quarterly", 0, 3, 7, 3),
    Cadence("yearly", 0, 12, 10, 2),
)

_MET_OF_DUE = 0.75
_NEAR_ENOUGH = Decimal("0.15")  # of the size before: among rows of one date such a one is taken first
_HALF_A_MONTH_DAYS = (11, 19)  # the 15th and the last working day are between these apart, either way


@dataclass(frozen=True, slots=True)
class Met:
    """A row that met a date, and how many dates after the first that was."""

    row: Payment
    due: date
    step: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Rows that meet a cadence; `month_days` are the days that it counts months from, if it does."""

    cadence: Cadence
    month_days: tuple[MonthDay, ...]
    met: tuple[Met, ...]

    @property
    def rows(self) -> tuple[Payment, ...]:
        """The rows in the order of time."""
        return tuple(one.row for one in self.met)

    @property
    def steps(self) -> int:
        """How many dates after the first the last row met."""
        return self.met[-1].step

    @property
    def missed(self) -> int:
        """How many dates between the first and the last were not met."""
        return self.steps + 1 - len(self.met)

    @property
    def off(self) -> float:
        """How far rows are from their dates, on average, as a share of what still counts."""
        days = sum(off_days(one.due, one.row.booked_on) for one in self.met)
        return days / (len(self.met) * self.cadence.either_side_days)

    @property
    def worth(self) -> tuple[float, ...]:
        """What makes a chain better than another: it explains more rows, then it is more punctual."""
        return (len(self.met) - self.missed - self.off, -self.off, self.cadence.either_side_days)

    @property
    def is_one(self) -> bool:
        """Whether enough rows meet enough of its dates."""
        return len(self.met) >= max(self.cadence.least, _MET_OF_DUE * (self.steps + 1))

    def by_day(self) -> list[list[Met]]:
        """Its rows by the day of the month that they meet; all in one list if there are not two such days."""
        days = range(self.cadence.dates)
        return [[one for one in self.met if one.step % self.cadence.dates == day] for day in days]

    def next(self, number: int = 1) -> date:
        """The date that is `number` steps after the last met one, moved to a working day as earlier ones."""
        if not self.month_days:
            return self.met[-1].row.booked_on + timedelta(days=number * self.cadence.days)
        due = _due(self.cadence, self.month_days, self.met[-1].due, self.steps + number)
        return moved(due, [(one.due, one.row.booked_on) for one in self.met])


def chains(rows: Sequence[Payment]) -> Iterator[Chain]:
    """The longest chain of each cadence, if any, among rows in the order of time."""
    days = [row.booked_on for row in rows]
    for cadence in CADENCES:
        if _is_crowded(days, cadence):
            continue
        for start in range(len(rows) - cadence.least + 1):
            chain = _best_from(rows[start:], cadence)
            if chain is not None:
                yield chain
                break  # a later start gives a part of the same chain


def _is_crowded(days: Sequence[date], cadence: Cadence) -> bool:
    """Whether rows follow so closely that most of them cannot belong to a chain; spares looking for one."""
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    return bool(gaps) and gaps[len(gaps) * 3 // 4] < cadence.period_days / 2


def _best_from(rows: Sequence[Payment], cadence: Cadence) -> Chain | None:
    """The best chain from the first row on; that row alone does not tell which day of the month is meant."""
    found = [chain for days in _month_days(rows, cadence) if (chain := _chain(rows, cadence, days)).is_one]
    found += [again for chain in found if (again := _chain(rows, cadence, _fitted(chain))).is_one]
    return max(found, key=lambda chain: chain.worth, default=None)


def _month_days(rows: Sequence[Payment], cadence: Cadence) -> Iterator[tuple[MonthDay, ...]]:
    """Days of months that a chain from the first row may be meant to meet; none where it counts days."""
    if not cadence.months:
        yield ()
        return
    firsts = possible_days(rows[0].booked_on)
    if cadence.dates == 1:
        yield from ((first,) for first in firsts)
        return
    least, most = (rows[0].booked_on + timedelta(days=days) for days in _HALF_A_MONTH_DAYS)
    seconds = {row.booked_on for row in rows if least <= row.booked_on <= most}
    for second in sorted(seconds):
        yield from product(firsts, possible_days(second))


def _fitted(chain: Chain) -> tuple[MonthDay, ...]:
    """The days that most of its rows are nearest to."""
    return tuple(
        fitted(
            day, [(one.step // chain.cadence.dates * chain.cadence.months, one.row.booked_on) for one in met]
        )
        for day, met in zip(chain.month_days, chain.by_day(), strict=False)
    )


def _chain(rows: Sequence[Payment], cadence: Cadence, month_days: tuple[MonthDay, ...]) -> Chain:
    """Go from date to date as long as no two in a row are missed."""
    expected = rows[0].booked_on
    met = [Met(rows[0], month_days[0].later(0) if month_days else expected, 0)]
    for step in count(1):
        expected = _due(cadence, month_days, expected, step)
        row = _nearest(rows, expected, cadence, met[-1].row)
        if row is not None:
            met.append(Met(row, expected, step))
            expected = row.booked_on
        elif step - met[-1].step > 1:
            break
    return Chain(cadence, month_days, tuple(met))


def _due(cadence: Cadence, month_days: Sequence[MonthDay], before: date, step: int) -> date:
    """The date of a step: so many days after the one before, or by the day of the month."""
    if not month_days:
        return before + timedelta(days=cadence.days)
    return month_days[step % cadence.dates].later(step // cadence.dates * cadence.months)


def _nearest(rows: Sequence[Payment], expected: date, cadence: Cadence, before: Payment) -> Payment | None:
    """The row nearest to a date and, of several, to the size of the one before; None where none is near."""
    side = timedelta(days=cadence.either_side_days)
    begin = bisect_left(rows, expected - side, key=lambda row: row.booked_on)
    end = bisect_right(rows, expected + side, key=lambda row: row.booked_on)
    near = [row for row in rows[begin:end] if row.booked_on > before.booked_on]
    return min(
        near,
        key=lambda row: (
            abs(row.size - before.size) > before.size * _NEAR_ENOUGH,
            abs((row.booked_on - expected).days),
            row.transaction_id,
        ),
        default=None,
    )
