"""Telling whoever runs bank_sync, once per cause.

Belongs here: making a cause out of trouble, and saying it. Does not belong here: the row that remembers it
(`storage.alerts`), messages for people (`notifications.events`, `notifications.reminders`).
"""

from __future__ import annotations

import logging
import re
from datetime import datetime

from sqlalchemy import Connection

from bank_sync.storage import alerts

_log = logging.getLogger(__name__)

_WORD = re.compile(r"[A-Za-z0-9_./-]{1,80}")
_LONGEST_CAUSE = 200


def alert(db: Connection, *parts: str, message: str, now: datetime, run_id: str | None = None) -> bool:
    """Note a cause, named by code-like `parts`, and say it in the log; True when it was said.

    A cause that is met again is counted and said again after a week. `message` says what is wrong and what to
    do, and holds nobody's data.
    """
    cause = ":".join(safe_word(part) for part in parts)[:_LONGEST_CAUSE]
    is_due = alerts.note(db, cause, message, now=now, run_id=run_id)
    if is_due:
        _log.warning("%s: %s", cause, message)
    return is_due


def safe_word(text: str) -> str:
    """A code-like word as it stands; anything else may be someone's data, or break a log line."""
    return text if _WORD.fullmatch(text) else "unreadable"
