"""Decisions that two transactions belong together.

Belongs here: `bank.transaction_links` and the `superseded_by` that follows from it. Does not belong here: the
content of a row (`storage.ledger`), who belongs together (`sync.matching`), a person's verdicts
(`storage.reviews`).

A decision stands beside the rows: version, content and time of change of a row stay as the provider's word
made them. What replaces a row is derived from the links that stand, so that undoing one restores it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import bindparam

PENDING_POSTED = "pending_posted"
"""From a pending row to the posted row that replaces it."""
SPLIT_PART = "split_part"
"""From a posted row to the pending row it is a part of."""
DUPLICATE = "duplicate"
"""From a row to the one that tells the same event and stays."""
TRANSFER = "transfer"
"""From the leg that leaves one account to the leg that reaches another; both count."""

_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Decision:
    """One judgement on a pair; an accepted one takes effect, the others wait for a person.

    Attributes:
        decided_by: `provider`, `rule:<tier>` or `user:<who>`.
        evidence: figures that led to it, never a text of a row.
    """

    kind: str
    from_id: str
    to_id: str
    is_accepted: bool
    decided_by: str
    score: float
    evidence: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Linked:
    """What a linking did: pairs joined, put up for review, taken apart or withdrawn."""

    accepted: int = 0
    proposed: int = 0
    undone: int = 0

    def __add__(self, other: Linked) -> Linked:
        return Linked(
            self.accepted + other.accepted, self.proposed + other.proposed, self.undone + other.undone
        )


def lock_links_of_owner(db: Connection, connection_id: str) -> None:
    """Linkings of one person queue up: a transfer has its legs in two connections."""
    db.execute(
        text(
            "SELECT pg_advisory_xact_lock(hashtextextended('links:' || user_id, 0)) "
            "FROM bank.connections WHERE connection_id = :connection_id"
        ),
        {"connection_id": connection_id},
    )


def store_decisions(db: Connection, decisions: Sequence[Decision], *, now: datetime) -> Linked:
    """Write decisions: a standing proposal is turned into its acceptance, the same proposal is kept."""
    if not decisions:
        return Linked()
    accepted = [one for one in decisions if one.is_accepted]
    proposed = [one for one in decisions if not one.is_accepted]
    joined = _write(db, accepted, now=now) if accepted else 0
    asked = _write(db, proposed, now=now) if proposed else 0
    point_at_successors(db, [end for one in accepted for end in (one.from_id, one.to_id)])
    return Linked(joined, asked)


def _write(db: Connection, decisions: Sequence[Decision], *, now: datetime) -> int:
    rows = [
        {
            "kind": one.kind,
            "from_id": one.from_id,
            "to_id": one.to_id,
            "state": "accepted" if one.is_accepted else "proposed",
            "decided_by": one.decided_by,
            "score": str(Decimal(one.score).quantize(_FOUR_PLACES)),
            "evidence": one.evidence,
        }
        for one in decisions
    ]
    statement = text(_WRITE).bindparams(bindparam("rows", type_=JSONB))
    return len(db.execute(statement, {"rows": rows, "now": now}).all())


_WRITE = """
WITH sent AS (
    SELECT * FROM jsonb_to_recordset(:rows) AS sent(
        kind text, from_id text, to_id text, state text, decided_by text, score numeric, evidence jsonb)
), upgraded AS (
    UPDATE bank.transaction_links AS l
    SET state = sent.state, decided_by = sent.decided_by, score = sent.score, evidence = sent.evidence,
        decided_at = :now
    FROM sent
    WHERE sent.state = 'accepted' AND l.state = 'proposed' AND l.undone_at IS NULL
        AND (l.kind, l.from_transaction_id, l.to_transaction_id) = (sent.kind, sent.from_id, sent.to_id)
    RETURNING l.link_id, l.kind, l.from_transaction_id, l.to_transaction_id
), inserted AS (
    INSERT INTO bank.transaction_links
        (connection_id, kind, from_transaction_id, to_transaction_id, state, decided_by, score, evidence,
            decided_at)
    SELECT t.connection_id, sent.kind, sent.from_id, sent.to_id, sent.state, sent.decided_by, sent.score,
        sent.evidence, :now
    FROM sent JOIN bank.transactions AS t ON t.transaction_id = sent.from_id
    WHERE NOT EXISTS (
        SELECT FROM bank.transaction_links AS l
        WHERE l.from_transaction_id = sent.from_id AND l.to_transaction_id = sent.to_id
            AND l.kind = sent.kind AND l.undone_at IS NULL)
    ON CONFLICT DO NOTHING
    RETURNING link_id
)
SELECT link_id FROM upgraded UNION ALL SELECT link_id FROM inserted
"""


def point_at_successors(db: Connection, transaction_ids: Collection[str]) -> None:
    """Set `superseded_by` of these rows to what the links that stand say, or to nothing."""
    db.execute(text(_POINT), {"ids": list(set(transaction_ids))})


_POINT = """
WITH asked AS (SELECT unnest(CAST(:ids AS text[])) AS id), told AS (
    SELECT l.from_transaction_id AS id, l.to_transaction_id AS successor, l.decided_at, l.link_id
    FROM asked JOIN bank.transaction_links AS l ON l.from_transaction_id = asked.id
    WHERE l.kind IN ('pending_posted', 'duplicate') AND l.state = 'accepted' AND l.undone_at IS NULL
    UNION ALL
    SELECT l.to_transaction_id, l.from_transaction_id, l.decided_at, l.link_id
    FROM asked JOIN bank.transaction_links AS l ON l.to_transaction_id = asked.id
    WHERE l.kind = 'split_part' AND l.state = 'accepted' AND l.undone_at IS NULL
), first_told AS (
    SELECT DISTINCT ON (asked.id) asked.id, told.successor
    FROM asked LEFT JOIN told ON told.id = asked.id
    ORDER BY asked.id, told.decided_at, told.link_id
)
UPDATE bank.transactions AS t SET superseded_by = first_told.successor
FROM first_told
WHERE t.transaction_id = first_told.id AND t.superseded_by IS DISTINCT FROM first_told.successor
"""


def undo_links(db: Connection, link_ids: Collection[int], *, by: str, now: datetime) -> int:
    """Take links back; the rows they replaced stand again."""
    if not link_ids:
        return 0
    ends = db.execute(
        text(
            "UPDATE bank.transaction_links SET undone_at = :now, undone_by = :by "
            "WHERE link_id = ANY(CAST(:ids AS bigint[])) AND undone_at IS NULL "
            "RETURNING from_transaction_id, to_transaction_id"
        ),
        {"ids": list(link_ids), "by": by, "now": now},
    ).all()
    point_at_successors(db, [end for row in ends for end in row])
    return len(ends)


def links_that_no_longer_hold(db: Connection, connection_id: str) -> list[int]:
    """Links and proposals that a later word of a provider contradicts; a person's own are left to the person.

    A pending row that is listed again has no successor; a transfer with a corrected or removed leg is none.
    """
    return list(db.execute(text(_NO_LONGER), {"connection_id": connection_id}).scalars())


_NO_LONGER = """
WITH standing AS MATERIALIZED (
    SELECT * FROM bank.transaction_links WHERE connection_id = :connection_id
    UNION
    SELECT l.* FROM bank.transactions AS t
    JOIN bank.transaction_links AS l ON l.to_transaction_id = t.transaction_id
    WHERE t.connection_id = :connection_id AND l.connection_id <> :connection_id
)
SELECT l.link_id FROM standing AS l
JOIN bank.transactions AS f ON f.transaction_id = l.from_transaction_id
JOIN bank.transactions AS o ON o.transaction_id = l.to_transaction_id
WHERE l.state IN ('accepted', 'proposed') AND l.undone_at IS NULL AND l.decided_by NOT LIKE 'user:%'
    AND ((l.kind = 'pending_posted' AND l.state = 'accepted' AND f.removed_at IS NULL)
        OR (l.kind = 'split_part' AND l.state = 'accepted' AND o.removed_at IS NULL)
        OR (l.kind IN ('transfer', 'duplicate') AND (f.removed_at IS NOT NULL OR o.removed_at IS NOT NULL))
        OR (l.kind = 'transfer' AND (f.superseded_by IS NOT NULL OR o.superseded_by IS NOT NULL
            OR (f.currency = o.currency AND f.amount + o.amount <> 0))))
