"""Which connections' balances were read longest ago.

Belongs here: finding them. Does not belong here: reading balances (`sync.balances`), the balances themselves
(`storage.accounts`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, text

from bank_sync.storage.connections import COLUMNS, StoredConnection, stored_connection


def oldest_balances(
    db: Connection, *, before: datetime, now: datetime, passed_over: Collection[str], limit: int
) -> list[StoredConnection]:
    """Healthy connections with active accounts whose balances were read before then, oldest first.

    Those that fail, or that somebody syncs now, are left out, and so are those that were `passed_over`.
    """
    values = {"before": before, "now": now, "passed_over": list(passed_over), "limit": limit}
    return [stored_connection(row) for row in db.execute(text(_OLDEST), values).mappings()]


_OLDEST = f"""
SELECT {", ".join(f"c.{column.name}" for column in COLUMNS)}
FROM bank.connections AS c
CROSS JOIN LATERAL (
    SELECT max(r.fetched_at) AS read_at FROM raw.rounds AS r
    WHERE r.connection_id = c.connection_id AND r.part = 'balances'
) AS latest
WHERE c.state = 'connected' AND c.error_code IS NULL AND c.first_synced_at IS NOT NULL
    AND (c.lease_until IS NULL OR c.lease_until < :now)
    AND latest.read_at < :before
    AND c.connection_id <> ALL(:passed_over)
    AND EXISTS (
        SELECT FROM bank.accounts AS a WHERE a.connection_id = c.connection_id AND a.state = 'active'
    )
ORDER BY latest.read_at, c.connection_id
LIMIT :limit
"""  # noqa: S608 - joined from constants
