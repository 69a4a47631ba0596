"""One round's rows on their way into the ledger, and which stored transaction each of them is.

Belongs here: the temporary tables of a round and the identity decisions made on them, as set operations in
SQL, so that a round of a million rows costs no memory of ours. Does not belong here: keys
(`sync.identity`), writing transactions (`storage.ledger`).

A staged row is, in this order: the stored row known by its key with the very same content; the stored row
known by its key, unless the two contradict each other; a stored row of equal content that this round should
have named and did not (its provider gave it a new id); else a new row. Two of one kind are told apart by
their order, so that two identical coffees stay two. A removal counts unless a later page names the row again.

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


@dataclass(frozen=True, slots=True)
class Conflict:
    """A staged row that claims the key of a stored row it has nothing in common with."""

    page_id: int
    locator: str
    account_id: str


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


def resolve(db: Connection, connection_id: str, *, generation: int) -> list[Conflict]:
    """Find out which stored transaction each staged row is; returns the rows that fit nowhere, unstaged."""
    db.execute(text(_KEEP_LAST_WORD))
    db.execute(text("ANALYZE staged_transactions"))
    stored = text("SELECT EXISTS (SELECT FROM transactions WHERE connection_id = :connection_id)")
    if not db.execute(stored, {"connection_id": connection_id}).scalar():
        return []
    db.execute(text(_CLAIM_EXACT))
    db.execute(text(_CLAIM_BY_KEY))
    db.execute(text(_ADOPT), {"generation": generation})
    found = db.execute(text(_TAKE_CONFLICTS)).mappings()
    return sorted((Conflict(**row) for row in found), key=lambda one: (one.page_id, one.locator))


def taken_ids(db: Connection) -> list[tuple[int, str, str]]:
    """(sequence, account_id, transaction_key) of new rows whose id already stands for another transaction."""
    found = db.execute(
        text(
            "SELECT sequence, account_id, transaction_key FROM staged_transactions AS staged "
            "WHERE transaction_id IS NULL AND EXISTS "
            "(SELECT FROM transactions AS stored WHERE stored.transaction_id = staged.fresh_id)"
        )
    )
    return [(row.sequence, row.account_id, row.transaction_key) for row in found]


def give_fresh_ids(db: Connection, fresh: dict[int, str]) -> None:
    """Other ids for new rows, by sequence."""
    if fresh:
        statement = text("UPDATE staged_transactions SET fresh_id = :fresh_id WHERE sequence = :sequence")
        db.execute(statement, [{"sequence": at, "fresh_id": one} for at, one in fresh.items()])


def compared_ids(db: Connection, *, generation: int) -> list[tuple[str, bool]]:
    """By account whose window was read before: whether most ids of its posted rows have changed since.

    To be asked after `resolve` and before the rows are written.
    """
    return [(row[0], row[1]) for row in db.execute(text(_COMPARE_IDS), {"generation": generation})]


_COMPARE_IDS = """
SELECT staged.account_id, 2 * count(*) FILTER (WHERE staged.basis = 'adopted') > count(*)
FROM staged_transactions AS staged
JOIN staged_windows USING (account_id)
JOIN transactions AS stored ON stored.transaction_id = staged.transaction_id
WHERE staged.posting = 'posted' AND staged.provider_transaction_id IS NOT NULL
    AND stored.provider_transaction_id IS NOT NULL AND stored.removed_at IS NULL
    AND EXISTS (
        SELECT FROM transaction_keys AS known
        WHERE known.transaction_id = stored.transaction_id AND known.generation = :generation
    )
GROUP BY staged.account_id
"""

# Told twice in one round: the later word wins.
_KEEP_LAST_WORD = """
DELETE FROM staged_transactions AS staged USING (
    SELECT sequence, row_number() OVER (
        PARTITION BY account_id, transaction_key ORDER BY sequence DESC
    ) AS place FROM staged_transactions
) AS ranked
WHERE ranked.sequence = staged.sequence AND ranked.place > 1
"""

_CLAIM_EXACT = """
UPDATE staged_transactions AS staged SET transaction_id = chosen.transaction_id, basis = 'exact'
FROM (
    SELECT DISTINCT ON (known.transaction_id) staged.sequence, known.transaction_id
    FROM staged_transactions AS staged
    JOIN transaction_keys AS known USING (account_id, transaction_key)
    JOIN transactions AS stored ON stored.transaction_id = known.transaction_id
    WHERE stored.content_hash = staged.content_hash
    ORDER BY known.transaction_id, known.generation DESC, known.round_id DESC, staged.sequence
) AS chosen
WHERE chosen.sequence = staged.sequence
"""

_DIFFERENCES = """
    (CAST(stored.amount <> staged.amount OR stored.currency <> staged.currency AS int)
    + CAST(stored.booked_on <> staged.booked_on AS int)
    + CAST(lower(stored.description) <> lower(staged.description) AS int))
