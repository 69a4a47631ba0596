"""Chains: rows of one merchant that meet a calendar.

Belongs here: cadences, and which rows meet one. Pure. Does not belong here: whether a chain is a stream or
chance, and what follows from it (`recurring`).

A chain goes every so many days from the row before, or on the same day of every so many months from the
first, the last of a short month where that day does not exist. Banks move dates to working days, so some days
to either side count. One date in four may be missed, never two in a row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, pairwise


@dataclass(frozen=True, slots=True)
class Payment:
    """One posted row; `size` is its amount without a sign, which all rows of a question share."""

    transaction_id: str
    booked_on: date
    size: Decimal


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often: every `days` days or every `months` months; `either_side_days` off still counts."""

    name: str
    days: int
    months: int
    either_side_days: int
    least: int

    def due(self, first: date, last: date, number: int) -> date:
        """The date `number` steps after the last met one (days) or after the first (months)."""
        if self.months:
            return _months_later(first, number * self.months)
        return last + timedelta(days=self.days)


CADENCES = (
    Cadence("weekly", 7, 0, 1, 5),
    Cadence("biweekly", 14, 0, 2, 4),
    Cadence("four_weekly", 28, 0, 3, 3),
    Cadence("monthly", 0, 1, 4, 3),
    Cadence("quarterly", 0, 3, 7, 3),
    Cadence("yearly", 0, 12, 10, 2),
)

_MET_OF_DUE = 0.75
_NEAR_ENOUGH = Decimal("0.15")  # of the size before: among rows of one date such a one is taken first


@dataclass(frozen=True, slots=True)
class Chain:
    """Rows that meet a cadence; `off` is how far from their dates, as a share of what still counts."""

    cadence: Cadence
    rows: tuple[Payment, ...]
    steps: int
    off: float

    @property
    def missed(self) -> int:
        """How many dates between the first and the last were not met."""
        return self.steps + 1 - len(self.rows)

    def next(self, number: int = 1) -> date:
        """The date that is `number` steps after the last met one."""
        if self.cadence.months:
            return _months_later(self.rows[0].booked_on, (self.steps + number) * self.cadence.months)
        return self.rows[-1].booked_on + timedelta(days=number * self.cadence.days)

    @property
    def worth(self) -> tuple[float, ...]:
        """What makes a chain better than another: it explains more rows, then it is more punctual."""
        return (len(self.rows) - self.missed - self.off, -self.off, self.cadence.either_side_days)


def chains(rows: Sequence[Payment]) -> Iterator[Chain]:
    """The longest chain of each cadence, if any, among rows in the order of time."""
    days = [row.booked_on for row in rows]
    for cadence in CADENCES:
        if _is_crowded(days, cadence):
            continue
        for start in range(len(rows)):
            chain = _chain(rows[start:], cadence)
            if len(chain.rows) >= cadence.least and len(chain.rows) >= _MET_OF_DUE * (chain.steps + 1):
                yield chain
                break  # a later start gives a part of the same chain


def _is_crowded(days: Sequence[date], cadence: Cadence) -> bool:
    """Whether rows follow so closely that most of them cannot belong to a chain; spares looking for one."""
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    period = cadence.days or cadence.months * 30
    return bool(gaps) and gaps[len(gaps) * 3 // 4] < period / 2


def _chain(rows: Sequence[Payment], cadence: Cadence) -> Chain:
    """Go from date to date as long as no two in a row are missed."""
    met = [rows[0]]
    steps_to_last, off_days = 0, 0
    expected = rows[0].booked_on
    for step in count(1):
        expected = cadence.due(rows[0].booked_on, expected, step)
        row = _nearest(rows, expected, cadence, met[-1])
        if row is not None:
            met.append(row)
            off_days += abs((row.booked_on - expected).days)
            expected = row.booked_on
            steps_to_last = step
        elif step - steps_to_last > 1:
            break
    off = off_days / (len(met) * cadence.either_side_days)
    return Chain(cadence, tuple(met), steps_to_last, off)


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


def _months_later(first: date, months: int) -> date:
    """The same day so many months later, or the last one of a month that is too short for it."""
    whole = first.year * 12 + first.month - 1 + months
    year, month = whole // 12, whole % 12 + 1
    return date(year, month, min(first.day, monthrange(year, month)[1]))
