"""The only module that changes transactions.

Belongs here: bulk writes to `transactions`, the keys they are known by and the versions they leave behind.
Does not belong here: which stored row a staged one is (`storage.staging`), what a provider's page means
(`sync.project`), links (`storage.links`).

Nothing is ever deleted: a removed row stays, with reason and time, and comes back when the provider brings it
back. Every change keeps the earlier version. Rows carry the time of the round that told them, so that
projecting the same rounds again gives the same bytes.

Table names are unqualified: `open_for_writing` sets the search path, and a replay shadows the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from bank_sync.storage.staging import FACTS, IDENTITY, STORED
from bank_sync.storage.tables import transaction_versions

_VERSIONED = ", ".join(
    column.name
    for column in transaction_versions.columns
    if column.name not in {"known_from", "known_until", "transaction_id", "version"}
)


@dataclass(frozen=True, slots=True)
class Written:
    """Rows that were new, changed or removed."""

    new: int = 0
    changed: int = 0
    removed: int = 0


def open_for_writing(db: Connection, connection_id: str) -> None:
    """Let one writer of a connection's ledger in; the others queue up until the transaction ends."""
    statement = text(
        "SELECT set_config('search_path', 'bank, raw', true), pg_advisory_xact_lock(hashtextextended(:id, 0))"
    )
    db.execute(statement, {"id": connection_id})


def write_staged(db: Connection, *, round_id: int, generation: int, now: datetime) -> Written:
    """Store the resolved rows of a round; unchanged ones cost a comparison. A removed row comes back."""
    db.execute(text("DROP TABLE IF EXISTS staged_changes"))
    db.execute(text(_FIND_CHANGES))
    db.execute(text(_KEEP_CHANGED), {"now": now})
    db.execute(text(_UPSERT), {"round_id": round_id, "now": now})
    db.execute(text(_REMEMBER_KEYS), {"round_id": round_id, "generation": generation})
    counted = db.execute(text(_COUNT_CHANGES)).one()
    return Written(new=counted[0], changed=counted[1])


_FIND_CHANGES = f"""
CREATE TEMP TABLE staged_changes ON COMMIT DROP AS
SELECT staged.sequence, {IDENTITY} AS transaction_id, stored.transaction_id IS NOT NULL AS is_known
FROM staged_transactions AS staged
LEFT JOIN transactions AS stored ON stored.transaction_id = {IDENTITY}
WHERE stored.content_hash IS DISTINCT FROM staged.content_hash OR stored.removed_at IS NOT NULL
"""  # noqa: S608 - built from constants

_UPSERT = f"""
INSERT INTO transactions AS stored
    (transaction_id, {", ".join(STORED)}, round_id, first_seen_at, changed_at)
SELECT changes.transaction_id, {", ".join(f"staged.{name}" for name in STORED)}, :round_id, :now, :now
FROM staged_changes AS changes JOIN staged_transactions AS staged USING (sequence)
ON CONFLICT (transaction_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in (*FACTS, "content_hash"))},
    round_id = excluded.round_id, removed_at = NULL, removal_reason = NULL,
    version = stored.version + 1, changed_at = excluded.changed_at
"""  # noqa: S608 - built from constants

# The key named last speaks for a row, so a changed row's key is noted again.
_REMEMBER_KEYS = f"""
INSERT INTO transaction_keys AS known (account_id, transaction_key, transaction_id, generation, round_id)
SELECT staged.account_id, staged.transaction_key, {IDENTITY}, :generation, :round_id
FROM staged_transactions AS staged
LEFT JOIN staged_changes AS changes USING (sequence)
LEFT JOIN transaction_keys AS before USING (account_id, transaction_key)
WHERE changes.sequence IS NOT NULL OR before.transaction_id IS DISTINCT FROM {IDENTITY}
    OR before.generation <> :generation
ON CONFLICT (account_id, transaction_key) DO UPDATE SET
    transaction_id = excluded.transaction_id, generation = excluded.generation, round_id = excluded.round_id
"""  # noqa: S608 - built from constants


_COUNT_CHANGES = """
SELECT count(*) FILTER (WHERE NOT is_known), count(*) FILTER (WHERE is_known) FROM staged_changes
"""

_KEEP = f"""
INSERT INTO transaction_versions (transaction_id, version, {_VERSIONED}, known_from, known_until)
SELECT transaction_id, version, {_VERSIONED}, changed_at, :now FROM transactions
"""  # noqa: S608 - built from constants

