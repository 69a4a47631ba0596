"""What a person said beyond one row: their rules, and lessons by merchant.

Belongs here: which of these decides a row. Does not belong here: a person's word about one row, which stands
beside every decision (`storage.overlays`), and evidence that nobody taught (`categorization`).

A rule goes before a lesson, for it was made on purpose; of two rules that fit, the newer one decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from bank_sync.categorization import Category, merchant
from bank_sync.categorization.phrases import plain_words
from bank_sync.storage.categories import Uncategorized
from bank_sync.storage.category_memory import Recalled, Remembered, recall
from bank_sync.storage.category_rules import OwnRule, Rule, rules_for

# One merchant may sell what belongs to two categories; mostly a person means all of it.
_SAID = 0.95
_RULED = 1.0

SOURCES = ("memory", "user_rule")
"""What decisions are marked with that a person taught."""


@dataclass(frozen=True, slots=True)
class Teaching:
    """What the person behind a connection taught; `rules` in the order in which they decide."""

    rules: Sequence[OwnRule]
    memory: Mapping[tuple[str, bool], Remembered]

    def over(self, category: Category, row: Uncategorized, merchant_key: str) -> Category:
        """The category the person wants for such a row, else the one that was found without them."""
        words: frozenset[str] | None = None
        for own in self.rules:
            if own.rule.words and words is None:
                words = _words(row)
            if _fits(own.rule, row, merchant_key, words or frozenset()):
                reason = f"rule {own.rule_id} of the owner: {in_words(own.rule)}"
                rule = own.rule
                return _taught(
                    category,
                    primary=rule.category_primary,
                    detailed=rule.category_detailed,
                    source="user_rule",
                    confidence=_RULED,
                    reason=reason,
                )
        said = self.memory.get((merchant_key, row.amount > 0)) if merchant_key else None
        if said is None:
            return category
        reason = "memory: the owner said so of this merchant"
        return _taught(
            category,
            primary=said.primary,
            detailed=said.detailed,
            source="memory",
            confidence=_SAID,
            reason=reason,
        )


def teaching(db: Connection, connection_id: str) -> Teaching:
    """What the person behind a connection taught so far."""
    return Teaching(rules_for(db, connection_id), _by_merchant(recall(db, connection_id)))


def _by_merchant(recalled: Sequence[Recalled]) -> dict[tuple[str, bool], Remembered]:
    """Put each lesson under the key it was taught with and the one that its merchant has today.

    A later version of bank_sync may read another key out of the same text; what was taught must outlive that.
    Of two lessons that now meet, the newer counts.
    """
    found: dict[tuple[str, bool], Remembered] = {}
    for one in recalled:
        today = merchant(one.description, one.merchant_name).key or one.said.merchant_key
        for key in (one.said.merchant_key, today):
            found[key, one.said.money_in] = one.said
    return found


def in_words(rule: Rule) -> str:
    """What a rule asks for, in words."""
    direction = {True: "money in", False: "money out", None: None}[rule.money_in]
    asked = (
        f"merchant {rule.merchant_key}" if rule.merchant_key else None,
        f"the words {rule.words!r}" if rule.words else None,
        direction,
        f"at least {rule.at_least.normalize():f}" if rule.at_least is not None else None,
        f"at most {rule.at_most.normalize():f}" if rule.at_most is not None else None,
    )
    return ", ".join(part for part in asked if part)


def _words(row: Uncategorized) -> frozenset[str]:
    return frozenset(plain_words(f"{row.description} {row.merchant_name or ''}"))


@lru_cache(1024)
def _keys(merchant_key: str) -> tuple[str, str]:
    """Return the key a rule was made with and the one that a merchant of that name has today."""
    return merchant_key, merchant(merchant_key.replace("-", " ")).key


def _fits(rule: Rule, row: Uncategorized, merchant_key: str, words: frozenset[str]) -> bool:
    size = abs(row.amount)
    return (
        (rule.merchant_key is None or merchant_key in _keys(rule.merchant_key))
        and (rule.words is None or words.issuperset(rule.words.split()))
        and (rule.money_in is None or rule.money_in == (row.amount > 0))
        and (rule.at_least is None or size >= rule.at_least)
        and (rule.at_most is None or size <= rule.at_most)
    )


def _taught(found: Category, **said: Any) -> Category:
    """The found category with what was said in its place; versions stay those of the evidence."""
    return replace(found, suggested=None, **said)
