"""Merchants and categories for the rows that need them.

Belongs here: handing outdated rows to `categorization`, putting what their owner taught before its
decisions, and storing both. Does not belong here: how a category is chosen, what a person may teach
(`teaching`), corrections (`corrections`), rows that have a category already (`rescoring`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from bank_sync.categorization import Category, TransactionFacts, decide, merchant, model_version
from bank_sync.categorization.domains import domain_of
from bank_sync.categorization.model import Model
from bank_sync.services import Services
from bank_sync.storage.categories import Decision, Uncategorized, store_decisions, uncategorized
from bank_sync.storage.database import in_transaction
from bank_sync.sync.champion import deciding
from bank_sync.sync.teaching import Teaching, teaching

_ROWS_PER_WRITE = 5_000
_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Categorized:
    """How many rows got a category, by primary category; `abstained` ones are counted under it."""

    rows: int
    by_primary: dict[str, int]


def categorize_connection(services: Services, connection_id: str) -> Categorized:
    """Categorize every live row that has no category, changed since, or may get one by a newer model."""

    def work(db: Connection) -> list[Decision]:
        model = deciding(services, db)
        rows = uncategorized(db, connection_id, version=model_version(model), limit=_ROWS_PER_WRITE)
        if not rows:
            return []
        decisions = decisions_for(rows, teaching(db, connection_id), model)
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


def decisions_for(rows: Sequence[Uncategorized], taught: Teaching, model: Model | None) -> list[Decision]:
    """Return what to store for each of one owner's rows: what they taught, else the evidence."""
    categories = decide([facts(row) for row in rows], by=lambda: model)
    return [_decision(row, category, taught) for row, category in zip(rows, categories, strict=True)]


def facts(row: Uncategorized) -> TransactionFacts:
    """Return what categorization is told of a stored row."""
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


def _decision(row: Uncategorized, found: Category, taught: Teaching) -> Decision:
    shop = merchant(row.description, row.merchant_name)
    category = taught.over(found, row, shop.key)
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
        merchant_domain=domain_of(shop.key),
    )
