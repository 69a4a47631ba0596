"""One sentence for people on why the next sync is when it is.

Belongs here: the words, for syncs that went through and for those that failed. Does not belong here: the
decision (`sync.cadence`, `domain.trouble`). No sentence tells anybody's data: hours, counts and codes only.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bank_sync.domain.errors import NEEDS_USER, ProviderError, Recovery
from bank_sync.domain.trouble import OUR_LIMITS
from bank_sync.sync import cadence, habits
from bank_sync.sync.cadence import Cause, NextSync, Situation
from bank_sync.sync.habits import Basis

_SELDOM = 0.2  # weight from which on rarely looking shows
_SOON_AFTER = 2  # hours

_FIXED = {
    Cause.HISTORY: "The provider still reads the history of this link, so it is asked again in two minutes.",
    Cause.QUOTA: "The day's reads that the bank gives are used, but for the one kept for a person who asks; "
    "this is when the next one is free.",
    Cause.WEBHOOKS: "New rows are announced by webhook as they come; this read only makes sure that none was "
    "missed",
}


def why(situation: Situation, chosen: NextSync, now: datetime) -> str:
    """Why a sync that went through at `now` is followed by the chosen one."""
    if chosen.cause in (Cause.HISTORY, Cause.QUOTA):
        return _FIXED[chosen.cause]
    if chosen.cause is Cause.WEBHOOKS:
        return f"{_FIXED[chosen.cause]}{_by_person(situation, now)}."
    if chosen.cause is Cause.PROMISE:
        hours = cadence.promised_freshness(situation.provider) // timedelta(hours=1)
        seldom = _by_person(situation, now)
        return f"Little new is expected, but every connection is read within {hours} hours{seldom}."
    return f"{_by_habit(situation, chosen)}{_by_quota(situation)}{_by_person(situation, now)}."


def why_after(error: ProviderError, wait: timedelta) -> str:
    """Why a failed sync is tried again after `wait`."""
    again = f"tried again in {_span(wait)}"
    if error.recovery in NEEDS_USER:
        return f"The person has to log in to the bank again ({error.code}); until then it is {again}."
    if error.code in OUR_LIMITS:
        return f"It may not be asked just now ({error.code}), so it is {again}."
    if error.recovery is Recovery.RETRY_AT:
        return f"The provider asked to come back later ({error.code}), so it is {again}."
    if error.is_transient:
        return f"The last try failed ({error.code}) in a way that passes, so it is {again}."
    return f"The last try failed ({error.code}) and settings or code have to be mended; it is {again}."


def _by_habit(situation: Situation, chosen: NextSync) -> str:
    usual = habits.usual_hours(situation.rates, chosen.at)
    if situation.basis is Basis.NOTHING:
        return "It is not known yet when new rows usually appear, so it is read now and then to learn it"
    whose = "here" if situation.basis is Basis.OWN else "at this bank"
    if usual is None:
        return f"New rows appear {whose} at no particular hour, so it is read as often as that is worth it"
    first, last = usual
    window = f"between {first:02}:00 and {last:02}:00 UTC"
    since_first = (chosen.at.hour - first) % habits.HOURS_OF_DAY
    if since_first <= (last - first) % habits.HOURS_OF_DAY + _SOON_AFTER:
        return f"New rows usually appear {whose} {window}, so it is read soon after"
    return f"New rows usually appear {whose} {window}; this read is for what comes at other hours"


def _by_quota(situation: Situation) -> str:
    if situation.quota is None:
        return ""
    reads = situation.quota.reads_per_day
    return f", with {reads} read{'s' * (reads > 1)} a day to spend and one kept for a person"


def _by_person(situation: Situation, now: datetime) -> str:
    seldom = cadence.weight(situation.user_active_at, now) < _SELDOM
    return ", the more seldom as nobody has looked lately" if seldom and situation.quota is None else ""


def _span(wait: timedelta) -> str:
    """A wait in words, rounded."""
    minutes = max(1, round(wait / timedelta(minutes=1)))
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= size * (1.5 if size > 1 else 1):
            count = round(minutes / size)
            return f"{count} {unit}{'s' * (count > 1)}"
    return "1 minute"