"""

# A row that the provider amends, or whose posting changed, may differ in everything; another may not. One
# stored row may be known by several keys: the one named last speaks for it.
_CLAIM_BY_KEY = f"""
UPDATE staged_transactions AS staged SET transaction_id = chosen.transaction_id, basis = chosen.basis
FROM (
    SELECT DISTINCT ON (known.transaction_id) staged.sequence, known.transaction_id,
        CASE WHEN staged.is_amendment OR stored.posting <> staged.posting OR {_DIFFERENCES} <= 1 THEN 'key'
            WHEN {_DIFFERENCES} = 2 THEN 'doubtful' ELSE 'conflict' END AS basis
    FROM staged_transactions AS staged
    JOIN transaction_keys AS known USING (account_id, transaction_key)
    JOIN transactions AS stored ON stored.transaction_id = known.transaction_id
    WHERE staged.transaction_id IS NULL AND NOT EXISTS (
        SELECT FROM staged_transactions AS claimed WHERE claimed.transaction_id = known.transaction_id
    )
    ORDER BY known.transaction_id, known.generation DESC, known.round_id DESC, staged.sequence DESC
) AS chosen
WHERE chosen.sequence = staged.sequence
"""  # noqa: S608 - built from constants

_CONTENT = "account_id, posting, amount, currency, booked_on"

# Free are the rows this round should have named and did not: those of a completely read window, those the
# provider says are gone, those not seen since the link was renewed; and rows gone earlier, which come back.
# Of several equal ones the live come first. A doubtful claim on a row that another fits exactly gives way.
_ADOPT = f"""
WITH waiting AS (
    SELECT sequence, {_CONTENT}, lower(description) AS words,
        row_number() OVER (PARTITION BY {_CONTENT}, lower(description) ORDER BY sequence) AS place
    FROM staged_transactions WHERE transaction_id IS NULL OR basis IN ('doubtful', 'conflict')
), free AS (
    SELECT stored.transaction_id, {_CONTENT}, lower(stored.description) AS words,
        row_number() OVER (
            PARTITION BY {_CONTENT}, lower(stored.description)
            ORDER BY stored.removed_at DESC NULLS FIRST, stored.transaction_id
        ) AS place
    FROM transactions AS stored
    LEFT JOIN staged_windows AS complete USING (account_id)
    WHERE stored.account_id IN (SELECT account_id FROM waiting)
        AND stored.booked_on IN (SELECT booked_on FROM waiting)
        AND stored.superseded_by IS NULL
        AND NOT EXISTS (
            SELECT FROM staged_transactions AS claimed
            WHERE claimed.transaction_id = stored.transaction_id AND claimed.basis IN ('exact', 'key')
        )
        AND (
            stored.removed_at IS NOT NULL
            OR stored.booked_on BETWEEN complete.first_on AND complete.last_on
            OR (stored.posting = 'pending' AND complete.first_on IS NOT NULL)
            OR EXISTS (
                SELECT FROM transaction_keys AS known JOIN staged_removals USING (transaction_key)
                WHERE known.transaction_id = stored.transaction_id
            )
            OR NOT EXISTS (
                SELECT FROM transaction_keys AS known
                WHERE known.transaction_id = stored.transaction_id AND known.generation = :generation
            )
        )
), pairs AS (
    SELECT waiting.sequence, free.transaction_id
    FROM waiting JOIN free USING ({_CONTENT}, words, place)
), decided AS (
    SELECT sequence, transaction_id, 'adopted' AS basis FROM pairs
    UNION ALL
    SELECT staged.sequence, NULL, NULL
    FROM staged_transactions AS staged JOIN pairs USING (transaction_id)
    WHERE staged.sequence NOT IN (SELECT sequence FROM pairs)
)
UPDATE staged_transactions AS staged
SET transaction_id = decided.transaction_id, basis = decided.basis
FROM decided WHERE decided.sequence = staged.sequence
"""  # noqa: S608 - built from constants

# A correction in two of three respects is taken at its word; a contradiction in all is not.
_TAKE_CONFLICTS = """
DELETE FROM staged_transactions WHERE basis = 'conflict' RETURNING page_id, locator, account_id
"""
