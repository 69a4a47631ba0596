"""Accounts and the balances observed on them.

Belongs here: `bank.accounts` and `bank.balances`. Does not belong here: transactions (`storage.ledger`), what
an account is recognised by (`storage.account_keys`).
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from bank_sync.domain.models import (
    AccountRecord,
    AccountReference,
    AccountState,
    BalanceRecord,
    KeyBasis,
)
from bank_sync.storage.account_keys import KeyBook
from bank_sync.storage.tables import accounts, balances

_DESCRIPTION = (
    "provider_account_id",
    "name",
    "official_name",
    "mask",
    "type",
    "subtype",
    "currency",
    "state",
)


def opaque_id(prefix: str, *parts: str) -> str:
    """An id that the same parts always give: 26 lower-case characters after the prefix."""
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode()[:26].lower()}"


def upsert_accounts(
    db: Connection, connection_id: str, records: Sequence[AccountRecord], *, now: datetime
) -> tuple[int, int]:
    """Store accounts; returns (new, changed).

    An account is the stored one of the same id at the provider, else the one that was ever told by the same
    key, else the only one of the same last characters, type and currency, where no other record claims it: a
    renewed link gives new ids, a renamed account a new key. What only ids tell apart stays two.
    """
    stored = _stored_accounts(db, connection_id)
    keys = KeyBook.open(db, connection_id, records)
    claims = _claims(stored, records, keys)
    taken = {row["account_id"] for row in stored}
    new = changed = 0
    for record in sorted(records, key=lambda one: one.provider_account_id not in claims):
        known = claims.get(record.provider_account_id)
        if known is None:
            account_id = _new_id(connection_id, keys.key_of(record), record, taken)
            _insert_account(db, connection_id, account_id, record, now=now)
            new += 1
        else:
            account_id = known["account_id"]
            changed += _update_account(db, known, record, now=now)
        keys.note(db, account_id, record, now=now)
    return new, changed


def _claims(
    stored: Sequence[RowMapping], records: Sequence[AccountRecord], keys: KeyBook
) -> dict[str, RowMapping]:
    """Which stored account each record is, by the record's id; what is left out is new."""
    told = {one.provider_account_id for one in records}
    claims = {row["provider_account_id"]: row for row in stored if row["provider_account_id"] in told}
    free = {row["account_id"]: row for row in stored if row["provider_account_id"] not in told}
    for record in sorted(records, key=lambda one: not keys.is_present(one)):
        if record.provider_account_id not in claims and (its := keys.owner_of(record)) in free:
            claims[record.provider_account_id] = free.pop(its)
    rest = [one for one in records if one.provider_account_id not in claims]
    return claims | _alike(rest, list(free.values()))


def _alike(records: Sequence[AccountRecord], stored: Sequence[RowMapping]) -> dict[str, RowMapping]:
    """The record and the account of which each looks like the other alone."""
    told = Counter((one.mask, one.type, one.currency) for one in records)
    theirs = [(row["mask"], row["type"], row["currency"]) for row in stored]
    one_each = {
        outline: row
        for outline, row in zip(theirs, stored, strict=True)
        if outline[0] and theirs.count(outline) == told[outline] == 1
    }
    found = {one.provider_account_id: one_each.get((one.mask, one.type, one.currency)) for one in records}
    return {name: row for name, row in found.items() if row is not None}


def _new_id(connection_id: str, key: str, record: AccountRecord, taken: set[str]) -> str:
    """An account id, the same again for the same history."""
    account_id = opaque_id("acc", connection_id, key)
    if account_id in taken:
        account_id = opaque_id("acc", connection_id, key, record.provider_account_id)
    taken.add(account_id)
    return account_id


def _stored_accounts(db: Connection, connection_id: str) -> Sequence[RowMapping]:
    query = select(accounts).where(accounts.c.connection_id == connection_id)
    return db.execute(query.order_by(accounts.c.account_id)).mappings().all()


def _described(record: AccountRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _DESCRIPTION}


def _insert_account(
    db: Connection, connection_id: str, account_id: str, record: AccountRecord, *, now: datetime
) -> None:
    whose = {"account_id": account_id, "connection_id": connection_id}
    db.execute(insert(accounts).values(**whose, **_described(record), first_seen_at=now, changed_at=now))


def _update_account(db: Connection, known: RowMapping, record: AccountRecord, *, now: datetime) -> bool:
    """True when anything about the account is different."""
    described = _described(record)
    if all(known[name] == value for name, value in described.items()):
        return False
    its_row = update(accounts).where(accounts.c.account_id == known["account_id"])
    db.execute(its_row.values(**described, changed_at=now))
    return True


