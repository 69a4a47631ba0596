"""What a person wants to see of the connections at a glance.

Belongs here: read-only queries that join several things for display. Does not belong here: anything a
decision is based on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, text

from bank_sync.domain.errors import NotFound


@dataclass(frozen=True, slots=True)
class ConnectionOverview:
    """One connection; `transactions` counts live rows."""

    connection_id: str
    provider: str
    institution: str
    state: str
    sync_state: str
    error_code: str | None
    error_recovery: str | None
    accounts: int
    transactions: int
    last_synced_at: datetime | None
    next_sync_at: datetime
    next_sync_reason: str | None


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """One account with its current balance in our sign, NULL where none is known."""

    account_id: str
    name: str
    mask: str | None
    type: str
    subtype: str | None
    state: str
    current: Decimal | None
    currency: str
    transactions: int
    oldest_on: date | None
    newest_on: date | None


@dataclass(frozen=True, slots=True)
class AttemptOverview:
    """One attempt to read one part of a connection."""

    part: str
    outcome: str
    error_code: str | None
    finished_at: datetime
    run_id: str | None


_CONNECTIONS = """
SELECT c.connection_id, c.provider, c.institution_name AS institution, c.state, c.sync_state, c.error_code,
    c.error_recovery, c.last_synced_at, c.next_sync_at, c.next_sync_reason,
    (SELECT count(*) FROM bank.accounts AS a WHERE a.connection_id = c.connection_id) AS accounts,
    (SELECT count(*) FROM bank.transactions AS t WHERE t.connection_id = c.connection_id
        AND t.removed_at IS NULL AND t.superseded_by IS NULL) AS transactions
FROM bank.connections AS c
ORDER BY c.linked_at, c.connection_id
"""

_ACCOUNTS = """
SELECT a.account_id, a.name, a.mask, a.type, a.subtype, a.state, b.amount AS current, a.currency,
    count(t.transaction_id) AS transactions, min(t.booked_on) AS oldest_on, max(t.booked_on) AS newest_on
FROM bank.accounts AS a
LEFT JOIN LATERAL (
    SELECT amount FROM bank.balances WHERE account_id = a.account_id AND role = 'current'
    ORDER BY as_of DESC, balance_id DESC LIMIT 1
) AS b ON true
LEFT JOIN bank.transactions AS t
    ON t.account_id = a.account_id AND t.removed_at IS NULL AND t.superseded_by IS NULL
WHERE a.connection_id = :connection_id
GROUP BY a.account_id, b.amount
ORDER BY a.name, a.account_id
"""

_ATTEMPTS = """
SELECT part, outcome, error_code, finished_at, run_id FROM bank.sync_attempts
WHERE connection_id = :connection_id ORDER BY finished_at DESC, attempt_id DESC LIMIT 9
"""


def overview(db: Connection) -> list[ConnectionOverview]:
    """All connections, oldest link first."""
    return [ConnectionOverview(**row) for row in db.execute(text(_CONNECTIONS)).mappings()]


def accounts_of(db: Connection, connection_id: str) -> list[AccountOverview]:
    """The accounts of a connection by name."""
    rows = db.execute(text(_ACCOUNTS), {"connection_id": connection_id}).mappings()
    return [AccountOverview(**row) for row in rows]


def newest_attempts(db: Connection, connection_id: str) -> list[AttemptOverview]:
    """The newest attempts of a connection, newest first."""
    rows = db.execute(text(_ATTEMPTS), {"connection_id": connection_id}).mappings()
    return [AttemptOverview(**row) for row in rows]


def resolve_connection(db: Connection, part_of_id: str) -> str:
    """The connection_id that a person means by a full id or the start or end of one.

    Raises:
        NotFound: none or several connections fit.
    """
    ids = [one.connection_id for one in overview(db)]
    fitting = [one for one in ids if one.startswith(part_of_id) or one.endswith(part_of_id)]
    if part_of_id in ids:
        return part_of_id
    if len(fitting) != 1:
        many = "Several connections fit" if fitting else "There is no connection"
        raise NotFound(f"{many} {part_of_id!r}. List them with `bank-sync connections list`.")
    return fitting[0]
