"""What a person says about a transaction: category, note, hidden or not.

Belongs here: `bank.transaction_overlays`, edits and what is shown in the end. Does not belong here:
categories that rules choose (`storage.categories`), the provider's row (`storage.ledger`).

An edit is keyed to our id and no sync touches it. A row that replaced another one shows the edits of that
other one until it gets its own; undoing the link takes them back to where they were made.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.errors import NotFound
from bank_sync.storage.tables import connections, transaction_overlays, transactions, users


@dataclass(frozen=True, slots=True)
class Overlay:
    """A person's words about one transaction; `made_on` is the row they were said about."""

    transaction_id: str
    made_on: str
    category_primary: str | None = None
    category_detailed: str | None = None
    note: str | None = None
    is_hidden: bool = False


def set_category(
    db: Connection,
    transaction_id: str,
    primary: str | None,
    detailed: str | None = None,
    *,
    user_reference: str,
    now: datetime,
) -> None:
    """Give a transaction the category a person wants; None takes it back.

    Raises:
        NotFound: the person has no such transaction.
    """
    changes: dict[str, object] = {
        "category_primary": primary,
        "category_detailed": detailed if primary else None,
    }
    _edit(db, transaction_id, changes, user_reference=user_reference, now=now)


def set_note(
    db: Connection, transaction_id: str, note: str | None, *, user_reference: str, now: datetime
) -> None:
    """Put a person's note beside a transaction; None or nothing but spaces takes it away.

    Raises:
        NotFound: the person has no such transaction.
    """
    kept = (note or "").replace("\x00", "").strip() or None  # PostgreSQL stores no NUL
    _edit(db, transaction_id, {"note": kept}, user_reference=user_reference, now=now)


def hide(db: Connection, transaction_id: str, *, user_reference: str, now: datetime) -> None:
    """Leave a transaction out of what is shown and told, for good; it still counts in balances.

    Raises:
        NotFound: the person has no such transaction.
    """
    _edit(db, transaction_id, {"is_hidden": True}, user_reference=user_reference, now=now)


def unhide(db: Connection, transaction_id: str, *, user_reference: str, now: datetime) -> None:
    """Show a hidden transaction again.

    Raises:
        NotFound: the person has no such transaction.
    """
    _edit(db, transaction_id, {"is_hidden": False}, user_reference=user_reference, now=now)


def effective_overlays(db: Connection, transaction_ids: Collection[str]) -> dict[str, Overlay]:
    """What to show on these transactions: their own edits, else those of the row they replaced."""
    found = db.execute(text(_EFFECTIVE), {"ids": list(transaction_ids)}).mappings()
    return {row["transaction_id"]: Overlay(**row) for row in found}


# from each row back to the rows it replaced, the nearest edit first; chains longer than that do not occur
_EFFECTIVE = """
WITH RECURSIVE behind AS (
    SELECT id AS shown_on, id AS row_id, 0 AS steps FROM unnest(CAST(:ids AS text[])) AS asked(id)
    UNION ALL
    SELECT behind.shown_on, former.row_id, behind.steps + 1
    FROM behind JOIN LATERAL (
        SELECT l.from_transaction_id AS row_id FROM bank.transaction_links AS l
        WHERE l.to_transaction_id = behind.row_id AND l.kind IN ('pending_posted', 'duplicate')
            AND l.state = 'accepted' AND l.undone_at IS NULL
        UNION ALL
        SELECT l.to_transaction_id FROM bank.transaction_links AS l
        WHERE l.from_transaction_id = behind.row_id AND l.kind = 'split_part'
            AND l.state = 'accepted' AND l.undone_at IS NULL
    ) AS former ON true
    WHERE behind.steps < 4
)
SELECT DISTINCT ON (behind.shown_on) behind.shown_on AS transaction_id, behind.row_id AS made_on,
    o.category_primary, o.category_detailed, o.note, o.is_hidden
FROM behind JOIN bank.transaction_overlays AS o ON o.transaction_id = behind.row_id
ORDER BY behind.shown_on, behind.steps, o.changed_at DESC
"""


def owner_of(db: Connection, transaction_id: str) -> str:
    """The reference of the person a transaction belongs to.

    Raises:
        NotFound: there is no such transaction.
    """
    query = (
        select(users.c.external_reference)
        .join(connections, connections.c.user_id == users.c.user_id)
        .join(transactions, transactions.c.connection_id == connections.c.connection_id)
        .where(transactions.c.transaction_id == transaction_id)
    )
    found: str | None = db.execute(query).scalar()
    if found is None:
        raise NotFound(f"There is no transaction {transaction_id!r}.")
    return found


def _edit(
    db: Connection, transaction_id: str, changes: dict[str, object], *, user_reference: str, now: datetime
) -> None:
    connection_id = _own_connection(db, transaction_id, user_reference)
    shown = effective_overlays(db, [transaction_id]).get(transaction_id) or Overlay(transaction_id, "")
    values = {
        "category_primary": shown.category_primary,
        "category_detailed": shown.category_detailed,
        "note": shown.note,
        "is_hidden": shown.is_hidden,
        **changes,
        "changed_by": f"user:{user_reference}",
        "changed_at": now,
    }
    # the first own edit of a replacing row keeps what it showed of the other one
    statement = insert(transaction_overlays).values(
        transaction_id=transaction_id, connection_id=connection_id, **values
    )
    edited = {name: values[name] for name in (*changes, "changed_by", "changed_at")}
    db.execute(statement.on_conflict_do_update(index_elements=["transaction_id"], set_=edited))


def _own_connection(db: Connection, transaction_id: str, user_reference: str) -> str:
    """The connection of a transaction of this person; somebody else's is as unknown as none."""
    query = (
        select(transactions.c.connection_id)
        .join(connections, connections.c.connection_id == transactions.c.connection_id)
        .join(users, users.c.user_id == connections.c.user_id)
        .where(transactions.c.transaction_id == transaction_id, users.c.external_reference == user_reference)
    )
    found: str | None = db.execute(query).scalar()
    if found is None:
        raise NotFound(f"There is no transaction {transaction_id!r} of this person.")
    return found
