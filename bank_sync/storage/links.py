"""Decisions that two transactions belong together.

Belongs here: `bank.transaction_links` and the `superseded_by` it implies. Does not belong here: the content
of a row (`storage.ledger`).

A posted row replaces the pending row its provider names. Both rows stay; the link says why the pending one no
longer counts and can be undone.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, text

LEAST_RATIO, GREATEST_RATIO = Decimal("0.3"), Decimal(3)
"""A posted amount beyond these shares of the pending one is not the same purchase, whatever is claimed: tips
and partial shipments stay inside, a wrong link (1.99 to 84.00 has been seen) does not."""


def link_named_pending(db: Connection, connection_id: str, *, now: datetime) -> int:
    """Join posted rows to the pending rows their provider names; returns how many were joined.

    Account, currency and direction must agree and the amounts be of one size; otherwise both rows stay apart.
    """
    joined = db.execute(
        text(_LINK),
        {"connection_id": connection_id, "now": now, "least": LEAST_RATIO, "greatest": GREATEST_RATIO},
    )
    return len(joined.all())


_LINK = """
WITH pairs AS (
    SELECT DISTINCT ON (pending.transaction_id)
        pending.transaction_id AS pending_id, posted.transaction_id AS posted_id,
        pending.amount AS pending_amount, posted.amount AS posted_amount
    FROM bank.transactions AS posted
    JOIN bank.transactions AS pending
        ON pending.account_id = posted.account_id
        AND pending.provider_transaction_id = posted.pending_provider_transaction_id
    WHERE posted.connection_id = :connection_id
        AND posted.posting = 'posted' AND posted.removed_at IS NULL
        AND pending.posting = 'pending' AND pending.superseded_by IS NULL
        AND pending.currency = posted.currency
        AND sign(pending.amount) = sign(posted.amount)
        AND abs(posted.amount) BETWEEN abs(pending.amount) * :least AND abs(pending.amount) * :greatest
    ORDER BY pending.transaction_id, posted.transaction_id
), linked AS (
    INSERT INTO bank.transaction_links
        (connection_id, kind, from_transaction_id, to_transaction_id, decided_by, score, evidence, decided_at)
    SELECT :connection_id, 'pending_posted', pending_id, posted_id, 'provider', 1,
        jsonb_build_object('amounts_equal', pending_amount = posted_amount), :now
    FROM pairs
    ON CONFLICT DO NOTHING
    RETURNING from_transaction_id, to_transaction_id
)
UPDATE bank.transactions AS pending
SET superseded_by = linked.to_transaction_id, changed_at = :now
FROM linked WHERE pending.transaction_id = linked.from_transaction_id
RETURNING pending.transaction_id
"""
