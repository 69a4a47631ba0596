"""What became of a pending row.

Belongs here: which posted rows may be the successor of a pending one, and how strong that is. Does not
belong here: choosing among them (`matching.assignment`), several rows for one (`matching.splits`).

A pending row that is still listed has no successor yet. One that vanished has at most one candidate where it
counts: shown from the very round in which the pending row left, alike in text, of the same amount or grown by
a tip. A provider's own word is believed unless the rows contradict it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from decimal import Decimal

from bank_sync.storage.candidates import EARLIEST_DAYS, GREATEST_GROWTH, LATEST_DAYS, Entry
from bank_sync.storage.links import PENDING_POSTED, Decision
from bank_sync.sync.matching.assignment import Edge, assign
from bank_sync.sync.matching.splits import named_split, possible_splits
from bank_sync.sync.matching.text import likeness

LEAST_RATIO, GREATEST_RATIO = Decimal("0.3"), Decimal(3)
"""A posted amount beyond these shares of the pending one is not the same purchase, whatever is claimed: tips
and partial shipments stay inside, a wrong link (1.99 to 84.00 has been seen) does not."""
LEAST_GROWTH = Decimal("0.9")  # without a provider's word: exchange rates move a little, holds are rounded up

_ALIKE = 0.6
_SAME_SHOP = 0.8
_MOST_PROPOSED = 6  # candidates of one pending row shown to a person

Pairs = Collection[tuple[str, str, str]]


def decide_pendings(
    pendings: Sequence[Entry], named: Sequence[Entry], posted: Sequence[Entry], dismissed: Pairs
) -> list[Decision]:
    """Decisions on pending rows; `named` are posted rows whose provider names one of them."""
    claims = _claims(pendings, named)
    vanished = [one for one in pendings if one.removed_at is not None]
    rows = {one.transaction_id: one for one in (*posted, *named)}
    edges = [
        edge
        for held in vanished
        for edge in _edges(held, rows.values())
        if (PENDING_POSTED, edge.left, edge.right) not in dismissed
    ]
    told, settled = _believe(claims, edges, dismissed)
    free = [edge for edge in edges if edge.left not in settled and edge.right not in settled]
    unsettled = {key: row for key, row in rows.items() if key not in settled}
    splits = possible_splits([one for one in vanished if one.transaction_id not in settled], free, unsettled)
    splits = [one for one in splits if (one.kind, one.from_id, one.to_id) not in dismissed]
    parts = {end for one in splits for end in (one.from_id, one.to_id)}
    assigned = assign(edge for edge in free if edge.left not in parts and edge.right not in parts)
    inferred = [_decision(edge, is_accepted=True) for edge in assigned.accepted]
    taken = settled | {end for one in inferred for end in (one.from_id, one.to_id)}
    doubts = [one for one in told if not one.is_accepted and not {one.from_id, one.to_id} & taken]
    sure = [one for one in told if one.is_accepted]
    return _once([*sure, *inferred, *doubts, *splits, *_proposals(assigned.open)])


def _claims(pendings: Sequence[Entry], named: Sequence[Entry]) -> dict[str, tuple[Entry, list[Entry]]]:
    """Pending rows with the posted rows whose provider names them."""
    by_name = {(one.account_id, one.provider_transaction_id): one for one in pendings}
    claims: dict[str, tuple[Entry, list[Entry]]] = {}
    for row in named:
        held = by_name.get((row.account_id, row.pending_provider_transaction_id))
        if held is not None:
            claims.setdefault(held.transaction_id, (held, []))[1].append(row)
    return claims


def _believe(
    claims: dict[str, tuple[Entry, list[Entry]]], edges: Sequence[Edge], dismissed: Pairs
) -> tuple[list[Decision], set[str]]:
    """Judge the provider's own links; gives decisions and the rows they settle."""
    decisions: list[Decision] = []
    for held, rows in claims.values():
        decisions += named_split(held, rows) if len(rows) > 1 else [_judge(held, rows[0], edges)]
    decisions = [one for one in decisions if (one.kind, one.from_id, one.to_id) not in dismissed]
    return decisions, {end for one in decisions if one.is_accepted for end in (one.from_id, one.to_id)}


def _judge(held: Entry, row: Entry, edges: Sequence[Edge]) -> Decision:
    """Believe the provider when amount or text agrees and nothing fits better."""
    ratio = _ratio(held, row)
    alike = likeness(_texts(held), _texts(row))
    is_sane = ratio is not None and LEAST_RATIO <= ratio <= GREATEST_RATIO
    agrees = is_sane and (ratio == 1 or alike >= _ALIKE)
    contested = _is_contested(held, row, edges)
    is_accepted = agrees and not contested and held.removed_at is not None
    evidence = {
        **_evidence(held, row, ratio, alike),
        "is_sane": is_sane,
        "something_fits_better": contested,
        "still_listed": held.removed_at is None,
    }
    score = 1.0 if is_accepted else 0.5 if is_sane else 0.1
    return Decision(
        kind=PENDING_POSTED,
        from_id=held.transaction_id,
        to_id=row.transaction_id,
        is_accepted=is_accepted,
        decided_by="provider",
        score=score,
        evidence=evidence,
    )


def _is_contested(held: Entry, row: Entry, edges: Sequence[Edge]) -> bool:
    """Whether another pair with one of the two is better evidence than what the provider says."""
    mine = (held.transaction_id, row.transaction_id)
    own_tier = next((edge.tier for edge in edges if (edge.left, edge.right) == mine), _Tier.NONE)
    rivals = [
        edge
        for edge in edges
        if (edge.left == mine[0]) != (edge.right == mine[1]) and edge.tier <= _Tier.EXACT
    ]
    return any(edge.tier < own_tier for edge in rivals)


