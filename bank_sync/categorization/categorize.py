"""Chooses one category per transaction from all the evidence.

Belongs here: the precedence between kinds of evidence, and nothing else. Does not belong here: the evidence
itself (`evidence`, `rules`, `model`), cleaning (`merchants`), or what a user said, which overrules this from
outside.

Precedence: the merchant's category code where it says enough; then a rule for money movement; then the model
or the provider's category, whichever is surer; then nothing, which is said openly. Without a model, the
brand or a keyword stands in for it.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from bank_sync.categorization.amounts import band
from bank_sync.categorization.brands import USUAL_CONFIDENCE
from bank_sync.categorization.datafiles import fingerprint
from bank_sync.categorization.evidence import account_kind, heard, look
from bank_sync.categorization.features import Seen
from bank_sync.categorization.model import Model, shipped
from bank_sync.categorization.models import Category, TransactionFacts
from bank_sync.categorization.rails import tells_no_purpose
from bank_sync.categorization.reading import Reading
from bank_sync.categorization.rules import (
    KEYWORDS,
    MOVEMENTS,
    Circumstances,
    Evidence,
    evidence,
    mcc_evidence,
    provider_evidence,
)
from bank_sync.categorization.taxonomy import TAXONOMY_VERSION, primary_of, with_direction

_RULES_VERSION = "rules-3." + fingerprint(
    "brands.csv", "mcc.csv", "places.toml", "rails.toml", "rules.toml", "taxonomy.csv", "teller.csv"
)
# Below this a guess is a suggestion for a person to look at, not a category.
SURE_ENOUGH = 0.4
# A code for "miscellaneous shops" says less than the merchant's name does.
_CODE_SAYS_ENOUGH = 0.7
# Money from a shop is nearly always a refund, but may be wages or a payout of the same company.
_REFUND = 0.8
# "Direct debit" says little of what was paid for; no real rows tell how little.
_NOBODY_NAMED = 0.3
_MOVED = ("TRANSFER_IN", "TRANSFER_OUT")
_MOST_REMEMBERED = 65_536
_SILENCE = "no rule, merchant code, model or provider's category applies"
_UNREADABLE = "; the provider's category is not one we know"


class _Question(NamedTuple):
    """Everything a decision depends on, and no more, so that equal questions are answered once.

    Many rows differ in nothing but dates and numbers, which a reading no longer has.
    """

    reading: Reading
    amount: float
    account: str
    mcc: str | None
    provider: str
    provider_category: str | None
    provider_confidence: str | None


_ANSWERED: dict[str, dict[_Question, Category]] = {}  # by the version that answered


def categorize(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, float]]:
    """Return (primary category, confidence 0 to 1) per row, in order; (None, 0.0) where nothing can be said.

    A row has `description`, `amount` (positive is money OUT, as tools for this taxonomy have it), `currency`,
    `account_type`, and perhaps `merchant_name` and `mcc`. Neither database nor network is used. Unlike
    `decide`, this tells its best guess however unsure it is; the confidence says so.
    """
    with _without_search_for_cycles():
        decided = _decided([_asked(row) for row in rows], shipped())
        return [(one.primary or one.suggested, one.confidence) for one in decided]


def _asked(row: Mapping[str, Any]) -> _Question:
    mcc = row.get("mcc")
    return _Question(
        heard(str(row.get("description") or ""), row.get("merchant_name")),
        band(-float(row.get("amount") or 0), str(row.get("currency") or "")),
        account_kind(str(row.get("account_type") or "")),
        None if mcc is None else str(mcc).zfill(4),
        provider="",
        provider_category=None,
        provider_confidence=None,
    )


def decide(rows: Iterable[TransactionFacts], *, by: Callable[[], Model | None] = shipped) -> list[Category]:
    """Return one category per row, in order; never raises for what a provider or a bank may have written.

    `by` gives the model that is asked; one that gives None leaves it to lists and rules.
    """
    with _without_search_for_cycles():
        return _decided([_question(row) for row in rows], by())


def _decided(questions: Sequence[_Question], model: Model | None) -> list[Category]:
    answered = _ANSWERED.setdefault(model_version(model), {})
    unknown = list(dict.fromkeys([asked for asked in questions if asked not in answered]))
    answers = dict(zip(unknown, _answers(unknown, model), strict=True))
    found = [answers.get(asked) or answered[asked] for asked in questions]
    if sum(map(len, _ANSWERED.values())) + len(answers) > _MOST_REMEMBERED:
        _ANSWERED.clear()
    if len(answers) <= _MOST_REMEMBERED:
        _ANSWERED.setdefault(model_version(model), {}).update(answers)
    return found


@contextmanager
def _without_search_for_cycles() -> Iterator[None]:
    """Keep Python from searching the many small tuples, none of which forms a cycle, for cycles."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def model_version(model: Model | None) -> str:
    """Return the version that a decision made with this model is stored with."""
    return f"{_RULES_VERSION}+{model.version}" if model else _RULES_VERSION


