"""When is what due.

Belongs here: pure functions from what is known of a connection to its next sync, each with its reason. Does
not belong here: reading or writing that knowledge (`storage.connections`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

# GoCardless banks allow four reads a day and account (PSD2); one is kept for a person who asks. Three go into
# a day with a little to spare, because a call counts until a minute after its day (domain.quota).
_INTERVALS = {"gocardless": timedelta(hours=8, minutes=5)}
_USUAL_INTERVAL = timedelta(hours=6)  # Plaid and Teller read the banks one to four times a day themselves

_USUAL_PROMISE = timedelta(hours=24)  # providers read each bank once a day at least

_HISTORY_DELAY = timedelta(minutes=2)

_LEAST_DAYS_REREAD = 14  # banks book late and correct within about two weeks
_DAYS_BEFORE_THE_GAP = 3


def after_success(provider: str, now: datetime, *, is_history_waiting: bool = False) -> datetime:
    """The next regular sync; soon while the provider still reads the history of a new link."""
    if is_history_waiting:
        return now + _HISTORY_DELAY
    return now + _INTERVALS.get(provider, _USUAL_INTERVAL)


def promised_freshness(provider: str) -> timedelta:
    """The longest time between two good syncs of a connection in good health; one that is older is stale."""
    return max(_USUAL_PROMISE, 2 * _INTERVALS.get(provider, _USUAL_INTERVAL))


def days_to_reread(days_since_covered: int) -> int:
    """How far back a window read goes: two weeks, or the gap since the last good read and a little more."""
    return max(_LEAST_DAYS_REREAD, days_since_covered + _DAYS_BEFORE_THE_GAP)
