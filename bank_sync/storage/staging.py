"""One round's rows on their way into the ledger, in temporary tables.

Belongs here: the tables of a round and putting rows, removals and windows into them. Does not belong here:
keys (`sync.identity`), which stored transaction a staged row is (`storage.resolution`), writing transactions
(`storage.ledger`).

Table names are unqualified: `ledger.open_for_writing` sets the search path, and a replay shadows the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from bank_sync.domain.models import DateWindow

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

STORED = (*FACTS, "content_hash")
"""Columns a staged row shares with `transactions`."""

_COPIED = ("sequence", "page_id", "locator", "transaction_key", "fresh_id", "is_amendment", *STORED)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One transaction ready to be stored; `facts` in the order of `FACTS`.

    Attributes:
        fresh_id: its transaction_id, should it turn out to be new.
        is_amendment: the provider says that it changed a row it told before.
        page_id, locator: where it stands, for quarantine.
    """

    fresh_id: str
    transaction_key: str
    facts: tuple[Any, ...]
    content_hash: bytes
    page_id: int
    locator: str
    is_amendment: bool = False


IDENTITY = "coalesce(staged.transaction_id, staged.fresh_id)"
"""The transaction a staged row is: a stored one, else a new one."""


def prepare(db: Connection) -> None:
    """Make the round's temporary tables, empty."""
    for statement in _PREPARE:
        db.execute(text(statement))


_PREPARE = (
    "DROP TABLE IF EXISTS staged_transactions, staged_removals, staged_windows",
    f"""
    CREATE TEMP TABLE staged_transactions ON COMMIT DROP AS
    SELECT CAST(NULL AS bigint) AS sequence, CAST(NULL AS bigint) AS page_id, CAST(NULL AS text) AS locator,
        CAST(NULL AS text) AS transaction_key, CAST(NULL AS text) AS fresh_id,
        CAST(NULL AS boolean) AS is_amendment, {", ".join(STORED)},
        CAST(NULL AS text) AS transaction_id, CAST(NULL AS text) AS basis
    FROM transactions WITH NO DATA
    """,  # noqa: S608 - column names are constants
    "CREATE TEMP TABLE staged_removals (transaction_key text PRIMARY KEY, sequence bigint) ON COMMIT DROP",
    """
    CREATE TEMP TABLE staged_windows (account_id text PRIMARY KEY, first_on date, last_on date)
    ON COMMIT DROP
    """,
)

_COPY = f"COPY staged_transactions ({', '.join(_COPIED)}) FROM STDIN"


def stage_rows(db: Connection, rows: Sequence[LedgerRow], *, first_sequence: int) -> None:
    """Append rows of the round in their order."""
    raw = db.connection.driver_connection
    if raw is None:
        raise RuntimeError("The database connection was closed while rows were being written.")
    with raw.cursor() as cursor, cursor.copy(_COPY) as copy:
        for sequence, row in enumerate(rows, first_sequence):
            place = (sequence, row.page_id, row.locator, row.transaction_key, row.fresh_id, row.is_amendment)
            copy.write_row((*place, *row.facts, row.content_hash))


def stage_removals(db: Connection, keys: Iterable[str], *, sequence: int) -> None:
    """Note keys of rows that a page says are gone; rows from `sequence` on are told later than that."""
    statement = text(
        "INSERT INTO staged_removals SELECT DISTINCT unnest(CAST(:keys AS text[])), :sequence "
        "ON CONFLICT (transaction_key) DO UPDATE SET sequence = excluded.sequence"
    )
    db.execute(statement, {"keys": list(keys), "sequence": sequence})


def stage_window(db: Connection, account_id: str, window: DateWindow) -> None:
    """Note the dates for which this round names every row of an account."""
    statement = text("INSERT INTO staged_windows VALUES (:account_id, :first, :last) ON CONFLICT DO NOTHING")
    db.execute(statement, {"account_id": account_id, "first": window.first, "last": window.last})