class _Tier:
    """Strength of evidence without a provider's word; smaller is stronger."""

    SAME_DAY = 0
    EXACT = 1
    TIP = 2
    APART = 3
    OTHER_TEXT = 4
    NONE = 9


_RULES = {
    _Tier.SAME_DAY: ("exact_same_day", 0.98),
    _Tier.EXACT: ("exact", 0.95),
    _Tier.TIP: ("tip", 0.8),
    _Tier.APART: ("exact_later", 0.6),
    _Tier.OTHER_TEXT: ("exact_other_text", 0.4),
}


def _edges(held: Entry, rows: Collection[Entry]) -> list[Edge]:
    found = (_edge(held, row) for row in rows)
    return [edge for edge in found if edge is not None]


def _edge(held: Entry, row: Entry) -> Edge | None:
    """The strongest way in which a posted row may have come of a vanished pending one."""
    ratio = _ratio(held, row)
    days = (row.booked_on - held.booked_on).days
    is_later = row.first_seen_at > held.first_seen_at or row.first_seen_at == held.removed_at
    is_close = EARLIEST_DAYS <= days <= LATEST_DAYS
    if ratio is None or not (is_later and is_close) or held.removed_at is None:
        return None
    alike = likeness(_texts(held), _texts(row))
    tier = _tier(held, row, ratio, alike)
    if tier == _Tier.NONE:
        return None
    rule, score = _RULES[tier]
    return Edge(
        left=held.transaction_id,
        right=row.transaction_id,
        tier=tier,
        rule=rule,
        score=score * (0.5 + 0.5 * alike),
        is_decisive=_is_decisive(held, row, tier, alike),
        evidence=_evidence(held, row, ratio, alike),
    )


def _tier(held: Entry, row: Entry, ratio: Decimal, alike: float) -> int:
    apart = _days_between_events(held, row)
    together = row.first_seen_at == held.removed_at
    if apart is not None and apart > 1:
        return _Tier.NONE  # both banks' days are known and differ: another purchase
    if ratio == 1 and alike >= _ALIKE:
        if not together:
            return _Tier.APART
        return _Tier.SAME_DAY if apart == 0 else _Tier.EXACT
    if ratio == 1 and together:
        return _Tier.OTHER_TEXT
    grown = held.amount < 0 and LEAST_GROWTH <= ratio <= GREATEST_GROWTH
    return _Tier.TIP if grown and together and alike >= _SAME_SHOP else _Tier.NONE


def _is_decisive(held: Entry, row: Entry, tier: int, alike: float) -> bool:
    """Whether to join the pair where it is the only one."""
    if held.authorised_on is not None and row.authorised_on is None:
        return False  # this bank tells the day of a purchase that was held: the row may never have been
    return tier <= _Tier.TIP or (tier == _Tier.APART and _is_surely_late(held, row, alike))


def _is_surely_late(held: Entry, row: Entry, alike: float) -> bool:
    """A row that came after a gap is the successor only when the bank dates the purchase to the same day."""
    is_after = held.removed_at is not None and row.first_seen_at > held.removed_at
    return is_after and alike >= _SAME_SHOP and _days_between_events(held, row) == 0


def _days_between_events(held: Entry, row: Entry) -> int | None:
    """Days between when the two say the purchase was made; None where the posted row does not say."""
    if row.authorised_on is None:
        return None
    return abs((row.authorised_on - (held.authorised_on or held.booked_on)).days)


def _ratio(held: Entry, row: Entry) -> Decimal | None:
    """Posted amount by pending amount; None where account, currency or direction differ."""
    if (held.account_id, held.currency) != (row.account_id, row.currency) or held.amount * row.amount <= 0:
        return None
    return row.amount / held.amount


def _texts(row: Entry) -> tuple[str | None, ...]:
    return (row.description, row.merchant_name, row.counterparty_name)


def _evidence(held: Entry, row: Entry, ratio: Decimal | None, alike: float) -> dict[str, object]:
    """Why, in figures alone: no text of either row."""
    return {
        "ratio": None if ratio is None else f"{ratio:.4f}",
        "amounts_equal": ratio == 1,
        "days_apart": (row.booked_on - held.booked_on).days,
        "event_days_apart": _days_between_events(held, row),
        "text_likeness": round(alike, 2),
        "came_as_it_left": row.first_seen_at == held.removed_at,
    }


def _proposals(edges: Sequence[Edge]) -> list[Decision]:
    """What a person is asked: the best few candidates of each pending row."""
    by_left: defaultdict[str, list[Edge]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: (edge.tier, -edge.score, edge.right)):
        by_left[edge.left].append(edge)
    return [
        _decision(edge, is_accepted=False, among=len(group))
        for group in by_left.values()
        for edge in group[:_MOST_PROPOSED]
    ]


def _decision(edge: Edge, *, is_accepted: bool, among: int = 1) -> Decision:
    evidence = {**edge.evidence, "candidates": among}
    score = edge.score if is_accepted else edge.score / max(among, 1)
    return Decision(
        kind=PENDING_POSTED,
        from_id=edge.left,
        to_id=edge.right,
        is_accepted=is_accepted,
        decided_by=f"rule:{edge.rule}",
        score=score,
        evidence=evidence,
    )


def _once(decisions: Sequence[Decision]) -> list[Decision]:
    """One decision for a pair: the first, which is the strongest."""
    kept: dict[tuple[str, str, str], Decision] = {}
    for one in decisions:
        kept.setdefault((one.kind, one.from_id, one.to_id), one)
    return list(kept.values())
