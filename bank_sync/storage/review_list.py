"""What waits for a person's verdict: pairs of transactions with both rows, and held rounds.

Belongs here: listing. Does not belong here: deciding (`storage.reviews`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, text


@dataclass(frozen=True, slots=True)
class Side:
    """One row of a pair, as a person would recognise it."""

    transaction_id: str
    account: str
    booked_on: date
    amount: Decimal
    currency: str
    description: str
    posting: str


@dataclass(frozen=True, slots=True)
class Review:
    """One link with both rows; `state` is proposed, accepted, rejected or undone."""

    link_id: int
    kind: str
    state: str
    score: Decimal
    decided_by: str
    decided_at: datetime
    evidence: dict[str, Any]
    first: Side
    second: Side


@dataclass(frozen=True, slots=True)
class HeldRound:
    """One round that waits because it removes nearly everything."""

    round_id: int
    connection_id: str
    institution: str
    reason: str
    held_at: datetime


def list_links(
    db: Connection, *, state: str = "proposed", kind: str | None = None, limit: int = 100
) -> list[Review]:
    """Links in a state, the surest first."""
    parameters = {"state": state, "kind": kind, "limit": limit}
    return [_review(row) for row in db.execute(text(_LIST), parameters).mappings()]


_LIST = """
SELECT l.link_id, l.kind, CASE WHEN l.undone_at IS NULL THEN l.state ELSE 'undone' END AS state, l.score,
    l.decided_by, l.decided_at, l.evidence, to_jsonb(f) AS first, to_jsonb(o) AS second
FROM bank.transaction_links AS l
JOIN LATERAL (
    SELECT t.transaction_id, a.name AS account, t.booked_on, t.amount::text, t.currency, t.description,
        t.posting
    FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id)
    WHERE t.transaction_id = l.from_transaction_id
) AS f ON true
JOIN LATERAL (
    SELECT t.transaction_id, a.name AS account, t.booked_on, t.amount::text, t.currency, t.description,
        t.posting
    FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id)
    WHERE t.transaction_id = l.to_transaction_id
) AS o ON true
WHERE CASE WHEN l.undone_at IS NULL THEN l.state ELSE 'undone' END = :state
    AND (CAST(:kind AS text) IS NULL OR l.kind = :kind)
ORDER BY l.score DESC, l.link_id DESC LIMIT :limit
"""


def _review(row: RowMapping) -> Review:
    return Review(**{**row, "first": _side(row["first"]), "second": _side(row["second"])})


def _side(row: dict[str, str]) -> Side:
    booked_on, amount = date.fromisoformat(row["booked_on"]), Decimal(row["amount"])
    return Side(**{**row, "booked_on": booked_on, "amount": amount})  # type: ignore[arg-type]  # from JSON


def held_rounds(db: Connection) -> list[HeldRound]:
    """Rounds of all connections that wait for a verdict, oldest first."""
    return [HeldRound(**row) for row in db.execute(text(_HELD)).mappings()]


_HELD = """
SELECT r.round_id, r.connection_id, c.institution_name AS institution, r.held_reason AS reason, r.held_at
FROM raw.rounds AS r JOIN bank.connections AS c USING (connection_id)
WHERE r.held_at IS NOT NULL AND r.projected_at IS NULL AND r.released_at IS NULL
ORDER BY r.round_id
"""
