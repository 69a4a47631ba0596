"""When is what due, and why.

Belongs here: pure functions from what is known of a connection to its next sync, each with its reason. Does
not belong here: gathering that knowledge (`sync.due`), the habits (`sync.habits`), the sentences people read
(`sync.reasons`), what follows from a failure (`domain.trouble`).

`promised_freshness(provider: str) -> timedelta` is the longest time between two good syncs of a connection in
good health; one that is older is stale.

The aim is the least staleness (how long the oldest row that the provider already tells has been missing
here), weighted by how lately a person looked, for the calls it costs. A read has a price, in hours of
staleness times hours. Waiting goes on for as long as it lowers the cost of an hour: with `c` the expected
weighted staleness at the end of a wait of `w` hours and `C` its sum over the wait, the moment has come when
w·c - C reaches the price. Where a bank gives few reads a day, their price is what makes them last a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import exp

from bank_sync.domain.quota import COUNTS_FOR
from bank_sync.sync import habits
from bank_sync.sync.habits import Basis, Rates

USUAL_RATES = {"plaid": 3 / 24, "teller": 2 / 24, "gocardless": 4 / 24}
"""Appearances an hour at a connection of which nothing is known yet: Plaid reads a bank one to four times a
day, Teller once or more, and GoCardless passes each question on to the bank."""

_USUAL_RATE = 3 / 24

_USUAL_PROMISE = timedelta(hours=24)  # providers read each bank once a day at least
_PROMISES = {
    "gocardless": timedelta(hours=26)
}  # a used-up quota of calls is free again after 24 hours and a bit
_LEFT_OF_PROMISE = timedelta(hours=2)  # for a sync that has to be tried twice, or waits for its turn

_HISTORY_DELAY = timedelta(minutes=2)
_LEAST_WAIT = timedelta(minutes=20)

_STEP_H = 1 / 3  # what is weighed; finer steps gain nothing that the spread leaves
_STEP = timedelta(hours=_STEP_H)
_MOST_PUT_OFF = 6  # steps: two hours
_PRICE = 2.0  # gives 2.6 regular reads a day on average: `make proof-cadence`
_PRICE_UNDER_QUOTA = 0.25  # reads that are not used lapse
_DEAREST = 500.0  # a price at which nothing is read until the promise ends
_HALVINGS = 6  # brings the price of a read under a quota within 13 %, its moment within 4 %
_UNANNOUNCED = 0.1  # of what appears, where webhooks work: some are lost on the way
_LEAST_WEIGHT = 0.03  # of a person who looks once a month
_WEIGHT_UNKNOWN = 0.5

_WIDEST_SPREAD = timedelta(minutes=30)
_SPREAD = 0.1  # of the wait: what was synced together does not come back together


class Cause(StrEnum):
    """What set the moment of the next sync."""

    HISTORY = "history"
    QUOTA = "quota"
    PROMISE = "promise"
    WEBHOOKS = "webhooks"
    HABIT = "habit"


@dataclass(frozen=True, slots=True)
class Quota:
    """What a bank gives the schedule, the reserve for a person left out.

    Attributes:
        reads_per_day: in any 24 hours.
        free_at: the first moment at which one more read fits.
    """

    reads_per_day: int
    free_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the next sync of a connection in good health depends on.

    Attributes:
        rates: appearances of new rows an hour, over all its accounts.
        basis: what the rates were learned from.
        are_webhooks_working: the newest rows were announced.
        user_active_at: when the person last looked; None where nobody tells.
        is_history_waiting: the provider still reads the history of the link.
    """

    connection_id: str
    provider: str
    rates: Rates
    basis: Basis = Basis.NOTHING
    are_webhooks_working: bool = False
    user_active_at: datetime | None = None
    is_history_waiting: bool = False
    quota: Quota | None = None


@dataclass(frozen=True, slots=True)
class NextSync:
    """When the next sync is due, and what set the moment."""

    at: datetime
    cause: Cause


def next_sync(situation: Situation, now: datetime) -> NextSync:
    """The next sync after one that went through at `now`: later than now, and within the promise."""
    if situation.is_history_waiting:
        at, cause = now + _HISTORY_DELAY, Cause.HISTORY
    else:
        at, cause = _worthwhile(situation, now)
    if situation.quota is not None and situation.quota.free_at > at:
        return NextSync(situation.quota.free_at, Cause.QUOTA)
    return NextSync(at, cause)


def promised_freshness(provider: str) -> timedelta:
    """The longest time between two good syncs of a connection in good health."""
    return _PROMISES.get(provider, _USUAL_PROMISE)


