"""A daily quota of calls, as arithmetic.

Belongs here: who may use how much of it, and when the next call fits. Does not belong here: keeping the
ledger of calls (`storage.quota`), making them (`providers`).

A call counts for more than 24 hours from its answer. So no span of 24 hours ever holds more calls than the
quota, and the quota holds whether the bank counts by its day, by UTC day or by a window that slides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bank_sync.domain.models import AskedBy

COUNTS_FOR = timedelta(hours=24, minutes=1)
"""How long an answered call counts: a day, and a minute for clocks that do not agree."""

UNKNOWN_COUNTS_FOR = timedelta(hours=24, minutes=10)
"""How long a call counts whose answer never came: the bank may have counted it later than we asked."""


class Scope(StrEnum):
    """What is asked about an account; each has a quota of its own."""

    DETAILS = "details"
    BALANCES = "balances"
    TRANSACTIONS = "transactions"


class CallOutcome(StrEnum):
    """How a call ended; one that stays `reserved` has an unknown end and counts as used."""

    RESERVED = "reserved"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Counted:
    """Calls that count until a moment."""

    units: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Reservation:
    """Leave to make one call, or since when it may be asked for again.

    Attributes:
        call_id: names the call to settle; None when it must not be made.
        free_at: the first moment at which a call fits; now when it may be made.
    """

    call_id: int | None
    free_at: datetime


def allowance(calls_per_day: int, asked_by: AskedBy) -> int:
    """How much of the quota is open: the schedule leaves one call to a person, unless there is only one."""
    return calls_per_day if asked_by is AskedBy.PERSON else max(1, calls_per_day - 1)


def free_at(counted: Sequence[Counted], allowed: int, now: datetime) -> datetime:
    """The first moment from now on at which one more call stays within `allowed`."""
    counting = sorted((call for call in counted if call.until > now), key=lambda call: call.until)
    used = sum(call.units for call in counting)
    moment = now
    for call in counting:
        if used < allowed:
            break
        used -= call.units
        moment = call.until
    return moment