def close_missing(db: Connection, connection_id: str, seen_provider_ids: list[str], *, now: datetime) -> int:
    """Accounts that a complete list no longer names become inactive; their rows stay."""
    statement = update(accounts).where(
        accounts.c.connection_id == connection_id,
        accounts.c.provider_account_id.not_in(seen_provider_ids),
        accounts.c.state == AccountState.ACTIVE,
    )
    return db.execute(statement.values(state=AccountState.INACTIVE, changed_at=now)).rowcount


def account_references(
    db: Connection, connection_id: str, *, only_active: bool = True
) -> tuple[AccountReference, ...]:
    """The accounts of a connection as providers and readers need them: those to ask for, or all."""
    columns = [accounts.c[name] for name in AccountReference.__slots__]
    query = select(*columns).where(accounts.c.connection_id == connection_id)
    if only_active:
        query = query.where(accounts.c.state == AccountState.ACTIVE)
    found = db.execute(query.order_by(accounts.c.account_id)).mappings()
    return tuple(AccountReference(**row) for row in found)


def outlines(db: Connection, connection_id: str) -> frozenset[tuple[str | None, str]]:
    """(last characters, currency) of the accounts of a connection: too little to know them, enough to ask."""
    query = select(accounts.c.mask, accounts.c.currency).where(
        accounts.c.connection_id == connection_id, accounts.c.mask.is_not(None)
    )
    return frozenset((row[0], row[1]) for row in db.execute(query))


def count_id_reading(db: Connection, account_id: str, *, is_changed: bool) -> tuple[int, int]:
    """Count one more overlapping reading; returns (readings compared, readings whose ids had changed)."""
    counted = update(accounts).where(accounts.c.account_id == account_id)
    counted = counted.values(
        ids_compared=accounts.c.ids_compared + 1, ids_changed=accounts.c.ids_changed + int(is_changed)
    )
    row = db.execute(counted.returning(accounts.c.ids_compared, accounts.c.ids_changed)).one()
    return row[0], row[1]


def set_key_basis(db: Connection, account_id: str, basis: KeyBasis) -> None:
    """From now on an account's rows are recognised by that."""
    db.execute(update(accounts).where(accounts.c.account_id == account_id).values(key_basis=basis))


def observe_balances(
    db: Connection,
    connection_id: str,
    records: Sequence[tuple[str, BalanceRecord]],
    *,
    round_id: int,
    now: datetime,
) -> int:
    """Note balances, each with its account_id; one that the latest observation says too is confirmed.

    Returns:
        How many are new figures.
    """
    latest = _latest_balances(db, {account_id for account_id, _ in records})
    confirmed: list[int] = []
    new: list[dict[str, object]] = []
    for account_id, record in records:
        kind = (account_id, record.balance_type, record.currency)
        figure = (record.amount, record.provider_amount, record.role, record.reference_on)
        known_id, known = latest.get(kind, (None, None))
        if figure != known:
            values: dict[str, object] = dict(zip((*_KIND, *_FIGURE), (*kind, *figure), strict=True))
            new.append(values)
            latest[kind] = (None, figure)
        elif known_id is not None:
            confirmed.append(known_id)
    if confirmed:
        again = update(balances).where(balances.c.balance_id.in_(confirmed))
        db.execute(again.values(confirmed_at=now))
    if new:
        told = {"connection_id": connection_id, "round_id": round_id, "as_of": now, "confirmed_at": now}
        db.execute(insert(balances), [values | told for values in new])
    return len(new)


_KIND = ("account_id", "balance_type", "currency")
_FIGURE = ("amount", "provider_amount", "role", "reference_on")


def _latest_balances(
    db: Connection, account_ids: Iterable[str]
) -> dict[tuple[str, str, str], tuple[int | None, tuple[object, ...] | None]]:
    """The latest observation of each kind: its id and its figure."""
    kind = [balances.c[name] for name in _KIND]
    query = (
        select(balances)
        .where(balances.c.account_id.in_(sorted(account_ids)))
        .order_by(*kind, balances.c.as_of.desc(), balances.c.balance_id.desc())
        .ext(distinct_on(*kind))
    )
    return {
        (row.account_id, row.balance_type, row.currency): (
            row.balance_id,
            (row.amount, row.provider_amount, row.role, row.reference_on),
        )
        for row in db.execute(query)
    }