"""


def withdraw_proposals(
    db: Connection,
    connection_id: str,
    kinds: Collection[str],
    examined: Collection[str],
    decisions: Sequence[Decision],
    *,
    now: datetime,
) -> int:
    """Take back proposals about rows just examined that are no longer made, or whose rows were replaced."""
    made = [f"{one.kind}\x1f{one.from_id}\x1f{one.to_id}" for one in decisions]
    moot: list[int] = list(
        db.execute(
            text(_MOOT),
            {
                "connection_id": connection_id,
                "kinds": list(kinds),
                "examined": list(examined),
                "made": made,
            },
        ).scalars()
    )
    return undo_links(db, moot, by="rule:overtaken", now=now)


_MOOT = """
SELECT l.link_id FROM bank.transaction_links AS l
JOIN bank.transactions AS f ON f.transaction_id = l.from_transaction_id
JOIN bank.transactions AS o ON o.transaction_id = l.to_transaction_id
WHERE l.connection_id = :connection_id AND l.kind = ANY(CAST(:kinds AS text[]))
    AND l.state = 'proposed' AND l.undone_at IS NULL
    AND (f.superseded_by IS NOT NULL OR o.superseded_by IS NOT NULL
        OR (CAST(:examined AS text[]) && ARRAY[f.transaction_id, o.transaction_id]
            AND NOT (l.kind || chr(31) || l.from_transaction_id || chr(31) || l.to_transaction_id
                = ANY(CAST(:made AS text[])))))
"""
