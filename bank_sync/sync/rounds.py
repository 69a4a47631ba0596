"""One round of transactions on its way into the ledger.

Belongs here: sorting what a provider's pages say into rows, removals and quarantine, and the order in which
they are applied. Does not belong here: which rounds and when (`sync.project`), SQL (`storage.staging`,
`storage.ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from bank_sync.domain.models import (
    AccountReference,
    DateWindow,
    HistoryState,
    KeyBasis,
    Page,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.storage import accounts, asking_again, coverage, journal, ledger, resolution, staging
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.ledger import Written
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.sync.identity import Keyring, basis_by_evidence, provider_key, transaction_id

_ROWS_PER_WRITE = 5_000  # bounds memory while keeping COPY efficient

Item = TransactionRecord | TransactionRemoval | Rejected


@dataclass(slots=True)
class RoundProjection:
    """Stages the items of one round, page by page, then applies them in one go.

    Args:
        db: a connection opened by `ledger.open_for_writing`.
        round_: the round; its `fetched_at` stamps everything it changes.
        known: the connection's accounts, by provider_account_id.
    """

    db: Connection
    round_: StoredRound
    known: Mapping[str, AccountReference]
    read: int = 0
    quarantined: int = 0
    _keyring: Keyring = field(default_factory=Keyring)
    _waiting: list[staging.LedgerRow] = field(default_factory=list)
    _staged: int = 0
    _has_begun: bool = False

    def __post_init__(self) -> None:
        self._keyring = Keyring({one.account_id: one.key_basis for one in self.known.values()})

    def take_page(self, page_id: int, page: Page, items: Iterable[Item]) -> None:
        """Stage everything one page says."""
        removed: list[str] = []
        for number, item in enumerate(items):
            if isinstance(item, TransactionRemoval):
                removed.append(provider_key(item.provider_transaction_id))
            elif isinstance(item, Rejected):
                self._quarantine(page_id, item)
            else:
                self._take_row(page_id, f"row[{number}]", item)
        if removed:
            self._begin()
            after = self._staged + len(self._waiting)
            staging.stage_removals(self.db, removed, sequence=after)
        account = self.known.get(page.provider_account_id or "")
        if page.window and account:
            self._begin()
            staging.stage_window(self.db, account.account_id, page.window)

    def apply(self) -> Written:
        """Write the rows, then the removals: named ones, and those a complete reading no longer tells."""
        one = self.round_
        self._stage_waiting()
        if self._says_nothing():
            return Written()
        self._begin()
        for conflict in resolution.resolve(self.db, one.connection_id, generation=one.generation):
            self._quarantine(conflict.page_id, Rejected("identity_conflict", conflict.locator))
        asking_again.note_answers(self.db, one)
        self._give_fresh_ids()
        self._note_id_stability()
        written = ledger.write_staged(
            self.db, round_id=one.round_id, generation=one.generation, now=one.fetched_at
        )
        return Written(written.new, written.changed, self._remove())

    def _take_row(self, page_id: int, locator: str, record: TransactionRecord) -> None:
        account = self.known.get(record.provider_account_id)
        if account is None:
            self._quarantine(page_id, Rejected("unknown_account", locator))
            return
        self.read += 1
        connection_id = self.round_.connection_id
        row = self._keyring.keyed(connection_id, account.account_id, record, page_id, locator)
        self._waiting.append(row)
        if len(self._waiting) >= _ROWS_PER_WRITE:
            self._stage_waiting()

    def _stage_waiting(self) -> None:
        if self._waiting:
            self._begin()
            staging.stage_rows(self.db, self._waiting, first_sequence=self._staged)
            self._staged += len(self._waiting)
            self._waiting.clear()

    def _begin(self) -> None:
        """Make the round's tables; most rounds tell nothing new and need none."""
        if not self._has_begun:
            staging.prepare(self.db)
            self._has_begun = True

    def _says_nothing(self) -> bool:
        """No row, no removal, no window; no row was asked for again; and silence means nothing either."""
        one = self.round_
        return not (
            self._has_begun
            or self.quarantined
            or (one.generation and one.history_state is HistoryState.COMPLETE)
            or asking_again.is_waiting(self.db, one.connection_id)
        )

    def _give_fresh_ids(self) -> None:
        """A new row whose key stood for another transaction before needs an id of its own."""
        told_in = str(self.round_.round_id)
        taken = resolution.taken_ids(self.db)
        resolution.give_fresh_ids(
            self.db, {at: transaction_id(account_id, key, told_in) for at, account_id, key in taken}
        )

    def _note_id_stability(self) -> None:
        """Count overlapping readings and how many of them came with other ids; act on the evidence."""
        for account_id, is_changed in resolution.compared_ids(self.db, generation=self.round_.generation):
            compared, changed = accounts.count_id_reading(self.db, account_id, is_changed=is_changed)
            if basis_by_evidence(compared, changed) is KeyBasis.CONTENT:
                accounts.set_key_basis(self.db, account_id, KeyBasis.CONTENT)

    def _remove(self) -> int:
        """Nothing is inferred from a round of which a row could not be read: that row may look missing."""
        one = self.round_
        removed = ledger.remove_named(self.db, one.connection_id, round_id=one.round_id, now=one.fetched_at)
        if self.quarantined:
            return removed
        removed += ledger.remove_missing_from_windows(
            self.db, one.connection_id, round_id=one.round_id, now=one.fetched_at
        )
        if one.generation and one.history_state is HistoryState.COMPLETE:
            removed += ledger.remove_unseen_since_relink(
                self.db,
                one.connection_id,
                generation=one.generation,
                round_id=one.round_id,
                now=one.fetched_at,
            )
        return removed

    def _quarantine(self, page_id: int, rejected: Rejected) -> None:
        self.quarantined += 1
        journal.put_in_quarantine(
            self.db, self.round_.connection_id, page_id, rejected, now=self.round_.fetched_at
        )


def note_coverage(
    db: Connection, connection: StoredConnection, round_: StoredRound, known: Mapping[str, AccountReference]
) -> None:
    """Remember which dates of which account have been read completely, and whether older ones exist."""
    told_on = round_.fetched_at.date()
    oldest = connection.linked_at.date() - timedelta(days=connection.history_days or 0)
    windows = {
        known[name].account_id: window
        for name, window in coverage.windows_of(db, round_.round_id)
        if name in known
    }
    if round_.history_state is HistoryState.COMPLETE:
        windows = {one.account_id: DateWindow(oldest, told_on) for one in known.values()}
    coverage.extend_coverage(db, windows, history_from=oldest, now=round_.fetched_at)
