"""Invariants of the ledger, each as one query that counts violations.

Belongs here: what must hold for every connection at any time. Does not belong here: statistical expectations
(`quality.suite`), reconciliation of balances.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_LIVE = "t.connection_id = :connection_id AND t.removed_at IS NULL AND t.superseded_by IS NULL"

_QUERIES = {
    "one live row per provider id": (
        f"SELECT count(*) FROM (SELECT FROM bank.transactions AS t WHERE {_LIVE} "
        "AND t.provider_transaction_id IS NOT NULL "
        "GROUP BY t.account_id, t.provider_transaction_id HAVING count(*) > 1) AS doubled"
    ),
    "a replaced row names what replaced it": (
        "SELECT count(*) FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS t ON t.transaction_id = CASE l.kind WHEN 'split_part' "
        "THEN l.to_transaction_id ELSE l.from_transaction_id END "
        "WHERE l.connection_id = :connection_id AND l.kind IN ('pending_posted', 'split_part', 'duplicate') "
        "AND l.state = 'accepted' AND l.undone_at IS NULL AND t.superseded_by IS NULL"
    ),
    "nothing is replaced without a decision": (
        "SELECT count(*) FROM bank.transactions AS t "
        "WHERE t.connection_id = :connection_id AND t.superseded_by IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM bank.transaction_links AS l WHERE l.state = 'accepted' "
        "AND l.undone_at IS NULL AND ((l.kind IN ('pending_posted', 'duplicate') "
        "AND (l.from_transaction_id, l.to_transaction_id) = (t.transaction_id, t.superseded_by)) "
        "OR (l.kind = 'split_part' "
        "AND (l.to_transaction_id, l.from_transaction_id) = (t.transaction_id, t.superseded_by))))"
    ),
    "transfers add up to nothing": (
        "SELECT count(*) FROM (SELECT FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS t ON t.transaction_id IN (l.from_transaction_id, l.to_transaction_id) "
        "WHERE l.connection_id = :connection_id AND l.kind = 'transfer' "
        "AND l.state = 'accepted' AND l.undone_at IS NULL AND l.decided_by NOT LIKE 'user:%' "
        "GROUP BY l.link_id, t.currency HAVING sum(t.amount) <> 0) AS uneven"
    ),
    "every row comes from a committed round": (
        "SELECT count(*) FROM bank.transactions AS t LEFT JOIN raw.rounds AS r USING (round_id) "
        f"WHERE {_LIVE} AND (r.round_id IS NULL OR r.projected_at IS NULL)"
    ),
    "every row belongs to an account of its connection": (
        "SELECT count(*) FROM bank.transactions AS t "
        "LEFT JOIN bank.accounts AS a ON a.account_id = t.account_id AND a.connection_id = t.connection_id "
        f"WHERE {_LIVE} AND a.account_id IS NULL"
    ),
    "no posted row lies in the future": (
        f"SELECT count(*) FROM bank.transactions AS t WHERE {_LIVE} AND t.posting = 'posted' "
        "AND t.booked_on > t.changed_at::date + 7"
    ),
}


_ALL = " UNION ALL ".join(
    f"SELECT '{name}' AS name, ({query}) AS violations" for name, query in _QUERIES.items()
)


def broken_invariants(db: Connection, connection_id: str) -> dict[str, int]:
    """Number of violations of each broken invariant of one connection; empty when all hold."""
    found = db.execute(text(_ALL), {"connection_id": connection_id})
    return {row.name: row.violations for row in found if row.violations}
