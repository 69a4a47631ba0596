"""The evidence for a category: phrases with a direction, merchant category codes, providers' own categories.

Belongs here: what each kind of evidence says about one transaction, loaded from the data files. Does not
belong here: which kind of evidence wins; that is `categorize`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.phrases import PhraseIndex, has_digit, plain_words
from bank_sync.categorization.taxonomy import PRIMARIES, primary_of, upgrade, with_direction

_CONFIDENCE_OF_LEVEL = {"VERY_HIGH": 0.98, "HIGH": 0.9, "MEDIUM": 0.7, "LOW": 0.4, "UNKNOWN": 0.3}
_CONFIDENCE_WITHOUT_LEVEL = 0.5
# A provider that contradicts the money's direction usually mistook one kind of movement for another.
_TURNED_ROUND = 0.6


class Evidence(NamedTuple):
    """One suggestion: a primary, perhaps a detailed code, how sure, from which source and which rule."""

    primary: str
    detailed: str | None
    confidence: float
    source: str
    reason: str


class Circumstances(NamedTuple):
    """What a rule may depend on besides the text. `account` is depository, credit or loan."""

    money_in: bool
    money_out: bool
    account: str

    def allow(self, direction: str, account: str) -> bool:
        """Tell whether a rule for this direction (in, out, any) and account kind (or any) applies."""
        flows = direction == "any" or (self.money_in if direction == "in" else self.money_out)
        return flows and account in ("any", self.account)


@dataclass(frozen=True, slots=True)
class _Rule:
    order: int
    name: str
    direction: str
    account: str
    says: Evidence


def evidence(detailed: str, confidence: float, source: str, reason: str) -> Evidence:
    """Return evidence for a version 2 code; raises ValueError for a code the taxonomy does not have."""
    primary = primary_of(detailed)
    if primary is None:
        message = f"{reason}: {detailed} is not a category of this taxonomy; correct the data file"
        raise ValueError(message)
    return Evidence(primary, detailed, confidence, source, reason)


class PhraseRules:
    """Ordered rules that look for phrases; the first rule that applies decides, wherever its phrase is."""

    def __init__(self, rows: Iterable[dict[str, Any]], source: str) -> None:
        """Read rules as they stand in the data file; `source` names their kind in the result."""
        self._by_name: dict[str, _Rule] = {}
        entries: list[tuple[str, tuple[_Rule, bool]]] = []
        for order, row in enumerate(rows):
            rule = _Rule(
                order,
                row["name"],
                row.get("direction", "any"),
                row.get("account", "any"),
                evidence(row["detailed"], row["confidence"], source, f"{source}: {row['name']}"),
            )
            entries += [(phrase, (rule, True)) for phrase in row["phrases"]]
            entries += [(phrase, (rule, False)) for phrase in row.get("unless", ())]
            self._by_name[rule.name] = rule
        self._index = PhraseIndex(entries)
        #: words with digits that some phrase asks for
        self.numbers = frozenset(
            word for phrase, _ in entries for word in plain_words(phrase) if has_digit(word)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules, in the order in which they decide."""
        return tuple(self._by_name)

    def detailed_of(self, name: str) -> str:
        """Return the category that a rule of this name gives."""
        return self._by_name[name].says.detailed or ""

    def decide(self, words: tuple[str, ...], circumstances: Circumstances) -> Evidence | None:
        """Return what the first applicable rule says of a descriptor's plain words, or None."""
        applicable = self.applicable(words, circumstances)
        return self._by_name[applicable[0]].says if applicable else None

    def applicable(self, words: tuple[str, ...], circumstances: Circumstances) -> tuple[str, ...]:
        """Return the names of all rules that apply to a descriptor's plain words, first things first."""
        mentioned = self._index.payloads(words)
        if not mentioned:
            return ()
        asking: dict[int, _Rule] = {}
        vetoed: set[int] = set()
        for rule, wanted in mentioned:
            if not wanted:
                vetoed.add(rule.order)
            elif circumstances.allow(rule.direction, rule.account):
                asking[rule.order] = rule
        return tuple([asking[order].name for order in sorted(asking) if order not in vetoed])


_DATA = toml_table("rules.toml")
MOVEMENTS = PhraseRules(_DATA["movement"], "rule")
KEYWORDS = PhraseRules(_DATA["keyword"], "keyword")

_TELLER = {row["category"]: row for row in csv_rows("teller.csv")}
_MCC: dict[int, Evidence] = {
    code: evidence(row["detailed"], float(row["confidence"]), "mcc", f"mcc: {row['title']}")
    for row in csv_rows("mcc.csv")
    for code in range(int(row["first"]), int(row["last"]) + 1)
}


def mcc_evidence(mcc: str | None) -> Evidence | None:
    """Return what a merchant category code (ISO 18245, four digits) says; None if absent or unknown."""
    code = (mcc or "").strip()
    return _MCC.get(int(code)) if code.isascii() and code.isdigit() else None


def provider_evidence(
    provider: str, category: str | None, level: str | None, circumstances: Circumstances
) -> Evidence | None:
    """Return what the provider's own category says, or None if it is absent, unknown or impossible.

    Impossible is income that flows out, or income on a card. A transfer the wrong way is turned round.
    """
    code = (category or "").strip()
    if provider.strip().lower() == "teller":
        return _teller_evidence(code.lower(), circumstances)
    confidence = _CONFIDENCE_OF_LEVEL.get((level or "").strip().upper(), _CONFIDENCE_WITHOUT_LEVEL)
    if code.upper() in PRIMARIES:
        return _primary_evidence(code.upper(), confidence, circumstances)
    return _plaid_evidence(upgrade(code.upper()), confidence, circumstances)


def _teller_evidence(category: str, circumstances: Circumstances) -> Evidence | None:
    row = _TELLER.get(category)
    detailed = row and row["detailed_in" if circumstances.money_in else "detailed_out"]
    if not row or not detailed or _income_on_card(detailed, circumstances):
        return None
    return evidence(detailed, float(row["confidence"]), "provider", f"provider: teller {category}")


def _plaid_evidence(detailed: str | None, confidence: float, circumstances: Circumstances) -> Evidence | None:
    if detailed is None or _income_on_card(detailed, circumstances):
        return None
    fitting = _fitting(detailed, circumstances)
    if fitting is None:
        return None
    sure = confidence if fitting == detailed else round(confidence * _TURNED_ROUND, 4)
    return evidence(fitting, sure, "provider", f"provider: {detailed}")


def _primary_evidence(primary: str, confidence: float, circumstances: Circumstances) -> Evidence | None:
    probe = f"{primary}_"
    if _income_on_card(probe, circumstances) or _fitting(probe, circumstances) != probe:
        return None
    return Evidence(primary, None, confidence, "provider", f"provider: {primary}")


def _fitting(detailed: str, circumstances: Circumstances) -> str | None:
    if not circumstances.money_in and not circumstances.money_out:
        return detailed
    return with_direction(detailed, money_in=circumstances.money_in)


def _income_on_card(detailed: str, circumstances: Circumstances) -> bool:
    return circumstances.account != "depository" and detailed.startswith("INCOME_")
