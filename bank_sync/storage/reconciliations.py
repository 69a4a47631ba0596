"""Proofs of money: what was concluded of each account.

Belongs here: `bank.reconciliations`. Does not belong here: what a proof is made of (`storage.readings`), what
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


def syncs_differing(db: Connection, connection_id: str) -> dict[str, int]:
    """How many syncs in a row did not explain the balance of an account, by account_id; none where it is."""
    found = [
        one
        for one in reconciliations_of(db, connection_id).values()
        if one.state == ReconciliationState.DIFFERS
    ]
    return {one.account_id: one.syncs_differing for one in found}


def store_reconciliations(db: Connection, proofs: Iterable[Reconciliation], *, now: datetime) -> None:
    """Replace what was concluded of each account and currency."""
    names = [column.name for column in _COLUMNS]
    rows = [{name: getattr(proof, name) for name in names} | {"checked_at": now} for proof in proofs]
    if not rows:
        return
    statement = insert(reconciliations)
    told = {name: statement.excluded[name] for name in (*names, "checked_at")}
    db.execute(statement.on_conflict_do_update(index_elements=["account_id", "currency"], set_=told), rows)


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
