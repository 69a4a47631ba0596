"""Accounts and the balances observed on them.

Belongs here: `bank.accounts` and `bank.balances`. Does not belong here: transactions (`storage.ledger`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, insert, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from bank_sync.domain.models import AccountRecord, AccountReference, AccountState, BalanceRecord
from bank_sync.storage.tables import accounts, balances

_DESCRIPTION = ("name", "official_name", "mask", "type", "subtype", "currency", "state")


def opaque_id(prefix: str, *parts: str) -> str:
    """An id that the same parts always give: 26 lower-case characters after the prefix."""
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode()[:26].lower()}"


def upsert_accounts(
    db: Connection, connection_id: str, records: Iterable[AccountRecord], *, now: datetime
) -> tuple[int, int]:
    """Store accounts by their stable key; returns (new, changed)."""
    new = changed = 0
    for record in records:
        inserted = _upsert_account(db, connection_id, record, now=now)
        new += inserted is True
        changed += inserted is False
    return new, changed


def _upsert_account(
    db: Connection, connection_id: str, record: AccountRecord, *, now: datetime
) -> bool | None:
    """True when new, False when changed, None when it was known just so."""
    described: dict[str, Any] = {name: getattr(record, name) for name in _DESCRIPTION}
    described["provider_account_id"] = record.provider_account_id
    statement = upsert(accounts).values(
        account_id=opaque_id("acc", connection_id, record.stable_key),
        connection_id=connection_id,
        stable_key=record.stable_key,
        first_seen_at=now,
        changed_at=now,
        **described,
    )
    differs = or_(*(accounts.c[name].is_distinct_from(statement.excluded[name]) for name in described))
    statement = statement.on_conflict_do_update(
        index_elements=["connection_id", "stable_key"],
        set_={**{name: statement.excluded[name] for name in described}, "changed_at": now},
        where=differs,
    )
    # xmax is 0 on a row this statement inserted
    is_new: bool | None = db.execute(statement.returning(literal_column("(xmax = 0)"))).scalar()
    return is_new


def close_missing(db: Connection, connection_id: str, seen_provider_ids: list[str], *, now: datetime) -> int:
    """Accounts that a complete list no longer names become inactive; their rows stay."""
    statement = update(accounts).where(
        accounts.c.connection_id == connection_id,
        accounts.c.provider_account_id.not_in(seen_provider_ids),
        accounts.c.state == AccountState.ACTIVE,
    )
    return db.execute(statement.values(state=AccountState.INACTIVE, changed_at=now)).rowcount


def account_references(db: Connection, connection_id: str) -> tuple[AccountReference, ...]:
    """The active accounts of a connection, as providers and readers need them."""
    query = (
        select(accounts.c.account_id, accounts.c.provider_account_id, accounts.c.type, accounts.c.currency)
        .where(accounts.c.connection_id == connection_id, accounts.c.state == AccountState.ACTIVE)
        .order_by(accounts.c.account_id)
    )
    return tuple(AccountReference(**row) for row in db.execute(query).mappings())


def observe_balance(
    db: Connection,
    connection_id: str,
    account_id: str,
    record: BalanceRecord,
    *,
    round_id: int,
    now: datetime,
) -> bool:
    """Note a balance; True when it is a new figure, False when the latest observation is confirmed."""
    latest = (
        select(balances)
        .where(
            balances.c.account_id == account_id,
            balances.c.balance_type == record.balance_type,
            balances.c.currency == record.currency,
        )
        .order_by(balances.c.as_of.desc(), balances.c.balance_id.desc())
        .limit(1)
        .subquery()
    )
    same = and_(
        balances.c.balance_id == latest.c.balance_id,
        balances.c.amount == record.amount,
        balances.c.provider_amount == record.provider_amount,
        balances.c.role.is_not_distinct_from(record.role),
        balances.c.reference_on.is_not_distinct_from(record.reference_on),
    )
    if db.execute(update(balances).where(same).values(confirmed_at=now)).rowcount:
        return False
    db.execute(
        insert(balances).values(
            connection_id=connection_id,
            account_id=account_id,
            balance_type=record.balance_type,
            role=record.role,
            amount=record.amount,
            provider_amount=record.provider_amount,
            currency=record.currency,
            reference_on=record.reference_on,
            round_id=round_id,
            as_of=now,
            confirmed_at=now,
        )
    )
    return True
