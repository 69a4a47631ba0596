"""Deleting what has served its time: raw pages that the ledger holds, webhooks that are settled.

Belongs here: what may go, in pieces that keep transactions short. Does not belong here: how long it is kept
(`settings`), Dagster's own records (`orchestration.pruning`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, text

from bank_sync.storage.tables import webhook_inbox

_ROUNDS_AT_A_TIME = 500


def prune_pages(db: Connection, *, before: datetime, now: datetime) -> tuple[int, int]:
    """Delete the pages of some rounds read before then; returns (rounds, pages), (0, 0) when none are left.

    A round stays whole while the ledger has not taken it, while a row of it waits in quarantine, and while it
    is the newest of its part: a connection that was not read for long keeps what it was told last.
    """
    values = {"before": before, "now": now, "limit": _ROUNDS_AT_A_TIME}
    row = db.execute(text(_PRUNE_PAGES), values).one()
    return row.rounds, row.pages


_PRUNE_PAGES = """
WITH old AS MATERIALIZED (
    SELECT r.round_id FROM raw.rounds AS r
    WHERE r.fetched_at < :before AND r.projected_at IS NOT NULL AND r.pruned_at IS NULL
        AND EXISTS (SELECT FROM raw.rounds AS newer WHERE newer.connection_id = r.connection_id
            AND newer.part = r.part AND newer.round_id > r.round_id AND newer.projected_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM raw.pages AS p JOIN bank.quarantine AS q USING (page_id)
            WHERE p.round_id = r.round_id AND q.resolved_at IS NULL)
    ORDER BY r.round_id LIMIT :limit
), solved AS (
    DELETE FROM bank.quarantine WHERE page_id IN (
        SELECT page_id FROM raw.pages WHERE round_id IN (SELECT round_id FROM old))
), gone AS (
    DELETE FROM raw.pages WHERE round_id IN (SELECT round_id FROM old) RETURNING page_id
), marked AS (
    UPDATE raw.rounds SET pruned_at = :now WHERE round_id IN (SELECT round_id FROM old) RETURNING round_id
)
SELECT (SELECT count(*) FROM marked) AS rounds, (SELECT count(*) FROM gone) AS pages
"""


def prune_inbox(db: Connection, *, before: datetime) -> int:
    """Delete webhooks settled before then; parked ones wait for a person. Returns how many."""
    settled = delete(webhook_inbox).where(
        webhook_inbox.c.state.in_(("handled", "stale")), webhook_inbox.c.handled_at < before
    )
    return db.execute(settled).rowcount
