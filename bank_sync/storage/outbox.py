"""The notifications outbox.

Belongs here: `bank.notifications`. Does not belong here: what is worth telling (`notifications.events`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.tables import notifications, transactions


def enqueue(
    db: Connection,
    *,
    user_id: str,
    connection_id: str,
    kind: str,
    dedupe_key: str,
    message: str,
    details: Mapping[str, object],
    now: datetime,
) -> bool:
    """Queue a message once per dedupe_key; True when it is new."""
    statement = insert(notifications).values(
        user_id=user_id,
        connection_id=connection_id,
        kind=kind,
        dedupe_key=dedupe_key,
        message=message,
        details=dict(details),
        created_at=now,
    )
    once = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
    return db.execute(once.returning(notifications.c.notification_id)).first() is not None


def told_until(db: Connection, connection_id: str) -> datetime | None:
    """Up to which first_seen_at a person has been told of new transactions; None before the first message."""
    told = func.max(notifications.c.details["told_until"].astext)
    found: str | None = db.execute(
        select(told).where(notifications.c.connection_id == connection_id)
    ).scalar_one()
    return datetime.fromisoformat(found) if found else None


def untold(db: Connection, connection_id: str, since: datetime | None) -> tuple[int, datetime | None]:
    """How many live transactions were first seen after `since`, and the newest such moment."""
    query = select(func.count(), func.max(transactions.c.first_seen_at)).where(
        transactions.c.connection_id == connection_id,
        transactions.c.removed_at.is_(None),
        transactions.c.superseded_by.is_(None),
    )
    if since is not None:
        query = query.where(transactions.c.first_seen_at > since)
    row = db.execute(query).one()
    return row[0], row[1]
