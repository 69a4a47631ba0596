"""Plays a policy against the truth of `cadence_world`: who is read when, at what cost, how stale that is.

Belongs here: the loop over moments and what is measured. Does not belong here: the truth, the report.

Failures, quotas and the wait after them are those of production (`domain.trouble`, `domain.quota`), for each
policy alike; so are reads that a webhook or a person starts. A policy is asked after each good read only, and
is told what that read and those before it saw.
"""

from __future__ import annotations

import heapq
import multiprocessing
import operator
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import NamedTuple, Protocol

import numpy as np

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import COUNTS_FOR, Counted, allowance, free_at
from bank_sync.domain.trouble import Trouble, after_failure
from bank_sync.sync import cadence
from bank_sync_tests.proof.cadence_world import Link

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
CALLS_A_DAY = 4
"""What a bank behind GoCardless gives for each account."""

_DAY_H = 24.0


Hours = np.ndarray[tuple[int], np.dtype[np.float64]]


class Found(NamedTuple):
    """A read that showed new rows, and the read before it."""

    since_h: float
    at_h: float


@dataclass(slots=True)
class Reader:
    """What bank_sync knows of one connection, and what it has done."""

    link: Link
    syncs: list[float] = field(default_factory=list)
    due_h: float = 0.0
    trouble: Trouble = field(default_factory=Trouble)
    counted: list[Counted] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    webhook_seen_at: datetime | None = None
    user_active_at: datetime | None = None
    found: list[Found] = field(default_factory=list)

    def new_in(self, since_h: float, until_h: float) -> list[bool]:
        """By account, whether a read at `until_h` shows what the one at `since_h` did not."""
        return [
            bisect_right(account, until_h) > bisect_right(account, since_h) for account in self.link.tellable
        ]


class Policy(Protocol):
    """Says when a connection is due next."""

    def after_success(self, reader: Reader, now: datetime, appeared: Sequence[bool]) -> datetime:
        """The next regular read after one that went through; `appeared` says which accounts had new rows."""


@dataclass(slots=True)
class Played:
    """What a policy did and what came of it."""

    readers: list[Reader]
    days: int
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    minutes: Counter[tuple[str, int]] = field(default_factory=Counter)  # calls in each minute
    refused: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Played) -> Played:
        """What came of the same policy with other connections."""
        return Played(
            self.readers + other.readers,
            self.days,
            self.calls + other.calls,
            self.minutes + other.minutes,
            self.refused + other.refused,
        )

    def calls_of(self, provider: str) -> int:
        """All calls to one provider, however they were started."""
        return sum(count for (name, _), count in self.calls.items() if name == provider)


def moment(at_h: float) -> datetime:
    """A simulated hour as a time."""
    return BEGIN + timedelta(hours=at_h)


def hour(at: datetime) -> float:
    """A time as a simulated hour."""
    return (at - BEGIN) / timedelta(hours=1)


def play_on_all_cores(links: Sequence[Link], policy: Policy, days: int) -> Played:
    """The same as `play`, banks shared out over processes: nothing passes from one bank to another."""
    cores = os.cpu_count() or 1
    core_of = {name: number % cores for number, name in enumerate(sorted({link.bank.name for link in links}))}
    shares = [[link for link in links if core_of[link.bank.name] == core] for core in range(cores)]
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        played = pool.map(play, shares, [policy] * cores, [days] * cores)
        return reduce(operator.add, played)


def play(links: Sequence[Link], policy: Policy, days: int) -> Played:
    """Let time pass for all connections together."""
    played = Played([Reader(link) for link in links], days)
    events: list[tuple[float, int, str]] = []
    for number, link in enumerate(links):
        played.readers[number].due_h = link.linked_h
        events.append((link.linked_h, number, "due"))
        events += [(at_h, number, "webhook") for at_h in link.webhooks]
        events += [(at_h, number, "look") for at_h in link.looks]
        events += [(at_h, number, "press") for at_h in link.presses]
    heapq.heapify(events)
    while events:
        at_h, number, kind = heapq.heappop(events)
        if at_h >= days * _DAY_H:
            break
        reader = played.readers[number]
        if _happens(played, reader, policy, at_h, kind):
            heapq.heappush(events, (reader.due_h, number, "due"))
    return played


def _happens(played: Played, reader: Reader, policy: Policy, at_h: float, kind: str) -> bool:
    """One event; returns whether the connection is due anew."""
    if kind == "look":
        reader.user_active_at = moment(at_h)
        return False
    if kind == "due" and at_h != reader.due_h:
        return False  # it was put off or brought forward meanwhile
    if kind == "webhook":
        reader.webhook_seen_at = moment(at_h)
    return _read(played, reader, policy, at_h, kind)


def _read(played: Played, reader: Reader, policy: Policy, at_h: float, kind: str) -> bool:
    now, provider = moment(at_h), reader.link.bank.provider
    asked_by = AskedBy.PERSON if kind == "press" else AskedBy.SCHEDULE
    if provider == "gocardless":
        reader.counted = [one for one in reader.counted if one.until > now]
        at = free_at(reader.counted, allowance(CALLS_A_DAY, asked_by), now)
        if at > now:
            return _refused(played, reader, at, kind)
    played.calls[provider, kind] += 1
    played.minutes[provider, int(at_h * 60)] += 1
    if reader.link.bank.is_down(at_h):
        return _failed(reader, now)
    if provider == "gocardless":
        reader.counted.append(Counted(1, now + COUNTS_FOR))
        reader.answered.append(at_h)
    reader.trouble = Trouble()
    _succeeded(reader, policy, at_h)
    return True


def _refused(played: Played, reader: Reader, free_from: datetime, kind: str) -> bool:
    """No call may be made: the schedule comes back when one is free, a person is told."""
    played.refused[kind] += 1
    if kind != "due":
        return False
    reader.due_h = hour(free_from)
    return True


def _failed(reader: Reader, now: datetime) -> bool:
    error = ProviderError(
        provider=reader.link.bank.provider, code="bank_down", recovery=Recovery.RETRY_BACKOFF
    )
    step = after_failure(error, reader.trouble, now=now, spread=cadence.spread(reader.link.connection_id))
    reader.trouble, reader.due_h = step.trouble, hour(step.due_at)
    return True


def _succeeded(reader: Reader, policy: Policy, at_h: float) -> None:
    appeared = reader.new_in(reader.syncs[-1], at_h) if reader.syncs else []
    if any(appeared):
        reader.found.append(Found(reader.syncs[-1], at_h))
    due_at = policy.after_success(reader, moment(at_h), appeared)
    reader.syncs.append(at_h)
    reader.due_h = hour(due_at)


def staleness(reader: Reader, at_h: Sequence[float]) -> Hours:
    """How long, at each of some moments after the first read, the oldest missing row has been tellable."""
    syncs, tellable = np.array(reader.syncs), np.array([*reader.link.any_tellable, np.inf])
    moments = np.array([one for one in at_h if one >= reader.syncs[0]]) if reader.syncs else np.array([])
    if not len(moments):
        return moments
    last_read = syncs[np.searchsorted(syncs, moments, side="right") - 1]
    oldest_missing = tellable[np.searchsorted(tellable, last_read, side="right")]
    found: Hours = np.maximum(0.0, moments - oldest_missing)
    return found


def over_quota(readers: Sequence[Reader]) -> int:
    """How often a bank would have counted more good answers in 24 hours than it gives."""
    return sum(
        later - earlier < _DAY_H
        for reader in readers
        for earlier, later in zip(reader.answered, reader.answered[CALLS_A_DAY:], strict=False)
    )
