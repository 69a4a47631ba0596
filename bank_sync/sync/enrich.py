"""Merchants and categories for the rows that need them.

Belongs here: handing outdated rows to `categorization`, putting what their owner taught before its
decisions, and storing both. Does not belong here: how a category is chosen, or corrections themselves
(`corrections`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Connection

from bank_sync.categorization import Category, TransactionFacts, decide, merchant
from bank_sync.services import Services
from bank_sync.storage.categories import Decision, Uncategorized, store_decisions, uncategorized
from bank_sync.storage.category_memory import Remembered, recall
from bank_sync.storage.database import in_transaction

_ROWS_PER_WRITE = 5_000
# One merchant may sell what belongs to two categories; mostly a person means all of it.
_SAID = 0.95
_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Categorized:
    """How many rows got a category, by primary category; `abstained` ones are counted under it."""

    rows: int
    by_primary: dict[str, int]


def categorize_connection(services: Services, connection_id: str) -> Categorized:
    """Categorize every live row that has no category yet or changed since."""

    def work(db: Connection) -> list[Decision]:
        rows = uncategorized(db, connection_id, limit=_ROWS_PER_WRITE)
        decisions = decisions_for(rows, recall(db, connection_id))
        store_decisions(db, connection_id, decisions, now=services.clock())
        return decisions

    counts: Counter[str] = Counter()
    while True:
        decisions = in_transaction(services.engine, work)
        counts.update(decision.primary or "abstained" for decision in decisions)
        if len(decisions) < _ROWS_PER_WRITE:
            return Categorized(
                counts.total(), dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
            )


def decisions_for(
    rows: Sequence[Uncategorized], remembered: Mapping[tuple[str, bool], Remembered]
) -> list[Decision]:
    """Return what to store for each row: what its owner said about the merchant, else the evidence."""
    categories = decide([_facts(row) for row in rows])
    return [_decision(row, category, remembered) for row, category in zip(rows, categories, strict=True)]


def _facts(row: Uncategorized) -> TransactionFacts:
    return TransactionFacts(
        description=row.description,
        amount=row.amount,
        currency=row.currency,
        account_type=row.account_type,
        merchant_name=row.merchant_name,
        mcc=row.merchant_category_code,
        provider=row.provider,
        provider_category=row.provider_category,
        provider_confidence=row.provider_category_confidence,
    )


def _decision(
    row: Uncategorized, category: Category, remembered: Mapping[tuple[str, bool], Remembered]
) -> Decision:
    shop = merchant(row.description, row.merchant_name)
    said = remembered.get((shop.key, row.amount > 0)) if shop.key else None
    if said is not None:
        category = replace(
            category,
            primary=said.primary,
            detailed=said.detailed,
            suggested=None,
            confidence=_SAID,
            source="memory",
            reason="memory: the owner said so of this merchant",
        )
    return Decision(
        transaction_id=row.transaction_id,
        transaction_hash=row.content_hash,
        primary=category.primary,
        detailed=category.detailed,
        confidence=Decimal(category.confidence).quantize(_FOUR_PLACES),
        source=category.source,
        reason=category.reason,
        merchant_name=shop.name or None,
        merchant_key=shop.key or None,
        model_version=category.model_version,
        taxonomy_version=category.taxonomy_version,
        suggested=category.suggested,
    )
