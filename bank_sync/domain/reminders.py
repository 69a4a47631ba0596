"""When a person is told again, pure.

Belongs here: the days before an end that are worth a word, and how long silence lasts after one. Does not
belong here: the words (`notifications.reminders`), failures (`domain.trouble`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

SILENCE = timedelta(days=7)
"""After a message, the same matter is not mentioned again for this long."""

_WARNED_DAYS_BEFORE = (1, 3, 7, 14)
"""Steps towards an end; each is told once, and none within the silence after another."""

EARLIEST_WARNING = timedelta(days=max(_WARNED_DAYS_BEFORE))


def warning_step(ends_at: datetime, now: datetime) -> int | None:
    """The step reached on the way to an end: 14, 7, 3 or 1 days; None before the first and after the end."""
    left = ends_at - now
    if left <= timedelta(0):
        return None
    return next((days for days in _WARNED_DAYS_BEFORE if left <= timedelta(days=days)), None)


def may_be_told(last_told_at: datetime | None, now: datetime) -> bool:
    """Whether the silence since the last message on the matter is over."""
    return last_told_at is None or now - last_told_at >= SILENCE
