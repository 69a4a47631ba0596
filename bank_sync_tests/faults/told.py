"""The live rows that stored pages add up to, worked out a second time in the plainest way there is.

Belongs here: reading raw pages with the provider's reader and applying them in memory. Does not belong here:
any code of the engine; it is the subject.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection, text

from bank_sync.domain.models import (
    AccountReference,
    DateWindow,
    Page,
    Part,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.providers.base import IncrementalReads, Provider

Fact = tuple[str, Decimal, str, date]
"""posting, amount, currency, booked_on: a live row as the world speaks of it."""

Live = dict[str, Counter[Fact]]
"""Live rows by provider_account_id."""


def live_rows(db: Connection, connection_id: str) -> Live:
    """The ledger's live rows by provider_account_id."""
    found: Live = defaultdict(Counter)
    rows = db.execute(
        text(
            "SELECT a.provider_account_id, t.posting, t.amount, t.currency, t.booked_on "
            "FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id) "
            "WHERE t.connection_id = :id AND t.removed_at IS NULL AND t.superseded_by IS NULL"
        ),
        {"id": connection_id},
    )
    for row in rows:
        found[row.provider_account_id][(row.posting, row.amount, row.currency, row.booked_on)] += 1
    return found


@dataclass(slots=True)
class _Told:
    """What the providers' pages add up to."""

    by_id: dict[str, tuple[str, Fact]] = field(default_factory=dict)
    snapshots: dict[str, dict[str, Fact]] = field(default_factory=lambda: defaultdict(dict))

    def live(self) -> Live:
        """All that is live, by provider_account_id."""
        found: Live = defaultdict(Counter)
        for account_id, fact in self.by_id.values():
            found[account_id][fact] += 1
        for account_id, facts in self.snapshots.items():
            found[account_id] += Counter(facts.values())
        return found


def told_by_projected_rounds(db: Connection, provider: Provider, connection_id: str) -> Live:
    """The live rows that follow from the pages of all projected rounds."""
    accounts = _references(db, connection_id)
    told = _Told()
    for pages in _projected_rounds(db, connection_id):
        if provider.incremental_reads is IncrementalReads.CURSOR:
            _apply_changes(told, provider, pages, accounts)
        else:
            _apply_snapshots(told, provider, pages, accounts)
    return told.live()


def _references(db: Connection, connection_id: str) -> dict[str, AccountReference]:
    rows = db.execute(
        text(
            "SELECT account_id, provider_account_id, type, currency FROM bank.accounts "
            "WHERE connection_id = :id"
        ),
        {"id": connection_id},
    ).mappings()
    return {row["provider_account_id"]: AccountReference(**row) for row in rows}


def _projected_rounds(db: Connection, connection_id: str) -> Iterator[list[Page]]:
    rows = db.execute(
        text(
            "SELECT r.round_id, p.body, p.provider_account_id, p.window_first, p.window_last "
            "FROM raw.rounds AS r JOIN raw.pages AS p USING (round_id) WHERE r.connection_id = :id "
            "AND r.part = 'transactions' AND r.projected_at IS NOT NULL ORDER BY r.round_id, p.sequence"
        ),
        {"id": connection_id},
    )
    rounds: dict[int, list[Page]] = defaultdict(list)
    for row in rows:
        window = DateWindow(row.window_first, row.window_last) if row.window_first else None
        rounds[row.round_id].append(Page(Part.TRANSACTIONS, row.body, row.provider_account_id, window=window))
    yield from rounds.values()


def _apply_changes(
    told: _Told, provider: Provider, pages: list[Page], accounts: Mapping[str, AccountReference]
) -> None:
    """The later word about an id wins; removals come last."""
    removed = []
    for page in pages:
        for item in provider.read_transactions(page, accounts):
            if isinstance(item, TransactionRecord):
                key = str(item.provider_transaction_id)
                told.by_id[key] = (item.provider_account_id, _fact(item))
            elif isinstance(item, TransactionRemoval):
                removed.append(item.provider_transaction_id)
    for identifier in removed:
        told.by_id.pop(identifier, None)


def _apply_snapshots(
    told: _Told, provider: Provider, pages: list[Page], accounts: Mapping[str, AccountReference]
) -> None:
    """A complete window replaces what was booked in it, and all that was pending."""
    fresh: dict[str, dict[str, Fact]] = defaultdict(dict)
    for page in pages:
        account_id = page.provider_account_id or ""
        for item in provider.read_transactions(page, accounts):
            if isinstance(item, TransactionRecord):
                fact = _fact(item)
                key = item.provider_transaction_id or f"{fact} {list(fresh[account_id].values()).count(fact)}"
                fresh[account_id][key] = fact
        if page.window:
            old = {
                key: fact for key, fact in told.snapshots[account_id].items() if _outlasts(fact, page.window)
            }
            told.snapshots[account_id] = old | fresh[account_id]


def _outlasts(fact: Fact, window: DateWindow) -> bool:
    posting, _, _, booked_on = fact
    return posting == "posted" and not window.first <= booked_on <= window.last


def _fact(record: TransactionRecord) -> Fact:
    return record.posting.value, record.amount, record.currency, record.booked_on
