"""Keys: what makes two readings the same transaction.

Belongs here: the transaction key, the content hash and our ids. Pure. Does not belong here: links between
different transactions (`storage.links`).

Where the provider gives an id, it is the key. Where it gives none, the canonical content is, together with an
occurrence number, so that two identical coffees on one day stay two rows.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from bank_sync.domain.models import TransactionRecord
from bank_sync.storage.accounts import opaque_id
from bank_sync.storage.ledger import FACTS, LedgerRow


@dataclass(slots=True)
class Keyring:
    """Gives each row of one round its key; counts occurrences of rows without an id."""

    _seen: Counter[str] = field(default_factory=Counter)

    def key_of(self, account_id: str, record: TransactionRecord) -> str:
        """`id:…` where the provider names the row, else `content:…:occurrence`."""
        if record.provider_transaction_id is not None:
            return f"id:{record.provider_transaction_id}"
        content = _content_key(record)
        within_account = f"{account_id}\x00{content}"
        self._seen[within_account] += 1
        return f"content:{content}:{self._seen[within_account]}"


def _content_key(record: TransactionRecord) -> str:
    text = " ".join(record.description.casefold().split())
    parts = (record.booked_on.isoformat(), f"{record.amount:f}", record.currency, record.posting, text)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]


def ledger_row(connection_id: str, account_id: str, key: str, record: TransactionRecord) -> LedgerRow:
    """A record with its key as the ledger stores it; the same record always gives the same bytes."""
    facts = tuple(_fact(name, connection_id, account_id, record) for name in FACTS)
    digest = hashlib.blake2b("\x1f".join(_canonical(value) for value in facts).encode(), digest_size=16)
    return LedgerRow(
        transaction_id=opaque_id("txn", account_id, key),
        transaction_key=key,
        facts=facts,
        content_hash=digest.digest(),
    )


def _fact(name: str, connection_id: str, account_id: str, record: TransactionRecord) -> Any:
    if name == "connection_id":
        return connection_id
    if name == "account_id":
        return account_id
    return getattr(record, name)


def _canonical(value: object) -> str:
    """Text that differs whenever the value does; a missing value is not an empty one."""
    return "\x00" if value is None else str(value)
