"""Project: from raw pages to the ledger.

Belongs here: applying committed rounds to accounts, balances and transactions, in order, each round in one
transaction with its watermark. Does not belong here: talking to providers (`sync.engine`), keys
(`sync.identity`).

The ledger is a projection of the raw pages: what cannot be read goes to quarantine with its page and never
blocks the others. Within a round, removals come last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, text

from bank_sync.domain.models import (
    AccountRecord,
    AccountReference,
    BalanceRecord,
    DateWindow,
    Page,
    Part,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.providers.base import Provider
from bank_sync.services import Services
from bank_sync.storage import connections, journal, ledger, links, raw_pages
from bank_sync.storage.accounts import account_references, close_missing, observe_balance, upsert_accounts
from bank_sync.storage.database import transaction
from bank_sync.storage.ledger import LedgerRow, Written
from bank_sync.sync.identity import Keyring, ledger_row

_ROWS_PER_WRITE = 5_000  # bounds memory while keeping COPY efficient


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection did: rounds applied, rows written, rows put in quarantine."""

    rounds: int = 0
    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    quarantined: int = 0

    def __add__(self, other: Projected) -> Projected:
        return Projected(
            self.rounds + other.rounds,
            self.read + other.read,
            self.new + other.new,
            self.changed + other.changed,
            self.removed + other.removed,
            self.quarantined + other.quarantined,
        )


ProjectRound = Callable[[Connection, Provider, str, int, datetime], Projected]


def project_accounts(services: Services, connection_id: str) -> Projected:
    """Apply the rounds of accounts that the ledger does not reflect yet."""
    return _project(services, connection_id, Part.ACCOUNTS, _accounts_round)


def project_balances(services: Services, connection_id: str) -> Projected:
    """Apply the rounds of balances that the ledger does not reflect yet."""
    return _project(services, connection_id, Part.BALANCES, _balances_round)


def project_transactions(services: Services, connection_id: str) -> Projected:
    """Apply the rounds of transactions that the ledger does not reflect yet."""
    return _project(services, connection_id, Part.TRANSACTIONS, _transactions_round)


def link_transactions(services: Services, connection_id: str) -> int:
    """Join posted rows to the pending rows they replace; returns how many were joined."""
    with transaction(services.engine) as db:
        _one_at_a_time(db, connection_id)
        return links.link_named_pending(db, connection_id, now=services.clock())


def _project(services: Services, connection_id: str, part: Part, apply: ProjectRound) -> Projected:
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        waiting = raw_pages.rounds_to_project(db, connection_id, part)
    provider = services.provider(connection.provider)
    total = Projected()
    for round_id in waiting:
        with transaction(services.engine) as db:
            _one_at_a_time(db, connection_id)
            now = services.clock()
            if raw_pages.mark_projected(db, round_id, now=now):
                total += apply(db, provider, connection_id, round_id, now)
    return total


def _one_at_a_time(db: Connection, connection_id: str) -> None:
    """Writers of one connection's ledger queue up until the transaction ends."""
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 0))"), {"id": connection_id})


def _accounts_round(
    db: Connection, provider: Provider, connection_id: str, round_id: int, now: datetime
) -> Projected:
    records: list[AccountRecord] = []
    quarantined = 0
    for stored in raw_pages.pages_of(db, round_id):
        for item in provider.read_accounts(stored.page):
            if isinstance(item, Rejected):
                journal.put_in_quarantine(db, connection_id, stored.page_id, item, now=now)
                quarantined += 1
            else:
                records.append(item)
    new, changed = upsert_accounts(db, connection_id, records, now=now)
    gone = 0
    if not quarantined:  # an unreadable account is not a missing one
        gone = close_missing(db, connection_id, [one.provider_account_id for one in records], now=now)
    return Projected(1, len(records), new, changed, gone, quarantined)


def _balances_round(
    db: Connection, provider: Provider, connection_id: str, round_id: int, now: datetime
) -> Projected:
    accounts = _by_provider_id(db, connection_id)
    read = new = quarantined = 0
    for stored in raw_pages.pages_of(db, round_id):
        for item in provider.read_balances(stored.page, accounts):
            if isinstance(item, BalanceRecord) and item.provider_account_id in accounts:
                account_id = accounts[item.provider_account_id].account_id
                new += observe_balance(db, connection_id, account_id, item, round_id=round_id, now=now)
                read += 1
            else:
                rejected = item if isinstance(item, Rejected) else Rejected("unknown_account", f"row[{read}]")
                journal.put_in_quarantine(db, connection_id, stored.page_id, rejected, now=now)
                quarantined += 1
    return Projected(1, read, new, 0, 0, quarantined)


