"""The only module that changes transactions.

Belongs here: bulk writes to `bank.transactions` and the versions they leave behind. Does not belong here:
what a provider's page means (`sync.project`), keys (`sync.identity`), links (`storage.links`).

Writing is a hash probe, a COPY and one upsert: ids and content hashes are sent, the server answers which
rows differ, and only those travel. Nothing is ever deleted: a removed row stays, with reason and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from bank_sync.domain.models import DateWindow
from bank_sync.storage.tables import transaction_versions

FACTS = (
    "connection_id",
    "account_id",
    "provider_transaction_id",
    "pending_provider_transaction_id",
    "posting",
    "amount",
    "currency",
    "booked_on",
    "value_on",
    "authorised_on",
    "description",
    "merchant_name",
    "counterparty_name",
    "merchant_category_code",
    "provider_category",
    "provider_category_confidence",
    "provider_type",
    "original_amount",
    "original_currency",
)
"""Columns filled from a provider's row, in the order of `LedgerRow.facts`."""

_STAGED = ("transaction_id", "transaction_key", *FACTS, "content_hash")
_VERSIONED = tuple(
    column.name
    for column in transaction_versions.columns
    if column.name not in {"known_from", "known_until", "transaction_id", "version"}
)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One transaction ready to be stored; `facts` in the order of `FACTS`."""

    transaction_id: str
    transaction_key: str
    facts: tuple[Any, ...]
    content_hash: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """Rows that were new, changed or removed."""

    new: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(self.new + other.new, self.changed + other.changed, self.removed + other.removed)


def upsert_transactions(
    db: Connection, rows: Sequence[LedgerRow], *, round_id: int, now: datetime
) -> Written:
    """Store rows with distinct transaction_ids; unchanged ones cost one probe. A removed row comes back."""
    known, differing = _probe(db, rows)
    if not differing:
        return Written()
    _stage(db, [row for row in rows if row.transaction_id in differing])
    _keep_versions(db, list(differing & known), only_live=False, now=now)
    db.execute(text(_UPSERT), {"round_id": round_id, "now": now})
    changed = len(differing & known)
    return Written(new=len(differing) - changed, changed=changed)


def _probe(db: Connection, rows: Sequence[LedgerRow]) -> tuple[set[str], set[str]]:
    """Ids already stored, and ids whose content is new, different or was removed."""
    found = db.execute(
        text(
            "SELECT sent.id, stored.transaction_id IS NOT NULL AS is_known "
            "FROM unnest(CAST(:ids AS text[]), CAST(:hashes AS bytea[])) AS sent(id, hash) "
            "LEFT JOIN bank.transactions AS stored ON stored.transaction_id = sent.id "
            "WHERE stored.content_hash IS DISTINCT FROM sent.hash OR stored.removed_at IS NOT NULL"
        ),
        {"ids": [row.transaction_id for row in rows], "hashes": [row.content_hash for row in rows]},
    ).all()
    return {row.id for row in found if row.is_known}, {row.id for row in found}


def _stage(db: Connection, rows: Sequence[LedgerRow]) -> None:
    db.execute(text(_MAKE_STAGE))
    db.execute(text("TRUNCATE staged_transactions"))
    raw = db.connection.driver_connection
    if raw is None:
        raise RuntimeError("The database connection was closed while rows were being written.")
    with raw.cursor() as cursor, cursor.copy(_COPY_STAGE) as copy:
        for row in rows:
            copy.write_row((row.transaction_id, row.transaction_key, *row.facts, row.content_hash))


_MAKE_STAGE = f"""
CREATE TEMP TABLE IF NOT EXISTS staged_transactions ON COMMIT DROP AS
SELECT {", ".join(_STAGED)} FROM bank.transactions WITH NO DATA
"""  # noqa: S608 - column names are constants

_COPY_STAGE = f"COPY staged_transactions ({', '.join(_STAGED)}) FROM STDIN"

_UPSERT = f"""
INSERT INTO bank.transactions AS stored ({", ".join(_STAGED)}, round_id, first_seen_at, changed_at)
SELECT {", ".join(_STAGED)}, :round_id, :now, :now FROM staged_transactions
ON CONFLICT (transaction_id) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in (*FACTS, "content_hash"))},
    round_id = excluded.round_id, removed_at = NULL, removal_reason = NULL,
    version = stored.version + 1, changed_at = excluded.changed_at
"""  # noqa: S608 - column names are constants


_KEEP_VERSIONS = f"""
INSERT INTO bank.transaction_versions
    (transaction_id, version, {", ".join(_VERSIONED)}, known_from, known_until)
SELECT transaction_id, version, {", ".join(_VERSIONED)}, changed_at, :now
FROM bank.transactions
WHERE transaction_id = ANY(CAST(:ids AS text[])) AND (removed_at IS NULL OR NOT :only_live)
"""  # noqa: S608 - column names are constants


def _keep_versions(db: Connection, ids: Sequence[str], *, only_live: bool, now: datetime) -> None:
    """Copy rows to `transaction_versions` before they change."""
    db.execute(text(_KEEP_VERSIONS), {"ids": list(ids), "only_live": only_live, "now": now})


def remove_transactions(
    db: Connection, transaction_ids: Sequence[str], *, reason: str, round_id: int, now: datetime
) -> Written:
    """Tombstone live rows; unknown and already removed ids are passed over."""
    parameters: dict[str, Any] = {"ids": list(transaction_ids)}
    _keep_versions(db, transaction_ids, only_live=True, now=now)
    removed = db.execute(
        text(
            "UPDATE bank.transactions SET removed_at = :now, removal_reason = :reason, round_id = :round_id, "
            "version = version + 1, changed_at = :now "
            "WHERE transaction_id = ANY(CAST(:ids AS text[])) AND removed_at IS NULL"
        ),
        {**parameters, "now": now, "reason": reason, "round_id": round_id},
    ).rowcount
    return Written(removed=removed)


def missing_from_window(
    db: Connection, account_id: str, window: DateWindow, seen: Sequence[str]
) -> list[str]:
    """Live rows that a complete answer for the window should have named and did not.

    Pending rows count whatever their date: providers list all of them at every read.
    """
    return list(
        db.execute(
            text(
                "SELECT transaction_id FROM bank.transactions AS stored "
                "WHERE account_id = :account_id AND removed_at IS NULL AND superseded_by IS NULL "
                "AND (posting = 'pending' OR booked_on BETWEEN :first AND :last) "
                "AND NOT EXISTS (SELECT FROM unnest(CAST(:seen AS text[])) AS seen(id) "
                "WHERE seen.id = stored.transaction_id)"
            ),
            {"account_id": account_id, "first": window.first, "last": window.last, "seen": list(seen)},
        ).scalars()
    )


def ids_of_provider_transactions(
    db: Connection, connection_id: str, provider_transaction_ids: Sequence[str]
) -> list[str]:
    """Our ids of the rows a provider names by its own."""
    return list(
        db.execute(
            text(
                "SELECT transaction_id FROM bank.transactions WHERE connection_id = :connection_id "
                "AND provider_transaction_id = ANY(CAST(:ids AS text[]))"
            ),
            {"connection_id": connection_id, "ids": list(provider_transaction_ids)},
        ).scalars()
    )
