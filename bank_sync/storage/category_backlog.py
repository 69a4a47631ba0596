"""Where transactions wait for a category.

Belongs here: counting them by connection. Does not belong here: giving categories (`sync.enrich`,
`storage.categories`).
"""

from __future__ import annotations

from sqlalchemy import Connection, text


def backlog(db: Connection, *, version: str, limit: int) -> list[tuple[str, int]]:
    """Connections with live rows that `uncategorized` would give, the most waiting first."""
    rows = db.execute(text(_BACKLOG), {"version": version, "limit": limit})
    return [(row.connection_id, row.waiting) for row in rows]


_BACKLOG = """
SELECT t.connection_id, count(*) AS waiting
FROM bank.transactions AS t
LEFT JOIN bank.transaction_categories AS c
    ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
WHERE t.removed_at IS NULL AND t.superseded_by IS NULL
    AND (
        c.transaction_id IS NULL OR c.transaction_hash <> t.content_hash
        OR (c.category_primary IS NULL AND c.model_version <> :version)
    )
GROUP BY t.connection_id
ORDER BY waiting DESC, t.connection_id
LIMIT :limit
"""
