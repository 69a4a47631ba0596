"""Quarantine: rows that could not be read get another chance.

Belongs here: reading stored pages again with today's readers and accounts, and applying what is readable now
unless a later round told otherwise meanwhile. Does not belong here: asking the provider again
(`storage.asking_again`), putting rows aside (`sync.rounds`).

A row applied late carries the time of the round that told it, as if it had been read then: a replay, which
reads every page with today's readers, comes to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import Connection

from bank_sync.domain.models import (
    AccountReference,
    DateWindow,
    Part,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.providers.base import Provider
from bank_sync.services import Services
from bank_sync.storage import connections, ledger, quarantined, raw_pages
from bank_sync.storage.accounts import account_references
from bank_sync.storage.database import transaction
from bank_sync.storage.quarantined import Waiting
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.sync.identity import Keyring, provider_key
from bank_sync.sync.rounds import Item, RoundProjection

_BETWEEN_TRIES = timedelta(hours=6)  # a new release or a new account is what helps; neither comes hourly
_MOST_ROWS = 1_000  # of one automatic retry, which stands before every projection
_CONFLICT = "identity_conflict"

_Keyed = tuple[TransactionRecord | TransactionRemoval, tuple[str, str]]
"""An item and its (account_id, transaction_key)."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of rows in quarantine."""

    applied: int = 0
    overtaken: int = 0
    waiting: int = 0

    def __add__(self, other: Retried) -> Retried:
        return Retried(
            self.applied + other.applied, self.overtaken + other.overtaken, self.waiting + other.waiting
        )


def retry_quarantine(services: Services, connection_id: str, *, only_due: bool = False) -> Retried:
    """Read the pages of a connection's waiting rows again; `only_due` passes over those tried lately."""
    now = services.clock()
    with transaction(services.engine) as db:
        since = now - _BETWEEN_TRIES if only_due else None
        rows = quarantined.waiting_rows(
            db, connection_id, untried_since=since, most=_MOST_ROWS if only_due else None
        )
    if not rows:
        return Retried()
    with transaction(services.engine) as db:
        ledger.open_for_writing(db, connection_id)
        connection = connections.get_connection(db, connection_id)
        provider = services.provider(connection.provider)
        return retry_rows(db, provider, rows, generation=connection.generation, now=now)


def retry_rows(
    db: Connection, provider: Provider, rows: Sequence[Waiting], *, generation: int, now: datetime
) -> Retried:
    """Try rows of one connection again; `db` was opened for writing, `generation` is the connection's."""
    work = _Retry(db, provider, generation, now)
    pages = groupby(rows, key=lambda row: row.page_id)
    return sum((work.page(list(of_page)) for _, of_page in pages), Retried())


