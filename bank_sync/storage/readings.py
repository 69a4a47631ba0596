"""What a proof of money is made of: how the newest reads went, and each account's balance and sum.

Belongs here: reading it. Does not belong here: what is concluded from it (`sync.reconcile`) and where that is
kept (`storage.reconciliations`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, text


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
