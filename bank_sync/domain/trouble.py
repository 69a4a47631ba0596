"""What a failed sync means for the next one, pure.

Belongs here: when it is tried again and whether the person is told. Does not belong here: noting it
(`storage.troubles`), messages (`sync.recovery`), failures of many at once (`domain.breaker`).

Passing trouble is tried again after 15, 30 and 60 minutes; then the person is told, once, and it goes on
daily. What only the person can mend is told at once and looked at weekly. Nothing is given up for good.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bank_sync.domain.errors import NEEDS_USER, ProviderError, Recovery

_RETRY_DELAYS = (timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60))
_DAILY = timedelta(days=1)
_WEEKLY = timedelta(days=7)
_TOLD_AFTER = timedelta(days=1)
_SPREAD = 0.2  # of the delay: what failed together does not come back together
_LONGEST_SPREAD = timedelta(minutes=5)

OUR_LIMITS = frozenset(
    {
        "budget_exhausted",
        "daily_quota",
        "daily_limit",
        "token_renewal_waits",
        "institution_breaker_open",
        "credential_breaker_open",
    }
)
"""Codes of syncs that were not allowed to ask: they say nothing about the connection."""


class Tell(StrEnum):
    """Kinds of messages to a person about a connection in trouble."""

    CONNECTION_FAILING = "connection_failing"
    RECONNECT_NEEDED = "reconnect_needed"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures in a row of one connection.

    Attributes:
        failures: tries that failed since the last good sync; what fails before its time is no try of its own.
        first_failed_at: names the episode; None while all is well.
        told_at: when the person was told of it.
        due_at: when the next sync is due.
    """

    failures: int = 0
    first_failed_at: datetime | None = None
    told_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """The trouble after a failure (with its next try), and what the person is told, if anything."""

    trouble: Trouble
    due_at: datetime
    tell: Tell | None = None


def after_failure(error: ProviderError, trouble: Trouble, *, now: datetime, spread: float) -> NextStep:
    """What follows from a failed sync; `spread` in [0, 1) sets connections apart that failed together."""
    asked = timedelta(seconds=min(max(error.retry_after_s or 0.0, 0.0), _DAILY.total_seconds()))
    is_early = trouble.due_at is not None and now < trouble.due_at
    if error.code in OUR_LIMITS:
        due_at = trouble.due_at if is_early else None
        return _step(trouble, due_at or now + _later(asked, spread))
    begun = replace(trouble, first_failed_at=trouble.first_failed_at or now)
    if error.recovery in NEEDS_USER:
        told = replace(begun, failures=trouble.failures + 1)
        return _step(told, now + _WEEKLY, Tell.RECONNECT_NEEDED)
    if trouble.failures and trouble.due_at is not None and is_early:
        return _step(trouble, trouble.due_at)  # another part of the same sync, or one out of turn
    is_lasting = begun.first_failed_at is not None and now - begun.first_failed_at >= _TOLD_AFTER
    if error.recovery is Recovery.RETRY_AT:
        due_at = now + _later(asked or _RETRY_DELAYS[0], spread)
        return _step(begun, due_at, Tell.CONNECTION_FAILING if is_lasting else None)
    counted = replace(begun, failures=trouble.failures + 1)
    if error.is_transient and counted.failures <= len(_RETRY_DELAYS):
        delay = max(_RETRY_DELAYS[counted.failures - 1], asked)
        return _step(counted, now + delay, Tell.CONNECTION_FAILING if is_lasting else None)
    is_told = error.is_transient or is_lasting
    due_at = now + _DAILY * (1 - _SPREAD / 2 + _SPREAD * spread)
    return _step(counted, due_at, Tell.CONNECTION_FAILING if is_told else None)


def _later(delay: timedelta, spread: float) -> timedelta:
    """A little after the named time, never before it."""
    return delay + min(delay * _SPREAD, _LONGEST_SPREAD) * spread


def _step(trouble: Trouble, due_at: datetime, tell: Tell | None = None) -> NextStep:
    return NextStep(replace(trouble, due_at=due_at), due_at, tell)
