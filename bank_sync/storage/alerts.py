"""What whoever runs bank_sync has to know: one row per cause, however often it is met.

Belongs here: `bank.alerts`. Does not belong here: what is worth an alert (`notifications.alerts`), messages
for the people whose banks these are (`storage.outbox`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.tables import alerts

TOLD_AGAIN_AFTER = timedelta(days=7)
"""A cause that is still met is told once a week; nobody reads more."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One row of `bank.alerts`."""

    cause: str
    message: str
    times: int
    first_at: datetime
    last_at: datetime
    told_at: datetime
    run_id: str | None


def note(db: Connection, cause: str, message: str, *, now: datetime, run_id: str | None = None) -> bool:
    """Note that a cause was met; True when it is to be told: the first time, and a week after the last."""
    values = {"message": message, "last_at": now, "run_id": run_id}
    first = insert(alerts).values(cause=cause, first_at=now, told_at=now, **values)
    if db.execute(first.on_conflict_do_nothing().returning(alerts.c.alert_id)).first() is not None:
        return True
    its_row = update(alerts).where(alerts.c.cause == cause)
    db.execute(its_row.values(times=alerts.c.times + 1, **values))
    again = its_row.where(alerts.c.told_at <= now - TOLD_AGAIN_AFTER).values(told_at=now)
    return db.execute(again).rowcount == 1


def recent_alerts(db: Connection, *, since: datetime) -> list[Alert]:
    """Causes met since then, the newest first."""
    columns = [alerts.c[name] for name in Alert.__slots__]
    query = select(*columns).where(alerts.c.last_at >= since).order_by(alerts.c.last_at.desc())
    return [Alert(**row) for row in db.execute(query).mappings()]