def _by_provider_id(db: Connection, connection_id: str) -> dict[str, AccountReference]:
    return {one.provider_account_id: one for one in account_references(db, connection_id)}


def _transactions_round(
    db: Connection, provider: Provider, connection_id: str, round_id: int, now: datetime
) -> Projected:
    work = _Round(db, connection_id, round_id, now, _by_provider_id(db, connection_id))
    for stored in raw_pages.pages_of(db, round_id):
        for item in provider.read_transactions(stored.page, work.accounts):
            work.take(stored.page_id, item)
        work.note_window(stored.page)
    return work.finish()


@dataclass(slots=True)
class _Round:
    """One round of transactions on its way into the ledger."""

    db: Connection
    connection_id: str
    round_id: int
    now: datetime
    accounts: Mapping[str, AccountReference]
    keyring: Keyring = field(default_factory=Keyring)
    waiting: dict[str, LedgerRow] = field(default_factory=dict)
    removals: list[str] = field(default_factory=list)
    windows: dict[str, DateWindow] = field(default_factory=dict)
    seen: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    written: Written = field(default_factory=Written)
    read: int = 0
    quarantined: int = 0

    def take(self, page_id: int, item: TransactionRecord | TransactionRemoval | Rejected) -> None:
        """Sort one item of a page: a row to write, a removal for later, or quarantine."""
        if isinstance(item, TransactionRemoval):
            self.removals.append(item.provider_transaction_id)
        elif isinstance(item, Rejected):
            self._quarantine(page_id, item)
        elif item.provider_account_id in self.accounts:
            self._keep(self.accounts[item.provider_account_id].account_id, item)
        else:
            self._quarantine(page_id, Rejected("unknown_account", f"row[{self.read + self.quarantined}]"))

    def note_window(self, page: Page) -> None:
        """Remember which dates of which account this round covers completely."""
        account = self.accounts.get(page.provider_account_id or "")
        if page.window and account:
            self.windows[account.account_id] = page.window

    def finish(self) -> Projected:
        """Write what waits, then the removals: named ones and those inferred from complete windows."""
        self._write()
        self._remove(self._named_removals(), "provider_removed")
        # A row in quarantine may be one that looks missing, so nothing is inferred from such a round.
        for account_id, window in self.windows.items():
            if not self.quarantined:
                missing = ledger.missing_from_window(self.db, account_id, window, self.seen[account_id])
                self._remove(missing, "missing_from_window")
            raw_pages.extend_coverage(self.db, account_id, window.first, window.last, now=self.now)
        total = self.written
        return Projected(1, self.read, total.new, total.changed, total.removed, self.quarantined)

    def _keep(self, account_id: str, record: TransactionRecord) -> None:
        row = ledger_row(self.connection_id, account_id, self.keyring.key_of(account_id, record), record)
        self.read += 1
        self.waiting[row.transaction_id] = row  # told twice within a batch: the later word wins
        self.seen[account_id].append(row.transaction_id)
        if len(self.waiting) >= _ROWS_PER_WRITE:
            self._write()

    def _write(self) -> None:
        if self.waiting:
            rows = list(self.waiting.values())
            self.written += ledger.upsert_transactions(self.db, rows, round_id=self.round_id, now=self.now)
            self.waiting.clear()

    def _named_removals(self) -> list[str]:
        if not self.removals:
            return []
        return ledger.ids_of_provider_transactions(self.db, self.connection_id, self.removals)

    def _remove(self, transaction_ids: list[str], reason: str) -> None:
        if transaction_ids:
            self.written += ledger.remove_transactions(
                self.db, transaction_ids, reason=reason, round_id=self.round_id, now=self.now
            )

    def _quarantine(self, page_id: int, rejected: Rejected) -> None:
        self.quarantined += 1
        journal.put_in_quarantine(self.db, self.connection_id, page_id, rejected, now=self.now)


def quarantined_rows(services: Services, connection_id: str) -> int:
    """Rows of a connection that wait in quarantine."""
    with transaction(services.engine) as db:
        return journal.open_quarantine(db, connection_id)
