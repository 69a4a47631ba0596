"""Which dates of which account have been read completely.

Belongs here: `raw.coverage` and the windows of a round. Does not belong here: what to ask for next
(`sync.requests`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, literal, or_, select
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
    db: Connection, account_id: str, window: DateWindow, *, is_history_complete: bool, now: datetime
) -> None:
    """Add a completely read window to what an account has covered."""
    values = {"first_on": window.first, "last_on": window.last, "is_history_complete": is_history_complete}
    statement = upsert(coverage).values(account_id=account_id, **values, read_at=now)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id"],
            set_={
                "first_on": func.least(coverage.c.first_on, window.first),
                "last_on": func.greatest(coverage.c.last_on, window.last),
                "is_history_complete": or_(coverage.c.is_history_complete, literal(is_history_complete)),
                "read_at": now,
            },
        )
    )