@dataclass(frozen=True, slots=True)
class _Retry:
    """One retry under the connection's lock."""

    db: Connection
    provider: Provider
    generation: int
    now: datetime

    def page(self, rows: Sequence[Waiting]) -> Retried:
        """Try the waiting rows of one page again."""
        first = rows[0]
        if first.part is not Part.TRANSACTIONS:
            is_told_anew = quarantined.has_newer_round(
                self.db, first.connection_id, first.part, first.round_id
            )
            return self._close(rows, rows if is_told_anew else [], applied=0)
        round_ = next(
            one
            for one in raw_pages.rounds_of(
                self.db, first.connection_id, Part.TRANSACTIONS, only_waiting=False
            )
            if one.round_id == first.round_id
        )
        if round_.generation != self.generation:
            return self._close(rows, rows, applied=0)  # a renewed link was read from the beginning
        return self._transactions(rows, round_)

    def _transactions(self, rows: Sequence[Waiting], round_: StoredRound) -> Retried:
        known = {
            one.provider_account_id: one
            for one in account_references(self.db, round_.connection_id, only_active=False)
        }
        page = quarantined.page_by_id(self.db, rows[0].page_id)
        items = list(self.provider.read_transactions(page, known))
        unreadable = _unreadable(items, known)
        readable = [row for row in rows if row.locator not in unreadable and row.reason != _CONFLICT]
        if not readable:
            return self._close(rows, [], applied=0)
        projection = RoundProjection(self.db, round_, known)
        projection.take_page(rows[0].page_id, page, self._untold(_keyed(items, known, round_), round_))
        written = projection.apply()
        if projection.quarantined:  # what was readable contradicts the ledger: a person has to look
            return self._close(rows, [], applied=0)
        return self._close(rows, readable, applied=written.new + written.changed + written.removed)

    def _untold(self, keyed: Sequence[_Keyed], round_: StoredRound) -> list[Item]:
        """Items of a page that neither its own round nor a later one has told the ledger."""
        told = quarantined.last_told(self.db, [key for _, key in keyed])
        windows = quarantined.newer_windows(self.db, round_.connection_id, round_.round_id)
        untold: list[Item] = []
        for item, key in keyed:
            is_told = told.get(key, -1) >= round_.round_id
            if isinstance(item, TransactionRemoval):
                is_overtaken = key not in told
            elif key in told:
                is_overtaken = _is_within(item, windows)
            else:
                is_overtaken = _is_within(item, windows) or self._is_removed_later(item, round_)
            if not is_told and not is_overtaken:
                untold.append(item)
        return untold

    def _is_removed_later(self, record: TransactionRecord, round_: StoredRound) -> bool:
        """A removal of a row that nobody knew left no trace but its page."""
        name = record.provider_transaction_id
        if name is None:
            return False
        later = quarantined.newer_pages_naming(self.db, round_.connection_id, round_.round_id, name)
        return any(
            isinstance(item, TransactionRemoval) and item.provider_transaction_id == name
            for page in later
            for item in self.provider.read_transactions(page, {})
        )

    def _close(self, rows: Sequence[Waiting], readable: Sequence[Waiting], *, applied: int) -> Retried:
        """Note what became of the rows; of the readable ones `applied` were new to the ledger."""
        ids = [row.quarantine_id for row in readable]
        waiting = [row.quarantine_id for row in rows if row.quarantine_id not in ids]
        done = Retried(
            quarantined.resolve(self.db, ids[:applied], "applied", now=self.now),
            quarantined.resolve(self.db, ids[applied:], "overtaken", now=self.now),
            len(waiting),
        )
        quarantined.note_tried(self.db, waiting, now=self.now)
        return done


def _keyed(items: Sequence[Item], known: Mapping[str, AccountReference], round_: StoredRound) -> list[_Keyed]:
    """Readable items with the keys they have in the ledger; a removal may be of any account."""
    keyring = Keyring({one.account_id: one.key_basis for one in known.values()})
    keyed: list[_Keyed] = []
    for item in items:
        if isinstance(item, TransactionRecord) and item.provider_account_id in known:
            account_id = known[item.provider_account_id].account_id
            row = keyring.keyed(round_.connection_id, account_id, item, page_id=0, locator="")
            keyed.append((item, (account_id, row.transaction_key)))
        elif isinstance(item, TransactionRemoval):
            key = provider_key(item.provider_transaction_id)
            keyed.extend((item, (one.account_id, key)) for one in known.values())
    return keyed


def _unreadable(items: Sequence[Item], known: Mapping[str, AccountReference]) -> set[str]:
    """Where rows stand that still cannot be read, or belong to no known account."""
    rejected = {item.locator for item in items if isinstance(item, Rejected)}
    homeless = {
        f"row[{number}]"
        for number, item in enumerate(items)
        if isinstance(item, TransactionRecord) and item.provider_account_id not in known
    }
    return rejected | homeless


def _is_within(record: TransactionRecord, windows: Sequence[tuple[str, DateWindow]]) -> bool:
    """Whether a later complete reading told what there is of that account and day."""
    return any(
        name == record.provider_account_id and window.first <= record.booked_on <= window.last
        for name, window in windows
    )
