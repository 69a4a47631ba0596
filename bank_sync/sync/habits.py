"""When an account usually shows new rows, learned from what earlier reads found.

Belongs here: the estimate, as pure arithmetic over reads. Does not belong here: where the reads are stored
(`storage.observations`), what follows from it for the next sync (`sync.cadence`).

A read tells little: rows that appear in it came up at some moment since the read before. The estimate shares
such an appearance out over the hours between, by what is known of each hour so far; as later reads fall
differently, the hours in which rows really appear stand out (expectation-maximisation, one read at a time).
Hours are those of UTC, weekdays and weekends apart, because banks book by their own clock and on bank days.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from math import expm1

HOURS_OF_DAY = 24
BINS = 2 * HOURS_OF_DAY
"""The hours of a weekday, then those of a day of the weekend."""

LEARNED_FROM_DAYS = 42
"""What is older says nothing any more."""

_FLAT = [1.0] * BINS

Rates = Sequence[float]
"""How many times an hour new rows appear, for each of `BINS`."""

_HALF_LIFE_H = 14 * 24.0  # people and banks change their ways: what was two weeks ago counts half
_LONGEST_SPAN_H = 48.0  # rows that appear after a longer gap say nothing of their hour
_BIN_PRIOR_H = 4.0  # so many hours of watching weigh as much as what is known of other hours
_LEVEL_PRIOR_H = 48.0  # the same for what is known of the provider, against the whole account
_KNOWN_AFTER_DAYS = 7.0
_MOST_OF_A_DAY = 0.6
_WIDEST_USUAL_H = 6
_WEEKEND = 5  # Saturday
_THURSDAY = 3  # the day on which counting of hours begins


class Basis(StrEnum):
    """What a connection's habit is known from."""

    OWN = "own"
    BANK = "bank"
    NOTHING = "nothing"


