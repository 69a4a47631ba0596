"""Categories given to transactions, with their history.

Belongs here: `bank.transaction_categories`. Does not belong here: how a category is chosen
(`categorization`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, and_, func, insert, or_, select, update

from bank_sync.storage.tables import accounts, connections, transaction_categories, transactions


@dataclass(frozen=True, slots=True)
class Uncategorized:
    """What categorization needs to know of a live transaction whose category is missing or outdated.

    `merchant_name` is the provider's name of the merchant, else of the counterparty.
    """

    transaction_id: str
    connection_id: str
    description: str
    amount: Decimal
    currency: str
    account_type: str
    merchant_name: str | None
    merchant_category_code: str | None
    provider: str
    provider_category: str | None
    provider_category_confidence: str | None
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Decision:
    """One category decision; `primary` None means nothing was sure enough, `suggested` what came nearest."""

    transaction_id: str
    transaction_hash: bytes
    primary: str | None
    detailed: str | None
    confidence: Decimal
    source: str
    reason: str
    merchant_name: str | None
    merchant_key: str | None
    model_version: str
    taxonomy_version: str
    suggested: str | None = None
    merchant_domain: str | None = None


# A bank that does not know merchants still names who was paid or who paid.
NAMED = func.coalesce(transactions.c.merchant_name, transactions.c.counterparty_name).label("merchant_name")
_FACTS = [
    NAMED if name == NAMED.name else transactions.c[name]
    for name in Uncategorized.__slots__
    if name in transactions.c
]


def live_facts() -> Select[Any]:
    """Query the facts of live transactions, with the current category of each within reach for conditions."""
    current = transaction_categories
    return (
        select(*_FACTS, accounts.c.type.label("account_type"), connections.c.provider)
        .join(accounts, accounts.c.account_id == transactions.c.account_id)
        .join(connections, connections.c.connection_id == transactions.c.connection_id)
        .outerjoin(
            current,
            and_(current.c.transaction_id == transactions.c.transaction_id, current.c.replaced_at.is_(None)),
        )
        .where(transactions.c.removed_at.is_(None), transactions.c.superseded_by.is_(None))
    )


def of_merchant(db: Connection, user_id: str, merchant_key: str, *, money_in: bool) -> list[Uncategorized]:
    """A person's live transactions with one merchant in one direction, as the current categories name it."""
    sign = transactions.c.amount > 0 if money_in else transactions.c.amount <= 0
    query = (
        live_facts()
        .where(connections.c.user_id == user_id, transaction_categories.c.merchant_key == merchant_key, sign)
        .order_by(transactions.c.transaction_id)
    )
    return [Uncategorized(**row) for row in db.execute(query).mappings()]


def uncategorized(db: Connection, connection_id: str, *, version: str, limit: int) -> list[Uncategorized]:
    """Live transactions without a category, or whose content changed since they got one.

    One that nothing was sure enough about is asked again where another version than `version` was unsure.
    """
    current = transaction_categories
    query = (
        live_facts()
        .where(
            transactions.c.connection_id == connection_id,
            or_(
                current.c.transaction_id.is_(None),
                current.c.transaction_hash != transactions.c.content_hash,
                and_(current.c.category_primary.is_(None), current.c.model_version != version),
            ),
        )
        .order_by(transactions.c.transaction_id)
        .limit(limit)
    )
    return [Uncategorized(**row) for row in db.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Span:
    """Which past transactions are meant, by booking date, both ends included; None is open."""

    since: date | None = None
    until: date | None = None


def within(db: Connection, connection_id: str, span: Span, *, after: str, limit: int) -> list[Uncategorized]:
    """Live transactions of a span whose ids come after `after`, in the order of their ids."""
    booked = transactions.c.booked_on
    ends = [booked >= span.since] if span.since else []
    ends += [booked <= span.until] if span.until else []
    query = (
        live_facts()
        .where(transactions.c.connection_id == connection_id, transactions.c.transaction_id > after, *ends)
        .order_by(transactions.c.transaction_id)
        .limit(limit)
    )
    return [Uncategorized(**row) for row in db.execute(query).mappings()]


def current_decisions(db: Connection, transaction_ids: Sequence[str]) -> dict[str, Decision]:
    """The decisions that stand for these transactions."""
    renamed = {
        "primary": "category_primary",
        "detailed": "category_detailed",
        "suggested": "suggested_primary",
    }
    columns = [transaction_categories.c[renamed.get(name, name)].label(name) for name in Decision.__slots__]
    query = select(*columns).where(
        transaction_categories.c.transaction_id.in_(transaction_ids),
        transaction_categories.c.replaced_at.is_(None),
    )
    return {row["transaction_id"]: Decision(**row) for row in db.execute(query).mappings()}


def store_decisions(
    db: Connection, connection_id: str, decisions: Sequence[Decision], *, now: datetime
) -> None:
    """Replace the current category of each transaction; the replaced one stays in the history."""
    if not decisions:
        return
    ids = [decision.transaction_id for decision in decisions]
    db.execute(
        update(transaction_categories)
        .where(
            transaction_categories.c.transaction_id.in_(ids), transaction_categories.c.replaced_at.is_(None)
        )
        .values(replaced_at=now)
    )
    db.execute(insert(transaction_categories), [_values(connection_id, one, now) for one in decisions])


def _values(connection_id: str, decision: Decision, now: datetime) -> dict[str, object]:
    return {
        "connection_id": connection_id,
        "transaction_id": decision.transaction_id,
        "transaction_hash": decision.transaction_hash,
        "category_primary": decision.primary,
        "category_detailed": decision.detailed,
        "suggested_primary": decision.suggested,
        "confidence": decision.confidence,
        "source": decision.source,
        "reason": decision.reason,
        "merchant_name": decision.merchant_name,
        "merchant_key": decision.merchant_key,
        "merchant_domain": decision.merchant_domain,
        "model_version": decision.model_version,
        "taxonomy_version": decision.taxonomy_version,
        "decided_at": now,
    }
