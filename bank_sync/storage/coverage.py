"""Which dates of which account have been read completely.

Belongs here: `raw.coverage` and the windows of a round. Does not belong here: what to ask for next
(`sync.requests`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Connection, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from bank_sync.domain.models import DateWindow
from bank_sync.storage.tables import accounts, coverage, pages


def covered_windows(db: Connection, connection_id: str) -> dict[str, DateWindow]:
    """By account_id: the dates that complete answers have covered so far."""
    query = (
        select(coverage.c.account_id, coverage.c.first_on, coverage.c.last_on)
        .join(accounts, accounts.c.account_id == coverage.c.account_id)
        .where(accounts.c.connection_id == connection_id)
    )
    return {row.account_id: DateWindow(row.first_on, row.last_on) for row in db.execute(query)}


def windows_of(db: Connection, round_id: int) -> list[tuple[str, DateWindow]]:
    """(provider_account_id, dates) that a round covered completely."""
    query = select(pages.c.provider_account_id, pages.c.window_first, pages.c.window_last).where(
        pages.c.round_id == round_id, pages.c.window_first.is_not(None)
    )
    return [(row[0], DateWindow(row[1], row[2])) for row in db.execute(query)]


def extend_coverage(
    db: Connection, windows: Mapping[str, DateWindow], *, history_from: date, now: datetime
) -> None:
    """Add completely read windows, by account_id, to what the accounts have covered.

    One that reaches back to `history_from` completes the account's history.
    """
    rows = [
        {
            "account_id": account_id,
            "first_on": window.first,
            "last_on": window.last,
            "is_history_complete": window.first <= history_from,
            "read_at": now,
        }
        for account_id, window in windows.items()
    ]
    if not rows:
        return
    statement = upsert(coverage)
    told = statement.excluded
    merged = {
        "first_on": func.least(coverage.c.first_on, told.first_on),
        "last_on": func.greatest(coverage.c.last_on, told.last_on),
        "is_history_complete": or_(coverage.c.is_history_complete, told.is_history_complete),
        "read_at": told.read_at,
    }
    db.execute(statement.on_conflict_do_update(index_elements=["account_id"], set_=merged), rows)
