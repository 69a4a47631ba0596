"""Days of months, and how banks move them off weekends.

Belongs here: which day of a month some dates mean. Pure. Does not belong here: which rows follow one another
(`recurring_chains`).

A payment "on the last" shows on the 28th, 30th or 31st, and on the Friday before where that is a Sunday; one
"on the 15th" may show on the 13th or the 17th. So one date alone does not tell what is meant; several do.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_LAST = 31
_NEAR_THE_END_DAYS = 3  # a last working day is at most so far from the end of its month, holidays aside
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day to count months from, the last of a month that is too short; `month` counts from the year 0."""

    month: int
    day: int

    def later(self, months: int) -> date:
        """The same day so many months later."""
        year, month = divmod(self.month + months, 12)
        return date(year, month + 1, min(self.day, monthrange(year, month + 1)[1]))


def possible_days(first: date) -> list[MonthDay]:
    """What a first date may mean: its day, or the last of the month."""
    month = first.year * 12 + first.month - 1
    days = {first.day, _LAST} if _is_near_the_end(first) else {first.day}
    return [MonthDay(month, day) for day in sorted(days)]


def fitted(day: MonthDay, booked: Sequence[tuple[int, date]]) -> MonthDay:
    """The day of the month, of those that show, that dates so many months after `day` are nearest to."""

    def far(candidate: int) -> tuple[int, int]:
        pairs = [(MonthDay(day.month, candidate).later(months), on) for months, on in booked]
        return sum(off_days(*pair) for pair in pairs), sum(abs((on - due).days) for due, on in pairs)

    shown = {day.day, _LAST, *(on.day for _, on in booked)}
    return MonthDay(day.month, min(sorted(shown), key=far))


def off_days(due: date, booked: date) -> int:
    """How many days a date is off; one that was moved from a weekend to a working day beside it is not."""
    return min(abs((booked - near).days) for near in (due, _friday_before(due), _monday_after(due)))


def moved(due: date, before: Sequence[tuple[date, date]]) -> date:
    """A date moved off a weekend the way most of the earlier ones, each with where it went, were moved."""
    went = [(booked > was) - (booked < was) for was, booked in before if was.weekday() >= _SATURDAY]
    if sum(went) == 0:
        return due
    return _monday_after(due) if sum(went) > 0 else _friday_before(due)


def _is_near_the_end(day: date) -> bool:
    return (day + timedelta(days=_NEAR_THE_END_DAYS)).month != day.month


def _friday_before(day: date) -> date:
    return day - timedelta(days=max(0, day.weekday() - _SATURDAY + 1))


def _monday_after(day: date) -> date:
    return day + timedelta(days=7 - day.weekday()) if day.weekday() >= _SATURDAY else day
