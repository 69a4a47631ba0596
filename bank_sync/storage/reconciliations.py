"""Proofs of money: what is known of an account's balance and flows, and what was concluded.

Belongs here: reading what a proof needs and writing `bank.reconciliations`. Does not belong here: what
follows from it (`sync.reconcile`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ReconciliationState
from bank_sync.storage.tables import reconciliations


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One row of `bank.reconciliations`: `closing_amount - opening_amount - flows = difference`.

    Attributes:
        opening_total: sum of the ledger's posted rows at the opening, from which later flows are counted.
        opening_generation: of the connection at the opening; another one starts the proof again.
        syncs_differing: how many syncs in a row did not add up.
    """

    account_id: str
    currency: str
    connection_id: str
    state: ReconciliationState
    reason: str
    opening_amount: Decimal | None = None
    opening_as_of: datetime | None = None
    opening_total: Decimal | None = None
    opening_generation: int | None = None
    flows: Decimal | None = None
    closing_amount: Decimal | None = None
    closing_as_of: datetime | None = None
    difference: Decimal | None = None
    syncs_differing: int = 0


@dataclass(frozen=True, slots=True)
class ReadState:
    """How the newest reads of a connection went.

    Attributes:
        transactions_at, balances_at: when the newest rounds were read; None when there are none.
        is_history_loading: the provider has not told all of the history yet.
        waiting: rounds that the ledger does not reflect yet, held ones among them.
        quarantined: transactions that could not be read.
        failed_part: a part whose newest attempt failed.
    """

    generation: int
    transactions_round: int | None
    transactions_at: datetime | None
    balances_at: datetime | None
    is_history_loading: bool
    waiting: int
    quarantined: int
    failed_part: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One account and currency after the newest sync.

    Attributes:
        is_read: the newest round of transactions covers this account completely.
        amount: the current balance that the newest round of balances confirmed; None when it did not.
        total: sum of the ledger's live posted rows.
    """

    account_id: str
    account_type: str
    account_state: str
    currency: str
    is_read: bool
    balance_type: str | None
    amount: Decimal | None
    total: Decimal


@dataclass(frozen=True, slots=True)
class ReconciliationCounts:
    """Accounts of a connection by what was concluded; `differing` names those that differ again and again."""

    proven: int
    unknown: int
    differing_once: int
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProofOverview:
    """One account and currency for display."""

    account_id: str
    name: str
    institution: str
    currency: str
    state: str
    reason: str
    opening_amount: Decimal | None
    opening_as_of: datetime | None
    flows: Decimal | None
    closing_amount: Decimal | None
    closing_as_of: datetime | None
    difference: Decimal | None


_COLUMNS = [reconciliations.c[field.name] for field in fields(Reconciliation)]


def reconciliations_of(db: Connection, connection_id: str) -> dict[tuple[str, str], Reconciliation]:
    """What was concluded last, by account_id and currency."""
    query = select(*_COLUMNS).where(reconciliations.c.connection_id == connection_id)
    found = [Reconciliation(**row) for row in db.execute(query).mappings()]
    return {(one.account_id, one.currency): one for one in found}


def reconciliation_counts(db: Connection, connection_id: str) -> ReconciliationCounts:
    """How many accounts are proven, unknown, differ for the first time, or differ again."""
    found = list(reconciliations_of(db, connection_id).values())
    states = Counter(one.state for one in found)
    again = [
        one.account_id
        for one in found
        if one.state == ReconciliationState.DIFFERS and one.syncs_differing > 1
    ]
    return ReconciliationCounts(
        proven=states[ReconciliationState.PROVEN],
        unknown=states[ReconciliationState.UNKNOWN],
        differing_once=states[ReconciliationState.DIFFERS] - len(again),
        differing=tuple(sorted(again)),
    )


def store_reconciliations(db: Connection, proofs: Iterable[Reconciliation], *, now: datetime) -> None:
    """Replace what was concluded of each account and currency."""
    for proof in proofs:
        values = {column.name: getattr(proof, column.name) for column in _COLUMNS} | {"checked_at": now}
        statement = insert(reconciliations).values(**values)
        db.execute(statement.on_conflict_do_update(index_elements=["account_id", "currency"], set_=values))


def forget_opening(db: Connection, account_id: str, *, now: datetime) -> str:
    """Have the proof of an account start again; returns its connection_id.

    Raises:
        NotFound: there is no proof of this account.
    """
    statement = update(reconciliations).where(reconciliations.c.account_id == account_id)
    forgotten = statement.values(
        state=ReconciliationState.UNKNOWN,
        reason="A person started the proof again: the next sync gives it an opening.",
        **dict.fromkeys(_FORGOTTEN),
        syncs_differing=0,
        checked_at=now,
    )
    connection_id: str | None = db.execute(forgotten.returning(reconciliations.c.connection_id)).scalar()
    if connection_id is None:
        raise NotFound(f"There is no proof of account {account_id!r}. List them with `bank-sync accounts`.")
    return connection_id


_FORGOTTEN = (
    "opening_amount",
    "opening_as_of",
    "opening_total",
    "opening_generation",
    "flows",
    "closing_amount",
    "closing_as_of",
    "difference",
)


def read_state(db: Connection, connection_id: str) -> ReadState:
    """How the newest reads of a connection went."""
    row = db.execute(text(_READ_STATE), {"connection_id": connection_id}).mappings().one()
    return ReadState(**row)


_READ_STATE = """
WITH newest AS (
    SELECT DISTINCT ON (part) part, round_id, fetched_at, history_state FROM raw.rounds
    WHERE connection_id = :connection_id ORDER BY part, round_id DESC
), attempts AS (
    SELECT DISTINCT ON (part) part, outcome FROM bank.sync_attempts
    WHERE connection_id = :connection_id ORDER BY part, attempt_id DESC
)
SELECT c.generation, t.round_id AS transactions_round, t.fetched_at AS transactions_at,
    b.fetched_at AS balances_at, coalesce(t.history_state <> 'complete', false) AS is_history_loading,
    (SELECT count(*) FROM raw.rounds AS r
        WHERE r.connection_id = :connection_id AND r.projected_at IS NULL) AS waiting,
    (SELECT count(*) FROM bank.quarantine AS q JOIN raw.pages AS p USING (page_id)
        WHERE q.connection_id = :connection_id AND q.resolved_at IS NULL
        AND p.part = 'transactions') AS quarantined,
    (SELECT min(part) FROM attempts
        WHERE outcome = 'failed' AND part IN ('balances', 'transactions')) AS failed_part
