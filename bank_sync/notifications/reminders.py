"""Telling people of what they should see to: access that ends, a login that is refused, data that grow old.

Belongs here: the words, and that one matter is told at most once a week. Does not belong here: which
connections (`storage.watch`), what a sync brought (`notifications.events`), the first word on a failure
(`sync.recovery`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from bank_sync.domain.reminders import EARLIEST_WARNING, may_be_told, warning_step
from bank_sync.domain.trouble import Tell
from bank_sync.services import Services
from bank_sync.storage import outbox, watch
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.watch import Watched


class Reminder(StrEnum):
    """Kinds of messages that nothing which just happened brings about."""

    CONSENT_EXPIRING = "consent_expiring"
    RECONNECT_REMINDER = "reconnect_reminder"
    CONNECTION_STALE = "connection_stale"
    NEW_ACCOUNTS = "new_accounts_available"


_ABOUT_THE_LOGIN = (Tell.RECONNECT_NEEDED, Reminder.RECONNECT_REMINDER)
_ABOUT_AGE = (Tell.CONNECTION_FAILING, Reminder.CONNECTION_STALE)

TOLD_STALE_AFTER = timedelta(days=2)
"""Beyond the promise it is our trouble; beyond this the person should know how old the figures are."""


def tell_expiring(services: Services) -> int:
    """Tell whose access ends within two weeks; returns how many messages were queued."""
    now = services.clock()
    with transaction(services.engine) as db:
        found = watch.expiring(db, [Reminder.CONSENT_EXPIRING], now=now, within=EARLIEST_WARNING)
        return sum(_tell_expiring(db, one, now) for one in found if may_be_told(one.last_told_at, now))


def tell_disconnected(services: Services) -> int:
    """Remind those whose login is still refused; returns how many messages were queued."""
    now = services.clock()
    with transaction(services.engine) as db:
        due = [one for one in watch.disconnected(db, _ABOUT_THE_LOGIN) if may_be_told(one.last_told_at, now)]
        return sum(_tell_disconnected(db, one, now) for one in due)


def tell_stale(services: Services, promised: Mapping[str, timedelta]) -> int:
    """Tell whose data are days old without a reason told before; returns how many messages were queued."""
    now = services.clock()
    lasting = {name: max(span, TOLD_STALE_AFTER) for name, span in promised.items()}
    with transaction(services.engine) as db:
        found = watch.stale(db, _ABOUT_AGE, now=now, promised=lasting)
        return sum(_tell_stale(db, one, now) for one in found if may_be_told(one.last_told_at, now))


def tell_new_accounts(db: Connection, connection: StoredConnection, *, now: datetime) -> bool:
    """Tell that the bank has accounts which were not shared; True when a message was queued."""
    if not may_be_told(outbox.last_told(db, connection.connection_id, Reminder.NEW_ACCOUNTS), now):
        return False
    return _queue(
        db,
        connection,
        Reminder.NEW_ACCOUNTS,
        f"{now.date()}",
        "{bank} has accounts you do not share yet. Connect it again to choose them.",
        now=now,
    )


def _tell_expiring(db: Connection, one: Watched, now: datetime) -> bool:
    ends_at = one.connection.consent_expires_at
    step = warning_step(ends_at, now) if ends_at is not None else None
    if ends_at is None or step is None:
        return False
    return _queue(
        db,
        one.connection,
        Reminder.CONSENT_EXPIRING,
        f"{ends_at.date()}:{step}",
        f"{{bank}}: your permission ends on {ends_at.date()}. Renew it before then to go on getting updates.",
        now=now,
        details={"ends_at": ends_at.isoformat()},
    )


def _tell_disconnected(db: Connection, one: Watched, now: datetime) -> bool:
    since = one.first_failed_at
    return _queue(
        db,
        one.connection,
        Reminder.RECONNECT_REMINDER,
        f"{since}:{one.told_before}",
        f"{{bank}} has sent no updates since {since:%Y-%m-%d}: log in to the bank again.",
        now=now,
    )


def _tell_stale(db: Connection, one: Watched, now: datetime) -> bool:
    read_at = one.connection.last_synced_at
    since = f"since {read_at:%Y-%m-%d}" if read_at else "yet"
    return _queue(
        db,
        one.connection,
        Reminder.CONNECTION_STALE,
        f"{read_at}:{one.told_before}",
        f"{{bank}} has sent no updates {since}. We keep trying; there is nothing you need to do.",
        now=now,
    )


def _queue(
    db: Connection,
    connection: StoredConnection,
    kind: Reminder,
    episode: str,
    message: str,
    *,
    now: datetime,
    details: Mapping[str, object] | None = None,
) -> bool:
    """One message per connection, kind and episode, however many look at once."""
    return outbox.enqueue(
        db,
        user_id=connection.user_id,
        connection_id=connection.connection_id,
        kind=kind,
        dedupe_key=f"{connection.connection_id}:{kind}:{episode}",
        message=message.format(bank=connection.institution_name),
        details=details or {},
        now=now,
    )
