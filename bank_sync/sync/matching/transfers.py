"""Money that moved between a person's own accounts.

Belongs here: which two legs make an internal transfer, and how sure that is. Does not belong here: finding
legs (`storage.candidate_legs`).

Equal and opposite amounts in two accounts are no proof: a purchase and an unrelated refund look the same, and
a transfer that is none hides real spending. A pair is joined when both texts speak of a transfer, or one
names the other account, and nothing else could be meant; the rest is put up for review.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from bank_sync.storage.candidate_legs import Leg, LegPair
from bank_sync.storage.links import TRANSFER, Decision
from bank_sync.sync.matching.assignment import Edge, assign

_WORDS = re.compile(
    r"transfer|xfer|\btrf\b|überweis|ueberweis|übertrag|uebertrag|umbuchung|umtausch|virement|traspaso|bonifico"
    r"|giroconto|overboek|overschrijving|överföring|overforing|autopay|card\s*pa?y?me?nt\s+received"
    r"|payment\s*(?:received)?\s*-?\s*thank|kreditkartenabrechnung|rechnungsbetrag|to credit card"
    r"|fx conversion|exchanged|pocket|standing order to savings|sweep|own account|eigene[sn]? konto",
    re.IGNORECASE,
)
_TRANSFER_CATEGORIES = ("TRANSFER_IN", "TRANSFER_OUT", "LOAN_PAYMENTS")
_SPENDING_TYPES = frozenset({"card_payment", "atm", "fee", "interest", "place", "purchase", "cash"})
_TRANSFER_TYPES = frozenset({"transfer", "bill payment", "standing order"})
_MONEY_MCCS = frozenset({"4829", "6010", "6011", "6012", "6051", "6540"})
_MOST_PROPOSED = 4


class _Tier:
    NAMED = 0
    BOTH = 1
    ONE = 2
    NEITHER = 3
    EXCHANGE = 4


_SCORES = {_Tier.NAMED: 0.98, _Tier.BOTH: 0.95, _Tier.ONE: 0.6, _Tier.NEITHER: 0.4, _Tier.EXCHANGE: 0.5}
_RULES = {
    _Tier.NAMED: "names_the_account",
    _Tier.BOTH: "both_say_transfer",
    _Tier.ONE: "one_says_transfer",
    _Tier.NEITHER: "opposite_amounts",
    _Tier.EXCHANGE: "exchanged",
}


def decide_transfers(pairs: Sequence[LegPair], dismissed: Collection[tuple[str, str, str]]) -> list[Decision]:
    """Join legs that leave no choice, propose the others."""
    edges = [
        _edge(pair)
        for pair in pairs
        if (TRANSFER, pair.out.transaction_id, pair.into.transaction_id) not in dismissed
    ]
    assigned = assign(edge for edge in edges if edge is not None)
    shown: dict[str, int] = {}
    decisions = [_decision(edge, is_accepted=True) for edge in assigned.accepted]
    for edge in sorted(assigned.open, key=lambda edge: (edge.tier, -edge.score, edge.left, edge.right)):
        shown[edge.left] = shown.get(edge.left, 0) + 1
        if shown[edge.left] <= _MOST_PROPOSED:
            decisions.append(_decision(edge, is_accepted=False))
    return decisions


def _edge(pair: LegPair) -> Edge | None:
    out, into = pair.out, pair.into
    if _is_spending(out) or _is_spending(into):
        return None
    tier = _tier(out, into)
    days = (into.booked_on - out.booked_on).days
    return Edge(
        left=out.transaction_id,
        right=into.transaction_id,
        tier=tier,
        rule=_RULES[tier],
        score=_SCORES[tier] - 0.01 * abs(days),
        is_decisive=tier <= _Tier.BOTH,
        evidence={
            "days_apart": days,
            "same_connection": out.connection_id == into.connection_id,
            "out_says_transfer": says_transfer(out),
            "in_says_transfer": says_transfer(into),
            "names_the_account": tier == _Tier.NAMED,
            "same_currency": out.currency == into.currency,
        },
    )


def _tier(out: Leg, into: Leg) -> int:
    if out.currency != into.currency:
        return _Tier.EXCHANGE
    if _names(out, into) or _names(into, out):
        return _Tier.NAMED
    speaking = says_transfer(out) + says_transfer(into)
    return (_Tier.NEITHER, _Tier.ONE, _Tier.BOTH)[speaking]


def says_transfer(leg: Leg) -> bool:
    """Whether the row's own text, or else its type or category, speaks of a transfer."""
    if _WORDS.search(leg.description):
        return True
    category = leg.provider_category or ""
    return category.startswith(_TRANSFER_CATEGORIES) or (leg.provider_type or "").lower() in _TRANSFER_TYPES


def _is_spending(leg: Leg) -> bool:
    """A shop's code, or a kind of row that no transfer has, unless the bank's own text says transfer."""
    if leg.merchant_category_code and leg.merchant_category_code not in _MONEY_MCCS:
        return True
    if says_transfer(leg):
        return False
    is_categorized = (leg.provider_category or "").isupper() and leg.provider_category is not None
    return is_categorized or (leg.provider_type or "").lower() in _SPENDING_TYPES


def _names(leg: Leg, other: Leg) -> bool:
    """Whether the text holds the other account's last digits as a word of their own."""
    mask = other.account_mask
    return bool(mask and len(mask) >= 3 and re.search(rf"(?<!\d){re.escape(mask)}(?!\d)", leg.description))  # noqa: PLR2004


def _decision(edge: Edge, *, is_accepted: bool) -> Decision:
    return Decision(
        kind=TRANSFER,
        from_id=edge.left,
        to_id=edge.right,
        is_accepted=is_accepted,
        decided_by=f"rule:{edge.rule}",
        score=edge.score,
        evidence=edge.evidence,
    )