FROM bank.connections AS c
LEFT JOIN newest AS t ON t.part = 'transactions'
LEFT JOIN newest AS b ON b.part = 'balances'
WHERE c.connection_id = :connection_id
"""


def readings(db: Connection, connection_id: str, state: ReadState) -> list[Reading]:
    """Every account and currency of a connection that has a balance or a posted row."""
    values = {
        "connection_id": connection_id,
        "round_id": state.transactions_round,
        "balances_at": state.balances_at,
    }
    return [Reading(**row) for row in db.execute(text(_READINGS), values).mappings()]


# A posted row counts although another took its place, unless that one is posted to the same account: the same
# money seen through two connections moved both accounts we know.
_READINGS = """
WITH totals AS (
    SELECT t.account_id, t.currency, sum(t.amount) AS total FROM bank.transactions AS t
    WHERE t.connection_id = :connection_id AND t.posting = 'posted' AND t.removed_at IS NULL
        AND NOT EXISTS (
            SELECT FROM bank.transactions AS instead
            WHERE instead.transaction_id = t.superseded_by AND instead.account_id = t.account_id
                AND instead.posting = 'posted' AND instead.removed_at IS NULL
        )
    GROUP BY t.account_id, t.currency
), current_balances AS (
    SELECT DISTINCT ON (b.account_id, b.currency)
        b.account_id, b.currency, b.amount, b.balance_type, b.confirmed_at
    FROM bank.balances AS b
    WHERE b.connection_id = :connection_id AND b.role = 'current'
    ORDER BY b.account_id, b.currency, b.confirmed_at DESC, b.balance_id DESC
), known AS (
    SELECT account_id, currency, total, balance_type, amount, confirmed_at
    FROM totals FULL JOIN current_balances USING (account_id, currency)
)
SELECT a.account_id, a.type AS account_type, a.state AS account_state, k.currency,
    EXISTS (
        SELECT FROM raw.pages AS p WHERE p.round_id = :round_id AND (
            p.provider_account_id IS NULL
            OR (p.provider_account_id = a.provider_account_id AND p.window_first IS NOT NULL)
        )
    ) AS is_read,
    k.balance_type,
    CASE WHEN k.confirmed_at >= CAST(:balances_at AS timestamptz) THEN k.amount END AS amount,
    coalesce(k.total, 0) AS total
FROM known AS k
JOIN bank.accounts AS a USING (account_id)
ORDER BY a.account_id, k.currency
"""


def proofs_overview(db: Connection, connection_id: str | None = None) -> list[ProofOverview]:
    """What was concluded of each account, of one connection or of all; never looked at is unknown."""
    rows = db.execute(text(_OVERVIEW), {"connection_id": connection_id}).mappings()
    return [ProofOverview(**row) for row in rows]


_OVERVIEW = """
SELECT a.account_id, a.name, c.institution_name AS institution, coalesce(r.currency, a.currency) AS currency,
    coalesce(r.state, 'unknown') AS state, coalesce(r.reason, 'Not synced yet.') AS reason, r.opening_amount,
    r.opening_as_of, r.flows, r.closing_amount, r.closing_as_of, r.difference
FROM bank.accounts AS a
JOIN bank.connections AS c USING (connection_id)
LEFT JOIN bank.reconciliations AS r USING (account_id)
WHERE a.connection_id = coalesce(:connection_id, a.connection_id)
ORDER BY c.linked_at, a.name, a.account_id, r.currency
"""