_KEEP_CHANGED = f"{_KEEP} WHERE transaction_id IN (SELECT transaction_id FROM staged_changes WHERE is_known)"  # noqa: S608 - built from constants
_KEEP_GONE = f"{_KEEP} WHERE transaction_id IN (SELECT transaction_id FROM staged_gone)"  # noqa: S608 - built from constants


def remove_named(db: Connection, connection_id: str, *, round_id: int, now: datetime) -> int:
    """Tombstone the rows that the round's removals name; returns how many."""
    return _remove(db, _NAMED, "provider_removed", connection_id, round_id=round_id, now=now)


def remove_missing_from_windows(db: Connection, connection_id: str, *, round_id: int, now: datetime) -> int:
    """Tombstone live rows that a completely read window should have named; returns how many.

    Pending rows count whatever their date: providers list all of them at every read.
    """
    return _remove(db, _MISSING, "missing_from_window", connection_id, round_id=round_id, now=now)


def remove_unseen_since_relink(
    db: Connection, connection_id: str, *, generation: int, round_id: int, now: datetime
) -> int:
    """Tombstone live rows that a complete reading of a renewed link no longer told; returns how many.

    A new link may reach less far back, so only dates that it told anything of are judged.
    """
    statement = _UNSEEN.replace(":generation", str(int(generation)))
    return _remove(db, statement, "missing_from_replay", connection_id, round_id=round_id, now=now)


def _remove(
    db: Connection, which: str, reason: str, connection_id: str, *, round_id: int, now: datetime
) -> int:
    db.execute(text("DROP TABLE IF EXISTS staged_gone"))
    db.execute(
        text(f"CREATE TEMP TABLE staged_gone ON COMMIT DROP AS {which}"), {"connection_id": connection_id}
    )
    db.execute(text(_KEEP_GONE), {"now": now})
    values = {"now": now, "reason": reason, "round_id": round_id}
    return db.execute(text(_TOMBSTONE), values).rowcount


_TOMBSTONE = """
UPDATE transactions SET removed_at = :now, removal_reason = :reason, round_id = :round_id,
    version = version + 1, changed_at = :now
WHERE transaction_id IN (SELECT transaction_id FROM staged_gone)
"""

# Not gone are rows that the round tells under another key, and rows told again on a later page.
_NAMED = f"""
SELECT DISTINCT stored.transaction_id
FROM staged_removals AS gone
JOIN transaction_keys AS known USING (transaction_key)
JOIN transactions AS stored ON stored.transaction_id = known.transaction_id
LEFT JOIN staged_transactions AS staged ON {IDENTITY} = stored.transaction_id
WHERE stored.connection_id = :connection_id AND stored.removed_at IS NULL
    AND (staged.sequence IS NULL
        OR (staged.transaction_key = gone.transaction_key AND staged.sequence < gone.sequence))
    AND NOT EXISTS (
        SELECT FROM transaction_keys AS newer WHERE newer.transaction_id = known.transaction_id
            AND (newer.generation, newer.round_id) > (known.generation, known.round_id)
    )
"""  # noqa: S608 - built from constants

_MISSING = f"""
SELECT stored.transaction_id
FROM transactions AS stored JOIN staged_windows AS complete USING (account_id)
WHERE stored.connection_id = :connection_id AND stored.removed_at IS NULL AND stored.superseded_by IS NULL
    AND (stored.posting = 'pending' OR stored.booked_on BETWEEN complete.first_on AND complete.last_on)
    AND NOT EXISTS (
        SELECT FROM staged_transactions AS staged WHERE {IDENTITY} = stored.transaction_id
    )
"""  # noqa: S608 - built from constants

_UNSEEN = """
WITH told AS (
    SELECT stored.account_id, stored.transaction_id, stored.booked_on,
        EXISTS (
            SELECT FROM transaction_keys AS known
            WHERE known.transaction_id = stored.transaction_id AND known.generation = :generation
        ) AS is_told
    FROM transactions AS stored
    WHERE stored.connection_id = :connection_id AND stored.removed_at IS NULL
), reach AS (
    SELECT account_id, min(booked_on) AS first_on FROM told WHERE is_told GROUP BY account_id
)
SELECT transaction_id FROM told JOIN reach USING (account_id) WHERE NOT is_told AND booked_on >= first_on
"""


def live_posted(db: Connection, connection_id: str) -> dict[str, int]:
    """How many posted rows of each account count now."""
    counted = text(
        "SELECT account_id, count(*) FROM transactions WHERE connection_id = :connection_id "
        "AND posting = 'posted' AND removed_at IS NULL GROUP BY account_id"
    )
    return {row[0]: row[1] for row in db.execute(counted, {"connection_id": connection_id})}
