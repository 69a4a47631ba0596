"""Chooses one category per transaction from all the evidence.

Belongs here: the precedence between kinds of evidence, and nothing else. Does not belong here: the evidence
itself (`rules`, `brands`), cleaning (`merchants`), or a user's own choices, which overrule this from outside.

Precedence: a money movement rule; then the merchant's brand or its category code, whichever is surer, unless
the provider's category is surer still; then the provider's category or a keyword, whichever is surer
(the provider where they are equal); then nothing, which is said openly.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from bank_sync.categorization.datafiles import fingerprint
from bank_sync.categorization.merchants import brand_of, merchant
from bank_sync.categorization.models import Category, TransactionFacts
from bank_sync.categorization.phrases import plain_words
from bank_sync.categorization.rules import (
    KEYWORDS,
    MOVEMENTS,
    Circumstances,
    Evidence,
    evidence,
    mcc_evidence,
    provider_evidence,
)
from bank_sync.categorization.taxonomy import TAXONOMY_VERSION, with_direction

MODEL_VERSION = "rules-1." + fingerprint(
    "brands.csv", "mcc.csv", "places.toml", "rails.toml", "rules.toml", "taxonomy.csv", "teller.csv"
)

# Money from a shop is nearly always a refund, but may be wages, cashback or a payout of the same company.
_REFUND = 0.8


class _Question(NamedTuple):
    """Everything a decision depends on, and no more, so that equal questions are answered once."""

    description: str
    merchant_name: str | None
    sign: int
    account_type: str
    mcc: str | None
    provider: str
    provider_category: str | None
    provider_confidence: str | None


def categorize(rows: Iterable[TransactionFacts]) -> list[Category]:
    """Return one category per row, in order; never raises for what a provider or a bank may have written."""
    return [_decide(_question(row)) for row in rows]


def _question(row: TransactionFacts) -> _Question:
    return _Question(
        row.description,
        row.merchant_name,
        _sign(row.amount),
        row.account_type,
        row.mcc,
        row.provider,
        row.provider_category,
        row.provider_confidence,
    )


def _sign(amount: Decimal) -> int:
    if amount.is_nan():
        return 0
    return (amount > 0) - (amount < 0)


@lru_cache(maxsize=65_536)
def _decide(asked: _Question) -> Category:
    circumstances = Circumstances(asked.sign > 0, asked.sign < 0, _account_kind(asked.account_type))
    name = asked.merchant_name
    words = plain_words(f"{asked.description} {name}" if name else asked.description)
    rule = MOVEMENTS.decide(words, circumstances)
    if rule is not None:
        return _category(rule)
    provided = provider_evidence(
        asked.provider, asked.provider_category, asked.provider_confidence, circumstances
    )
    bought = _surest(_brand_evidence(asked.description, name), mcc_evidence(asked.mcc))
    if bought is not None:
        bought = _in_direction(bought, circumstances)
    chosen = _surest(bought, provided) if bought else _surest(provided, KEYWORDS.decide(words, circumstances))
    return (
        _category(chosen) if chosen else _abstained(unknown_provider_category=bool(asked.provider_category))
    )


def _account_kind(account_type: str) -> str:
    kind = account_type.lower()
    if "credit" in kind or "card" in kind:
        return "credit"
    return "loan" if "loan" in kind or "mortgage" in kind else "depository"


def _brand_evidence(description: str, merchant_name: str | None) -> Evidence | None:
    brand = brand_of(merchant(description, merchant_name))
    if brand is None or brand.intermediary:
        return None
    return evidence(brand.detailed, brand.confidence, "brand", f"brand: {brand.key}")


def _in_direction(bought: Evidence, circumstances: Circumstances) -> Evidence | None:
    """Fit what is usually bought at a merchant to money that came back from it."""
    detailed = bought.detailed
    if detailed is None or not circumstances.money_in:
        return bought
    turned = with_direction(detailed, money_in=True)
    if turned is None:
        return None
    reason = f"{bought.reason} (money in)"
    return evidence(turned, round(bought.confidence * _REFUND, 4), bought.source, reason)


def _surest(*candidates: Evidence | None) -> Evidence | None:
    """Return the surest candidate, the earlier one where two are equally sure."""
    return max((one for one in candidates if one is not None), key=lambda one: one.confidence, default=None)


def _category(chosen: Evidence) -> Category:
    return Category(
        chosen.primary,
        chosen.detailed,
        chosen.confidence,
        chosen.source,
        chosen.reason,
        TAXONOMY_VERSION,
        MODEL_VERSION,
    )


def _abstained(*, unknown_provider_category: bool) -> Category:
    reason = "no rule, brand, merchant code or keyword applies"
    if unknown_provider_category:
        reason += ", and the provider's category is not one we know or cannot be right"
    return Category(None, None, 0.0, "none", reason, TAXONOMY_VERSION, MODEL_VERSION)