def usual_rate(provider: str) -> float:
    """Appearances an hour at a connection of which nothing is known yet."""
    return USUAL_RATES.get(provider, _USUAL_RATE)


def spread(connection_id: str) -> float:
    """A number in [0, 1) that sets connections apart, the same for ever."""
    return int.from_bytes(hashlib.sha256(connection_id.encode()).digest()[:6], "big") / 2**48


def weight(user_active_at: datetime | None, now: datetime) -> float:
    """How much staleness matters, up to 1: the longer nobody looked, the less."""
    if user_active_at is None:
        return _WEIGHT_UNKNOWN
    days = max(timedelta(0), now - user_active_at) / timedelta(days=1)
    return max(_LEAST_WEIGHT, 1 / (1 + days))


def _worthwhile(situation: Situation, now: datetime) -> tuple[datetime, Cause]:
    """When waiting on would cost more than a read does."""
    expected = _expected(situation, now)
    wait = max(_LEAST_WAIT, _STEP * _best_wait(expected, _threshold(situation, expected, now)))
    at = now + wait + min(_WIDEST_SPREAD, wait * _SPREAD) * spread(situation.connection_id)
    latest = now + promised_freshness(situation.provider) - _LEFT_OF_PROMISE
    if at >= latest:
        return latest - _WIDEST_SPREAD * spread(situation.connection_id), Cause.PROMISE
    return at, Cause.WEBHOOKS if situation.are_webhooks_working else Cause.HABIT


def _expected(situation: Situation, now: datetime) -> list[float]:
    """Appearances that only a read would find, step by step, until the promise ends."""
    begin_h = habits.hours(now) + _STEP_H / 2
    share = (_UNANNOUNCED if situation.are_webhooks_working else 1.0) * _STEP_H
    steps = promised_freshness(situation.provider) // _STEP
    first = int(begin_h)
    by_hour = [
        share * situation.rates[habits.bin_of(first + hour)] for hour in range(int(steps * _STEP_H) + 1)
    ]
    offset_h = begin_h - first
    return [by_hour[int(offset_h + number * _STEP_H)] for number in range(steps)]


def _threshold(situation: Situation, expected: Sequence[float], now: datetime) -> float:
    """What a read costs, in staleness that counts in full."""
    by_person = weight(situation.user_active_at, now)
    if situation.quota is None:
        return _PRICE / by_person
    return _lasting(expected, situation.quota.reads_per_day, _PRICE_UNDER_QUOTA / by_person)


def _wait(expected: Sequence[float], first: int, threshold: float) -> int:
    """Steps from `first` on until waiting on costs more than a read; all that are left if it never does."""
    appearances = staleness = cost = waited_h = 0.0
    for number in range(first, len(expected)):
        appearances += expected[number]
        staleness += (1 - exp(-appearances)) * _STEP_H
        cost += staleness * _STEP_H
        waited_h += _STEP_H
        if waited_h * staleness - cost >= threshold:
            return number + 1 - first
    return len(expected) - first


def _best_wait(expected: Sequence[float], threshold: float) -> int:
    """Steps until the read: put off a little if that leaves less for the one after it, as in a busy hour."""
    first = _wait(expected, 0, threshold)
    second = first + _wait(expected, first, threshold)
    return min(
        range(first, min(first + _MOST_PUT_OFF, second) + 1),
        key=lambda step: _cost(expected, 0, step) + _cost(expected, step, second),
    )


def _cost(expected: Sequence[float], first: int, last: int) -> float:
    """The staleness of all steps of a wait."""
    appearances = staleness = cost = 0.0
    for number in range(first, last):
        appearances += expected[number]
        staleness += 1 - exp(-appearances)
        cost += staleness
    return cost


def _lasting(expected: Sequence[float], reads_per_day: int, least: float) -> float:
    """The lowest threshold, from `least` on, at which a day's reads last for the day."""
    low, high = least, max(least, _DEAREST)
    if _lasts(expected, reads_per_day, low):
        return low
    for _ in range(_HALVINGS):
        middle = (low * high) ** 0.5
        if _lasts(expected, reads_per_day, middle):
            high = middle
        else:
            low = middle
    return high


def _lasts(expected: Sequence[float], reads_per_day: int, threshold: float) -> bool:
    """Whether as many reads as a day has, planned from now on, last a day, their spread counted in."""
    day = (COUNTS_FOR - reads_per_day * _WIDEST_SPREAD / 2) // _STEP
    step = 0
    for _ in range(reads_per_day):
        step += _wait(expected, step, threshold)
    return step >= day