def _question(row: TransactionFacts) -> _Question:
    return _Question(
        heard(row.description, row.merchant_name),
        band(float(row.amount) if row.amount.is_finite() else 0.0, row.currency),
        account_kind(row.account_type),
        row.mcc,
        row.provider,
        row.provider_category,
        row.provider_confidence,
    )


def _answers(asked: Sequence[_Question], model: Model | None) -> list[Category]:
    seen = [look(one.reading, one.amount, one.account) for one in asked]
    certain = [_certain(one, what) for one, what in zip(asked, seen, strict=True)]
    open_ones = [place for place, found in enumerate(certain) if found is None]
    guesses = dict(zip(open_ones, _guesses([seen[place] for place in open_ones], model), strict=True))
    version = model_version(model)
    return [
        _category(certain[place] or _surer(guesses[place], one, seen[place]), one, version)
        for place, one in enumerate(asked)
    ]


def _certain(asked: _Question, seen: Seen) -> Evidence | None:
    """Return what decides before the model is asked: the merchant's code, then a rule for money movement."""
    coded = mcc_evidence(asked.mcc)
    coded = _in_direction(coded, seen.circumstances) if coded else None
    if coded is not None and coded.confidence >= _CODE_SAYS_ENOUGH * _REFUND:
        return coded
    return MOVEMENTS.decide(seen.reading.all, seen.circumstances)


def _surer(guess: Evidence | None, asked: _Question, seen: Seen) -> Evidence | None:
    """Return the surer of the model's and the provider's category; of two that agree, either's detail."""
    if not asked.provider_category:
        return guess
    provided = provider_evidence(
        asked.provider, asked.provider_category, asked.provider_confidence, seen.circumstances
    )
    if guess is None or provided is None:
        return guess or provided
    surer = max(guess, provided, key=lambda one: one.confidence)
    if guess.primary == provided.primary:
        return surer._replace(detailed=surer.detailed or guess.detailed or provided.detailed)
    return surer


def _guesses(seen: Sequence[Seen], model: Model | None) -> list[Evidence | None]:
    if model is None:
        return [_from_lists(one) for one in seen]
    best = zip(seen, model.best(seen), strict=True)
    return [_from_model(one, *guess) if one.reading.all else None for one, guess in best]


def _from_model(seen: Seen, primary: str, confidence: float) -> Evidence:
    """Tell what the lists contributed to the model's choice, and the detailed code they give."""
    for detailed, most, why in _listed(seen):
        fitting = with_direction(detailed, money_in=True) if seen.circumstances.money_in else detailed
        if fitting and primary_of(fitting) == primary:
            return Evidence(primary, fitting, min(confidence, most), "model", f"model: {why}")
    if primary not in _MOVED and any(map(tells_no_purpose, seen.reading)):
        return Evidence(primary, None, min(confidence, _NOBODY_NAMED), "model", "model: nobody is named")
    return Evidence(primary, None, confidence, "model", "model: spelling and circumstances")


def _listed(seen: Seen) -> Iterator[tuple[str, float, str]]:
    """Yield (detailed code, the most one can be sure, which list and words) by list that knows the merchant.

    A shop that sells of everything is known for certain; what was bought there is not.
    """
    if seen.brand is not None and not seen.brand.intermediary:
        most = 1.0 if seen.brand.confidence >= USUAL_CONFIDENCE else seen.brand.confidence
        yield seen.brand.detailed, most, f"brand {seen.brand.key}"
    for name in seen.names:
        yield name.detailed, 1.0, f"listed name {name.words!r}"
    for keyword in seen.keywords:
        yield KEYWORDS.detailed_of(keyword), 1.0, f"keyword {keyword}"


def _from_lists(seen: Seen) -> Evidence | None:
    """Stand in for the model: the brand, else the first keyword."""
    if seen.brand is not None and not seen.brand.intermediary:
        known = evidence(seen.brand.detailed, seen.brand.confidence, "brand", f"brand: {seen.brand.key}")
        return _in_direction(known, seen.circumstances)
    return KEYWORDS.decide(seen.reading.core, seen.circumstances)


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


def _category(chosen: Evidence | None, asked: _Question, version: str) -> Category:
    if chosen is None:
        return Category(None, None, 0.0, "none", _SILENCE, TAXONOMY_VERSION, version)
    unreadable = _UNREADABLE if _is_unreadable(chosen, asked) else ""
    if chosen.confidence < SURE_ENOUGH:
        reason = f"needs a look: {chosen.reason}, but only {chosen.confidence:.0%} sure{unreadable}"
        return Category(
            None, None, chosen.confidence, "none", reason, TAXONOMY_VERSION, version, chosen.primary
        )
    return Category(
        chosen.primary,
        chosen.detailed,
        chosen.confidence,
        chosen.source,
        chosen.reason + unreadable,
        TAXONOMY_VERSION,
        version,
    )


def _is_unreadable(chosen: Evidence, asked: _Question) -> bool:
    """Tell whether the provider sent a category that says nothing in either direction of the money."""
    if not asked.provider_category or chosen.source in ("mcc", "rule", "provider"):
        return False
    either = (Circumstances(flow, not flow, "depository") for flow in (True, False))
    return not any(provider_evidence(asked.provider, asked.provider_category, None, one) for one in either)
