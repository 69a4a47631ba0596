"""Accounts and the balances observed on them.

Belongs here: `bank.accounts` and `bank.balances`. Does not belong here: transactions (`storage.ledger`).
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field
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

    An account is the stored one of the same id at the provider, else the one of the same stable key that no
    other record claims: a renewed link gives new ids, a renamed account a new key. Two accounts that nothing
    but their ids tells apart stay two.
    """
    stored = _stored_accounts(db, connection_id)
    by_id = {row["provider_account_id"]: row for row in stored}
    told_ids = {one.provider_account_id for one in records}
    by_key = {row["stable_key"]: row for row in stored if row["provider_account_id"] not in told_ids}
    names = _Names(connection_id, stored, Counter(one.stable_key for one in records))
    new = changed = 0
    for record in sorted(records, key=lambda one: one.provider_account_id not in by_id):
        known = by_id.get(record.provider_account_id) or by_key.pop(names.key_of(record), None)
        if known is None:
            _insert_account(db, connection_id, names, record, now=now)
            new += 1
        else:
            changed += _update_account(db, known, names, record, now=now)
    return new, changed


@dataclass(slots=True)
class _Names:
    """Stable keys and account ids of a connection, each of which may stand for one account alone."""

    connection_id: str
    stored: InitVar[Sequence[RowMapping]]
    told: Counter[str]
    _keys: dict[str, str] = field(init=False)
    _ids: set[str] = field(init=False)

    def __post_init__(self, stored: Sequence[RowMapping]) -> None:
        self._keys = {row["stable_key"]: row["account_id"] for row in stored}
        self._ids = {row["account_id"] for row in stored}

    def key_of(self, record: AccountRecord) -> str:
        """What the record is looked for by; equal descriptions are told apart by their ids."""
        is_alone = self.told[record.stable_key] == 1
        return record.stable_key if is_alone else f"{record.stable_key}:{record.provider_account_id}"

    def key_for(self, account_id: str, record: AccountRecord) -> str:
        """The key to store: the record's own, unless another account has it."""
        key = self.key_of(record)
        if self._keys.setdefault(key, account_id) != account_id:
            key = f"{record.stable_key}:{record.provider_account_id}"
            self._keys[key] = account_id
        return key

    def new_id(self, record: AccountRecord) -> str:
        """An account id, the same again for the same history."""
        key = self.key_of(record)
        account_id = opaque_id("acc", self.connection_id, key)
        if account_id in self._ids:
            account_id = opaque_id("acc", self.connection_id, key, record.provider_account_id)
        self._ids.add(account_id)
        return account_id


def _stored_accounts(db: Connection, connection_id: str) -> Sequence[RowMapping]:
    query = select(accounts).where(accounts.c.connection_id == connection_id)
    return db.execute(query.order_by(accounts.c.account_id)).mappings().all()


def _described(names: _Names, account_id: str, record: AccountRecord) -> dict[str, Any]:
    described: dict[str, Any] = {name: getattr(record, name) for name in _DESCRIPTION}
    return {**described, "stable_key": names.key_for(account_id, record)}


def _insert_account(
    db: Connection, connection_id: str, names: _Names, record: AccountRecord, *, now: datetime
) -> None:
    account_id = names.new_id(record)
    described = _described(names, account_id, record)
    whose = {"account_id": account_id, "connection_id": connection_id}
    db.execute(insert(accounts).values(**whose, **described, first_seen_at=now, changed_at=now))


def _update_account(
    db: Connection, known: RowMapping, names: _Names, record: AccountRecord, *, now: datetime
) -> bool:
    """True when anything about the account is different."""
    described = _described(names, known["account_id"], record)
    del described[
        "stable_key"
    ]  # the first one stays: a garbled answer must not rename what a re-link looks for
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


def stable_keys(db: Connection, connection_id: str) -> frozenset[str]:
    """What the accounts of a connection are recognised by after a re-link."""
    query = select(accounts.c.stable_key).where(accounts.c.connection_id == connection_id)
    return frozenset(db.execute(query).scalars())


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
