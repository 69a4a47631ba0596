"""What one round of each part changes in the ledger.

Belongs here: applying a round of accounts, balances or transactions on a connection that is open for writing.
Does not belong here: which rounds, when, and what is held back (`sync.project`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from bank_sync.domain.models import AccountRecord, AccountReference, BalanceRecord, Part, Rejected
from bank_sync.providers.base import Provider
from bank_sync.storage import asking_again, connections, journal, raw_pages
from bank_sync.storage.accounts import account_references, close_missing, observe_balances, upsert_accounts
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.sync.progress import PAGES_BETWEEN, OnProgress, silent
from bank_sync.sync.rounds import RoundProjection, note_coverage


@dataclass(frozen=True, slots=True)
class Projected:
    """What a projection did: rounds applied or held back, rows written, rows put in quarantine."""

    rounds: int = 0
    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0
    quarantined: int = 0
    held: int = 0

    def __add__(self, other: Projected) -> Projected:
        return Projected(
            self.rounds + other.rounds,
            self.read + other.read,
            self.new + other.new,
            self.changed + other.changed,
            self.removed + other.removed,
            self.quarantined + other.quarantined,
            self.held + other.held,
        )


ProjectRound = Callable[[Connection, Provider, StoredRound], Projected]


def accounts_round(db: Connection, provider: Provider, round_: StoredRound) -> Projected:
    """Apply one round of accounts; from a partial or partly unreadable one no account is missing."""
    records: list[AccountRecord] = []
    quarantined = 0
    connection_id, now = round_.connection_id, round_.fetched_at
    for stored in raw_pages.pages_of(db, round_.round_id):
        for item in provider.read_accounts(stored.page):
            if isinstance(item, Rejected):
                journal.put_in_quarantine(db, connection_id, stored.page_id, item, now=now)
                quarantined += 1
            else:
                records.append(item)
    new, changed = upsert_accounts(db, connection_id, records, now=now)
    gone = 0
    if not quarantined and round_.is_complete:
        asking_again.note_whole_part(db, round_, Part.ACCOUNTS)
        gone = close_missing(db, connection_id, [one.provider_account_id for one in records], now=now)
    return Projected(1, len(records), new, changed, gone, quarantined)


def balances_round(db: Connection, provider: Provider, round_: StoredRound) -> Projected:
    """Apply one round of balances."""
    connection_id, now = round_.connection_id, round_.fetched_at
    known = known_accounts(db, connection_id)
    found: list[tuple[str, BalanceRecord]] = []
    quarantined = 0
    for stored in raw_pages.pages_of(db, round_.round_id):
        for item in provider.read_balances(stored.page, known):
            if isinstance(item, BalanceRecord) and item.provider_account_id in known:
                found.append((known[item.provider_account_id].account_id, item))
            else:
                rejected = (
                    item if isinstance(item, Rejected) else Rejected("unknown_account", f"row[{len(found)}]")
                )
                journal.put_in_quarantine(db, connection_id, stored.page_id, rejected, now=now)
                quarantined += 1
    if not quarantined and round_.is_complete:
        asking_again.note_whole_part(db, round_, Part.BALANCES)
    new = observe_balances(db, connection_id, found, round_id=round_.round_id, now=now)
    return Projected(1, len(found), new, 0, 0, quarantined)


def transactions_round(
    db: Connection, provider: Provider, round_: StoredRound, *, on_progress: OnProgress = silent
) -> Projected:
    """Apply one round of transactions."""
    known = known_accounts(db, round_.connection_id)
    work = RoundProjection(db, round_, known)
    for number, stored in enumerate(raw_pages.pages_of(db, round_.round_id), 1):
        work.take_page(stored.page_id, stored.page, provider.read_transactions(stored.page, known))
        if number % PAGES_BETWEEN == 0:
            on_progress(number, work.read)
    written = work.apply()
    connection = connections.get_connection(db, round_.connection_id)
    note_coverage(db, connection, round_, known)
    return Projected(1, work.read, written.new, written.changed, written.removed, work.quarantined)


def known_accounts(db: Connection, connection_id: str) -> dict[str, AccountReference]:
    """All accounts of a connection, also those no longer offered, by provider_account_id."""
    found = account_references(db, connection_id, only_active=False)
    return {one.provider_account_id: one for one in found}
