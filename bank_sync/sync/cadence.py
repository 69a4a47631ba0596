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

_HISTORY_DELAY = timedelta(minutes=2)

_LEAST_DAYS_REREAD = 14  # banks book late and correct within about two weeks
_DAYS_BEFORE_THE_GAP = 3
_DAYS_OPEN_TO_A_BACKGROUND_READ = (
    89  # what lies 90 days back many European banks show right after consent alone
)


def after_success(provider: str, now: datetime, *, is_history_waiting: bool = False) -> datetime:
    """The next regular sync; soon while the provider still reads the history of a new link."""
    if is_history_waiting:
        return now + _HISTORY_DELAY
    return now + _INTERVALS.get(provider, _USUAL_INTERVAL)


def days_to_reread(days_since_covered: int) -> int:
    """How far back a window read goes: two weeks, or the gap since the last good read and a little more."""
    return max(_LEAST_DAYS_REREAD, days_since_covered + _DAYS_BEFORE_THE_GAP)


def days_to_look_for_a_missing_row(syncs_differing: int) -> int | None:
    """How far back to read again after `syncs_differing` syncs in a row that left a balance unexplained.

    A row may be booked later than any overlap reaches. None where there is no reason, and at most of those
    syncs, as looking has not helped so far: it is done after the first, second, fourth, eighth and so on.
    """
    is_power_of_two = syncs_differing & (syncs_differing - 1) == 0
    return _DAYS_OPEN_TO_A_BACKGROUND_READ if syncs_differing and is_power_of_two else None
