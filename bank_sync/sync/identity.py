"""Keys: what makes two readings the same transaction.

Belongs here: the transaction key, the content hash, our ids, and when an account's provider ids are no longer
believed. Pure. Does not belong here: which stored row a staged one is (`storage.staging`), links between
different transactions (`storage.links`).

Where the provider gives an id, it is the key. Where it gives none, or is known to change its ids, the
canonical content is, together with an occurrence number, so that two identical coffees on one day stay two.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bank_sync.domain.models import KeyBasis, TransactionRecord
from bank_sync.storage.accounts import opaque_id
from bank_sync.storage.staging import FACTS, LedgerRow

_LEAST_READS_WITH_CHANGED_IDS = 2  # a bank may renew its ids once, when its connection is migrated
_LEAST_SHARE_OF_READS = 0.25


def basis_by_evidence(reads_compared: int, reads_changed: int) -> KeyBasis:
    """Whether an account's ids can still be believed after overlapping reads were compared."""
    often = reads_changed >= _LEAST_READS_WITH_CHANGED_IDS
    if often and reads_changed >= _LEAST_SHARE_OF_READS * reads_compared:
        return KeyBasis.CONTENT
    return KeyBasis.PROVIDER_ID


@dataclass(slots=True)
class Keyring:
    """Gives each row of one round its key; counts occurrences of rows without a believed id.

    Args:
        bases: what the rows of an account are recognised by; the provider's ids where it is not named.
    """

    bases: Mapping[str, KeyBasis] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def keyed(
        self, connection_id: str, account_id: str, record: TransactionRecord, page_id: int, locator: str
    ) -> LedgerRow:
        """A record as the ledger stages it; the same record always gives the same bytes."""
        if self.bases.get(account_id) is KeyBasis.CONTENT and record.provider_transaction_id is not None:
            record = replace(record, provider_transaction_id=None)
        key = self._key_of(account_id, record)
        facts = tuple(_fact(name, connection_id, account_id, record) for name in FACTS)
        digest = hashlib.blake2b("\x1f".join(map(_canonical, facts)).encode(), digest_size=16)
        return LedgerRow(
            fresh_id=transaction_id(account_id, key),
            transaction_key=key,
            facts=facts,
            content_hash=digest.digest(),
            page_id=page_id,
            locator=locator,
            is_amendment=record.is_amendment,
        )

    def _key_of(self, account_id: str, record: TransactionRecord) -> str:
        if record.provider_transaction_id is not None:
            return provider_key(record.provider_transaction_id)
        content = _content_key(record)
        within_account = f"{account_id}\x00{content}"
        self._seen[within_account] += 1
        return f"content:{content}:{self._seen[within_account]}"


def provider_key(provider_transaction_id: str) -> str:
    """The key of a row that the provider names."""
    return f"id:{provider_transaction_id}"


def transaction_id(account_id: str, key: str, *more: str) -> str:
    """Our id of a new transaction; `more` tells apart one whose key stood for another before."""
    return opaque_id("txn", account_id, key, *more)


def _content_key(record: TransactionRecord) -> str:
    text = " ".join(record.description.casefold().split())
    parts = (record.booked_on.isoformat(), f"{record.amount:f}", record.currency, record.posting, text)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def _fact(name: str, connection_id: str, account_id: str, record: TransactionRecord) -> Any:
    if name == "connection_id":
        return connection_id
    if name == "account_id":
        return account_id
    return getattr(record, name)


def _canonical(value: object) -> str:
    """Text that differs whenever the value does; a missing value is not an empty one."""
    return "\x00" if value is None else str(value)
