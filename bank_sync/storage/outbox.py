"""The notifications outbox.

Belongs here: `bank.notifications`. Does not belong here: what is worth telling (`notifications.events`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, any_, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.tables import (
    notifications,
    transaction_links,
    transaction_overlays,
    transactions,
    users,
)


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
    """Queue a message once per dedupe_key; True when it is new. It is marked where its kind is unwanted."""
    statement = insert(notifications).values(
        user_id=user_id,
        connection_id=connection_id,
        kind=kind,
        dedupe_key=dedupe_key,
        message=message,
        details=dict(details),
        created_at=now,
        is_unwanted=select(literal(kind) == any_(users.c.unwanted_kinds))
        .where(users.c.user_id == user_id)
        .scalar_subquery(),
    )
    once = statement.on_conflict_do_nothing(index_elements=["dedupe_key"])
    return db.execute(once.returning(notifications.c.notification_id)).first() is not None


def unwanted_kinds(db: Connection, user_id: str) -> list[str]:
    """Kinds of messages a person does not want."""
    found = db.execute(select(users.c.unwanted_kinds).where(users.c.user_id == user_id)).scalar()
    return list(found or ())


def set_unwanted_kinds(db: Connection, user_id: str, kinds: Sequence[str]) -> None:
    """Messages of these kinds are marked from now on."""
    db.execute(update(users).where(users.c.user_id == user_id).values(unwanted_kinds=list(kinds)))


def last_told(db: Connection, connection_id: str, kind: str) -> datetime | None:
    """When a message of this kind about a connection was queued last."""
    query = select(func.max(notifications.c.created_at)).where(
        notifications.c.connection_id == connection_id, notifications.c.kind == kind
    )
    found: datetime | None = db.execute(query).scalar_one()
    return found


def told_until(db: Connection, connection_id: str) -> datetime | None:
    """Up to which first_seen_at a person has been told of new transactions; None before the first message."""
    told = func.max(notifications.c.details["told_until"].astext)
    found: str | None = db.execute(
        select(told).where(notifications.c.connection_id == connection_id)
    ).scalar_one()
    return datetime.fromisoformat(found) if found else None


def untold(db: Connection, connection_id: str, since: datetime | None) -> tuple[int, datetime | None]:
    """How many live transactions were first seen after `since`, and the newest such moment.

    Hidden ones are left out, and so are posted rows whose pending row was seen, hence told, before.
    """
    query = select(func.count(), func.max(transactions.c.first_seen_at)).where(
        transactions.c.connection_id == connection_id,
        transactions.c.removed_at.is_(None),
        transactions.c.superseded_by.is_(None),
        ~_is_hidden(),
    )
    if since is not None:
        query = query.where(transactions.c.first_seen_at > since, ~_replaces_one_seen_by(since))
    row = db.execute(query).one()
    return row[0], row[1]


def _is_hidden() -> ColumnElement[bool]:
    """Hidden itself, or in the place of a hidden row without words of its own."""
    own, theirs = transaction_overlays, transaction_overlays.alias()
    has_own = select(own).where(own.c.transaction_id == transactions.c.transaction_id)
    inherited = (
        select(theirs)
        .join(transaction_links, transaction_links.c.from_transaction_id == theirs.c.transaction_id)
        .where(*_REPLACED, theirs.c.is_hidden)
    )
    return or_(has_own.where(own.c.is_hidden).exists(), ~has_own.exists() & inherited.exists())


def _replaces_one_seen_by(since: datetime) -> ColumnElement[bool]:
    former = transactions.alias("former")
    replaced = select(former).join(
        transaction_links, transaction_links.c.from_transaction_id == former.c.transaction_id
    )
    return replaced.where(*_REPLACED, former.c.first_seen_at <= since).exists()


_REPLACED = (
    transaction_links.c.to_transaction_id == transactions.c.transaction_id,
    transaction_links.c.kind.in_(("pending_posted", "duplicate")),
    transaction_links.c.state == "accepted",
    transaction_links.c.undone_at.is_(None),
)
"""A standing link from another row to this one, which is found by index."""
