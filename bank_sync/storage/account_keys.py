"""By which keys the accounts of a connection were ever known.

Belongs here: `bank.account_keys`, and which of a connection's accounts a told one is. Does not belong here:
how a provider's answer becomes a key (its `wire`), accounts themselves (`storage.accounts`).

A key is what is left of an account when its id at the provider changes; it changes itself when the account is
renamed or an answer is garbled. Every key is kept: a later link may tell the account by any of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.models import AccountRecord
from bank_sync.storage.tables import account_keys


def known_keys(db: Connection, connection_id: str) -> dict[str, str]:
    """Key → account_id of a connection; of several keys of an account the one told last comes last."""
    query = select(account_keys.c.stable_key, account_keys.c.account_id).where(
        account_keys.c.connection_id == connection_id
    )
    rows = db.execute(query.order_by(account_keys.c.told_at, account_keys.c.stable_key))
    return {row[0]: row[1] for row in rows}


@dataclass(slots=True)
class KeyBook:
    """The keys of a connection while a list of its accounts is read; a key stands for one account alone."""

    connection_id: str
    _owners: dict[str, str]
    _present: dict[str, str]
    _told: Counter[str]

    @classmethod
    def open(cls, db: Connection, connection_id: str, records: Iterable[AccountRecord]) -> KeyBook:
        """The keys known so far, and those that the list tells."""
        owners = known_keys(db, connection_id)
        present = {account_id: key for key, account_id in owners.items()}
        return cls(connection_id, owners, present, Counter(one.stable_key for one in records))

    def key_of(self, record: AccountRecord) -> str:
        """What the record is looked for by; equal descriptions are told apart by their ids."""
        is_alone = self._told[record.stable_key] == 1
        return record.stable_key if is_alone else f"{record.stable_key}:{record.provider_account_id}"

    def owner_of(self, record: AccountRecord) -> str | None:
        """The account that was ever told by the record's key."""
        return self._owners.get(self.key_of(record))

    def is_present(self, record: AccountRecord) -> bool:
        """Whether an account was told by the record's key last; an older key may be another's by now."""
        key = self.key_of(record)
        return self._present.get(self._owners.get(key, "")) == key

    def note(self, db: Connection, account_id: str, record: AccountRecord, *, now: datetime) -> None:
        """Remember that the account was told by the record's key."""
        key = self._free_key(account_id, record)
        if self._present.get(account_id) == key:
            return
        self._present[account_id] = key
        told = insert(account_keys).values(
            connection_id=self.connection_id, stable_key=key, account_id=account_id, told_at=now
        )
        db.execute(told.on_conflict_do_update(index_elements=account_keys.primary_key, set_={"told_at": now}))

    def _free_key(self, account_id: str, record: AccountRecord) -> str:
        """The record's key, unless it stands for another account."""
        key = self.key_of(record)
        if self._owners.setdefault(key, account_id) != account_id:
            key = f"{record.stable_key}:{record.provider_account_id}"
            self._owners[key] = account_id
        return key
