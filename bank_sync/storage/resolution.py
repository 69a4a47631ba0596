"""Which stored transaction each staged row is.

Belongs here: the identity decisions on a staged round, as set operations in SQL, so that a round of a million
rows costs no memory of ours. Does not belong here: staging (`storage.staging`), keys (`sync.identity`),
writing transactions (`storage.ledger`).

A staged row is, in this order: the stored row known by its key with the very same content; the stored row
known by its key, unless the two contradict each other; a stored row of equal content that this round should
have named and did not (its provider gave it a new id); else a new row. Two of one kind are told apart by
their order, so that two identical coffees stay two. A removal counts unless a later page names the row again.

Table names are unqualified: `ledger.open_for_writing` sets the search path, and a replay shadows the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Conflict:
    """A staged row that claims the key of a stored row it has nothing in common with."""

    page_id: int
    locator: str
    account_id: str


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

# Free are the rows this round should have named and did not: those of a completely read account, those the
# provider says are gone, those not seen since the link was renewed; and rows gone earlier, which come back.
# Answers hold rows older than the window that was asked for, so only the dates of the waiting rows bound it.
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
            OR stored.booked_on <= complete.last_on
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
