"""What a person's corrections taught, and which rows wait for one.

Belongs here: `bank.category_memory`, and reading current categories for people. Does not belong here:
categories that lists and model choose (`storage.categories`), a person's word about one row
(`storage.overlays`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.errors import NotFound
from bank_sync.storage.categories import NAMED
from bank_sync.storage.tables import (
    category_memory,
    connections,
    transaction_categories,
    transaction_overlays,
    transactions,
)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a person said about a merchant, for money in or for money out."""

    merchant_key: str
    money_in: bool
    primary: str
    detailed: str | None


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was said, and the texts of the row it was said of, from which its merchant can be found again."""

    said: Remembered
    description: str
    merchant_name: str | None


@dataclass(frozen=True, slots=True)
class Current:
    """A transaction with its current category; `user_id` is whose it is."""

    transaction_id: str
    user_id: str
    description: str
    amount: Decimal
    currency: str
    booked_on: date
    category_primary: str | None
    category_detailed: str | None
    suggested_primary: str | None
    confidence: Decimal
    source: str
    reason: str
    merchant_name: str | None
    merchant_key: str | None


def remember(db: Connection, user_id: str, said: Remembered, *, learnt_from: str, now: datetime) -> None:
    """Keep what a person said about a merchant; a later word replaces an earlier one."""
    values = {
        "category_primary": said.primary,
        "category_detailed": said.detailed,
        "learnt_from": learnt_from,
        "learnt_at": now,
    }
    statement = insert(category_memory).values(
        user_id=user_id, merchant_key=said.merchant_key, money_in=said.money_in, **values
    )
    keys = ["user_id", "merchant_key", "money_in"]
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


def recall(db: Connection, connection_id: str) -> list[Recalled]:
    """What the person behind a connection said, the oldest first."""
    query = (
        select(
            category_memory.c.merchant_key,
            category_memory.c.money_in,
            category_memory.c.category_primary.label("primary"),
            category_memory.c.category_detailed.label("detailed"),
            transactions.c.description,
            NAMED,
        )
        .join(connections, connections.c.user_id == category_memory.c.user_id)
        .join(transactions, transactions.c.transaction_id == category_memory.c.learnt_from)
        .where(connections.c.connection_id == connection_id)
        .order_by(category_memory.c.learnt_at, category_memory.c.merchant_key)
    )
    return [
        Recalled(
            Remembered(row["merchant_key"], row["money_in"], row["primary"], row["detailed"]),
            row["description"],
            row["merchant_name"],
        )
        for row in db.execute(query).mappings()
    ]


_COLUMNS = [
    *(transactions.c[name] for name in ("transaction_id", "description", "amount", "currency", "booked_on")),
    connections.c.user_id,
    *(
        transaction_categories.c[name]
        for name in ("category_primary", "category_detailed", "suggested_primary", "confidence", "source")
    ),
    *(transaction_categories.c[name] for name in ("reason", "merchant_name", "merchant_key")),
]


def current(db: Connection, transaction_id: str) -> Current:
    """A transaction with its current category.

    Raises:
        NotFound: there is no such transaction, or it has no category yet.
    """
    row = db.execute(_current().where(transactions.c.transaction_id == transaction_id)).mappings().first()
    if row is None:
        raise NotFound(f"There is no categorized transaction {transaction_id!r}; a sync gives it one.")
    return Current(**row)


def waiting(db: Connection, *, limit: int) -> list[Current]:
    """Live rows that nothing was sure enough about and nobody has said anything about, the largest first."""
    query = (
        _current()
        .outerjoin(
            transaction_overlays, transaction_overlays.c.transaction_id == transactions.c.transaction_id
        )
        .where(
            transaction_categories.c.category_primary.is_(None),
            transaction_overlays.c.category_primary.is_(None),
            transactions.c.removed_at.is_(None),
            transactions.c.superseded_by.is_(None),
        )
        .order_by(func.abs(transactions.c.amount).desc(), transactions.c.transaction_id)
        .limit(limit)
    )
    return [Current(**row) for row in db.execute(query).mappings()]


def _current() -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(connections, connections.c.connection_id == transactions.c.connection_id)
        .join(
            transaction_categories,
            (transaction_categories.c.transaction_id == transactions.c.transaction_id)
            & transaction_categories.c.replaced_at.is_(None),
        )
    )