def bin_of(hour: int) -> int:
    """The bin of an hour counted since 1970 in UTC."""
    is_weekend = (hour // HOURS_OF_DAY + _THURSDAY) % 7 >= _WEEKEND
    return hour % HOURS_OF_DAY + HOURS_OF_DAY * is_weekend


def hours(moment: datetime) -> float:
    """A moment in hours since 1970 in UTC."""
    return moment.timestamp() / 3600


class PostingHabit:
    """The habit of one account, one read after the other.

    Args:
        usual_rate: appearances an hour to begin with, until reads tell better.
    """

    __slots__ = (
        "_appeared",
        "_appeared_sum",
        "_began_h",
        "_usual",
        "_watched_h",
        "_watched_sum_h",
        "_weight",
    )

    def __init__(self, usual_rate: float) -> None:
        self._usual = usual_rate
        self._appeared = [0.0] * BINS
        self._watched_h = [0.0] * BINS
        self._appeared_sum = self._watched_sum_h = 0.0
        self._began_h: float | None = None
        self._weight = 1.0  # of a read now; earlier ones weigh less, by their age

    @property
    def watched_days(self) -> float:
        """How much has been seen, older days counting less."""
        return self._watched_sum_h / self._weight / HOURS_OF_DAY

    def saw(self, since: datetime, until: datetime, *, appeared: bool) -> None:
        """A read at `until`, the first since `since`, showed new rows of the account, or none."""
        first_h, last_h = hours(since), hours(until)
        if not 0 < last_h - first_h <= _LONGEST_SPAN_H:
            return
        if self._began_h is None:
            self._began_h = first_h
        self._weight = 2 ** ((last_h - self._began_h) / _HALF_LIFE_H)
        self._count(_spans(first_h, last_h), appeared=appeared)

    def rates(self, alike: Rates | None = None) -> list[float]:
        """Appearances an hour; `alike` are those of similar accounts, whose shape fills what is not known."""
        prior = _BIN_PRIOR_H * self._weight
        usual = prior * self._level()
        shape = _shape(alike) if alike else _FLAT
        return [
            (appeared + usual * share) / (watched_h + prior)
            for appeared, watched_h, share in zip(self._appeared, self._watched_h, shape, strict=True)
        ]

    def _level(self) -> float:
        """Appearances an hour over all hours."""
        prior = _LEVEL_PRIOR_H * self._weight
        return (self._appeared_sum + prior * self._usual) / (self._watched_sum_h + prior)

    def _count(self, spans: list[tuple[int, float]], *, appeared: bool) -> None:
        if appeared:
            self._share_out(spans)
        for index, span_h in spans:
            self._watched_h[index] += self._weight * span_h
            self._watched_sum_h += self._weight * span_h

    def _share_out(self, spans: list[tuple[int, float]]) -> None:
        """Add what is to be expected of each bin, given that something did appear in one of them."""
        prior = _BIN_PRIOR_H * self._weight
        usual = prior * self._level()
        expected = [
            (self._appeared[index] + usual) / (self._watched_h[index] + prior) * span_h
            for index, span_h in spans
        ]
        factor = self._weight / -expm1(-sum(expected))
        for (index, _), share in zip(spans, expected, strict=True):
            self._appeared[index] += factor * share
            self._appeared_sum += factor * share


def learn(reads: Sequence[datetime], appeared: Sequence[datetime], usual_rate: float) -> PostingHabit:
    """The habit that reads, in order, have shown by when new rows first appeared in them, in order."""
    habit = PostingHabit(usual_rate)
    for since, until in pairwise(reads):
        habit.saw(since, until, appeared=_is_within(appeared, since, until))
    return habit


def shared_by(alike: Sequence[PostingHabit]) -> list[float]:
    """Appearances an hour, on average over several connections."""
    return [sum(bins) / len(alike) for bins in zip(*(one.rates() for one in alike), strict=True)]


def was_announced(
    reads: Sequence[datetime], appeared: Iterable[Sequence[datetime]], webhook_seen_at: datetime | None
) -> bool:
    """Whether the newest rows had a webhook, which may also come after the read that found them."""
    if webhook_seen_at is None:
        return False
    newest = max((account[-1] for account in appeared if account), default=None)
    if newest is None:
        return True
    index = bisect_left(reads, newest) - 1
    return index < 0 or webhook_seen_at >= reads[index]


def rates_of(accounts: Sequence[PostingHabit], alike: Rates | None = None) -> tuple[list[float], Basis]:
    """Appearances an hour in any of a connection's accounts, and what that was learned from."""
    rates = [sum(bins) for bins in zip(*(one.rates(alike) for one in accounts), strict=True)] or [0.0] * BINS
    return rates, _basis(accounts, alike)


def is_known(accounts: Sequence[PostingHabit]) -> bool:
    """Whether the accounts were watched for long enough to speak for themselves."""
    return all(one.watched_days >= _KNOWN_AFTER_DAYS for one in accounts)


def usual_hours(rates: Rates, at: datetime) -> tuple[int, int] | None:
    """First hour and end of the shortest span in which most rows appear on such a day; None if it is long."""
    first_bin = bin_of(int(hours(at))) // HOURS_OF_DAY * HOURS_OF_DAY
    day = list(rates[first_bin : first_bin + HOURS_OF_DAY]) * 2
    whole = sum(day) / 2
    for width in range(1, _WIDEST_USUAL_H + 1):
        most, first = max((sum(day[hour : hour + width]), -hour) for hour in range(HOURS_OF_DAY))
        if whole and most >= _MOST_OF_A_DAY * whole:
            return -first, (-first + width) % HOURS_OF_DAY
    return None


def _is_within(moments: Sequence[datetime], since: datetime, until: datetime) -> bool:
    return bisect_right(moments, until) > bisect_right(moments, since)


def _basis(accounts: Sequence[PostingHabit], alike: Rates | None) -> Basis:
    if is_known(accounts):
        return Basis.OWN
    return Basis.BANK if alike else Basis.NOTHING


def _shape(rates: Rates) -> list[float]:
    """The same hours with one for their mean."""
    mean = sum(rates) / len(rates)
    return [rate / mean for rate in rates] if mean else _FLAT


def _spans(first_h: float, last_h: float) -> list[tuple[int, float]]:
    """The bins between two moments, and how many hours of each."""
    found = []
    while first_h < last_h:
        hour = int(first_h)
        end_h = min(hour + 1.0, last_h)
        found.append((bin_of(hour), end_h - first_h))
        first_h = end_h
    return found
