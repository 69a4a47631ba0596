"""What must hold right after a kill and after the next good sync.

Belongs here: looking at the database from outside, with rules of its own: the raw pages are read by the
provider's reader and applied here once more, in the plainest way there is. Does not belong here: any code of
the engine; it is the subject.

Each check gives sentences about what is wrong, none when all is well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

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


def right_after(db: Connection, provider: Provider, connection_id: str) -> list[str]:
    """What a kill left behind: cursor, rounds and ledger say the same, whatever point was reached."""
    return [
        *_rounds_are_whole(db, connection_id),
        *_cursor_equals_rounds(db, connection_id),
        *_ledger_equals_pages(db, provider, connection_id),
        *_coverage_was_read(db, connection_id),
        *_counted(db, connection_id),
    ]


def _rounds_are_whole(db: Connection, connection_id: str) -> Iterator[str]:
    rows = db.execute(
        text(
            "SELECT r.round_id, r.pages, count(p.page_id) AS stored, max(p.sequence) AS last "
            "FROM raw.rounds AS r LEFT JOIN raw.pages AS p USING (round_id) "
            "WHERE r.connection_id = :id GROUP BY r.round_id, r.pages"
        ),
        {"id": connection_id},
    )
    for row in rows:
        if row.stored != row.pages or (row.stored and row.last != row.stored - 1):
            yield f"round {row.round_id} says {row.pages} pages and has {row.stored}"


def _cursor_equals_rounds(db: Connection, connection_id: str) -> Iterator[str]:
    """The cursor is where the last stored round ended, and each round starts where the one before ended."""
    rounds = db.execute(
        text(
            "SELECT cursor_before, cursor_after FROM raw.rounds WHERE connection_id = :id "
            "AND part = 'transactions' AND cursor_after IS NOT NULL ORDER BY round_id"
        ),
        {"id": connection_id},
    ).all()
    cursor: str | None = db.execute(
        text("SELECT cursor FROM raw.cursors WHERE connection_id = :id"), {"id": connection_id}
    ).scalar()
    if cursor != (rounds[-1].cursor_after if rounds else None):
        yield "the cursor is not where the last stored round ended"
    if any(later.cursor_before != earlier.cursor_after for earlier, later in pairwise(rounds)):
        yield "a round does not start where the round before it ended"


def _ledger_equals_pages(db: Connection, provider: Provider, connection_id: str) -> Iterator[str]:
    told = told_by_projected_rounds(db, provider, connection_id)
    stored = live_rows(db, connection_id)
    for account_id in sorted(told.keys() | stored.keys()):
        lost, extra = _difference(told.get(account_id), stored.get(account_id))
        if lost or extra:
            yield f"ledger and projected rounds differ: {lost} rows without effect, {extra} from nowhere"


def _difference(expected: Counter[Fact] | None, found: Counter[Fact] | None) -> tuple[int, int]:
    expected, found = expected or Counter(), found or Counter()
    return (expected - found).total(), (found - expected).total()


def _coverage_was_read(db: Connection, connection_id: str) -> Iterator[str]:
    """What an account counts as read never runs ahead of the projected rounds."""
    ahead: int = db.execute(
        text(
            "SELECT count(*) FROM raw.coverage AS c JOIN bank.accounts AS a USING (account_id) "
            "WHERE a.connection_id = :id AND NOT EXISTS (SELECT FROM raw.pages AS p "
            "JOIN raw.rounds AS r USING (round_id) WHERE r.projected_at IS NOT NULL "
            "AND r.connection_id = :id AND r.part = 'transactions' "
            "AND coalesce(p.provider_account_id, a.provider_account_id) = a.provider_account_id "
            "AND coalesce(p.window_last, CAST(r.fetched_at AS date)) >= c.last_on)"
        ),
        {"id": connection_id},
    ).scalar_one()
    if ahead:
        yield f"{ahead} accounts say they were read further than they were"


_COUNTS = {
    "rows name a round that is not there": "SELECT count(*) FROM bank.transactions AS t "
    "WHERE t.connection_id = :id AND NOT EXISTS (SELECT FROM raw.rounds AS r "
    "WHERE r.round_id = t.round_id AND r.projected_at IS NOT NULL)",
    "rows without all their earlier versions": "SELECT count(*) FROM bank.transactions AS t "
    "WHERE t.connection_id = :id AND t.version - 1 <> (SELECT count(*) FROM bank.transaction_versions AS v "
    "WHERE v.transaction_id = t.transaction_id AND v.version < t.version)",
    "ids stand for two live rows": "SELECT count(*) FROM (SELECT FROM bank.transactions "
    "WHERE connection_id = :id AND removed_at IS NULL AND provider_transaction_id IS NOT NULL "
    "GROUP BY account_id, provider_transaction_id HAVING count(*) > 1) AS doubled",
    "rows are superseded without a decision": "SELECT count(*) FROM bank.transactions AS t "
    "WHERE t.connection_id = :id AND t.superseded_by IS NOT NULL AND NOT EXISTS (SELECT "
    "FROM bank.transaction_links AS l WHERE l.from_transaction_id = t.transaction_id "
    "AND l.undone_at IS NULL)",
    "balances name a round that is not projected": "SELECT count(*) FROM bank.balances AS b "
    "WHERE b.connection_id = :id AND NOT EXISTS (SELECT FROM raw.rounds AS r "
    "WHERE r.round_id = b.round_id AND r.projected_at IS NOT NULL)",
}


def _counted(db: Connection, connection_id: str) -> Iterator[str]:
    for complaint, query in _COUNTS.items():
        number: int = db.execute(text(query), {"id": connection_id}).scalar_one()
        if number:
            yield f"{number} {complaint}"


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


def after_recovery(
    db: Connection, connection_id: str, world: list[dict[str, Any]], undisturbed: list[Any]
) -> list[str]:
    """After the next good sync: the ledger equals the world, and nothing tells that there was a kill."""
    return [
        *equals_world(db, connection_id, world),
        *_same_as(undisturbed, fingerprint(db, connection_id)),
    ]


def equals_world(db: Connection, connection_id: str, world: list[dict[str, Any]]) -> list[str]:
    """The ledger is what is true at the bank, and nothing waits."""
    return [*_differs_from_world(db, connection_id, world), *_nothing_waits(db, connection_id)]


def _differs_from_world(db: Connection, connection_id: str, world: list[dict[str, Any]]) -> Iterator[str]:
    stored = live_rows(db, connection_id)
    for account in world:
        expected = Counter(_fact_of_world(row) for row in account["transactions"])
        lost, extra = _difference(expected, stored.get(account["provider_account_id"]))
        if lost or extra:
            yield f"the ledger is not the world: {lost} rows lost, {extra} rows too many"


def _fact_of_world(row: Mapping[str, Any]) -> Fact:
    day = date.fromisoformat(row["booked_on"] or row["authorised_on"])
    return row["posting"], Decimal(row["amount"]), row["currency"], day


def _nothing_waits(db: Connection, connection_id: str) -> Iterator[str]:
    waiting: int = db.execute(
        text("SELECT count(*) FROM raw.rounds WHERE connection_id = :id AND projected_at IS NULL"),
        {"id": connection_id},
    ).scalar_one()
    quarantined: int = db.execute(
        text("SELECT count(*) FROM bank.quarantine WHERE connection_id = :id AND resolved_at IS NULL"),
        {"id": connection_id},
    ).scalar_one()
    if waiting or quarantined:
        yield f"{waiting} rounds wait, {quarantined} rows are in quarantine"


def _same_as(undisturbed: list[Any], found: list[Any]) -> Iterator[str]:
    if undisturbed != found:
        missing, extra = Counter(undisturbed) - Counter(found), Counter(found) - Counter(undisturbed)
        yield (
            f"not what a sync without a kill leaves: {missing.total()} missing, {extra.total()} extra: "
            f"{sorted(map(str, missing))[:2]} {sorted(map(str, extra))[:2]}"
        )


_TRACES = """
SELECT 'account', a.provider_account_id, a.state FROM bank.accounts AS a WHERE connection_id = :id
;
SELECT 'row', a.provider_account_id, t.provider_transaction_id, t.posting, t.amount, t.currency, t.booked_on,
    t.description, t.version, t.removed_at IS NOT NULL, t.removal_reason, t.superseded_by IS NOT NULL
FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id) WHERE t.connection_id = :id
;
SELECT 'version', t.provider_transaction_id, v.version, v.posting, v.amount
FROM bank.transaction_versions AS v JOIN bank.transactions AS t USING (transaction_id)
WHERE t.connection_id = :id
;
SELECT 'link', kind, state, f.provider_transaction_id, t.provider_transaction_id
FROM bank.transaction_links AS l JOIN bank.transactions AS f ON f.transaction_id = from_transaction_id
JOIN bank.transactions AS t ON t.transaction_id = to_transaction_id WHERE l.connection_id = :id
;
SELECT 'category', t.provider_transaction_id, t.amount, c.category_detailed
FROM bank.transaction_categories AS c JOIN bank.transactions AS t USING (transaction_id)
WHERE c.connection_id = :id AND c.replaced_at IS NULL AND t.removed_at IS NULL
;
SELECT 'balance', a.provider_account_id, b.balance_type, b.role, b.amount
FROM bank.balances AS b JOIN bank.accounts AS a USING (account_id) WHERE b.connection_id = :id
;
SELECT 'connection', state, sync_state, error_code FROM bank.connections WHERE connection_id = :id
"""


def fingerprint(db: Connection, connection_id: str) -> list[Any]:
    """Everything a sync leaves that does not depend on when and in how many rounds it was read."""
    found = [
        tuple(row) for query in _TRACES.split(";") for row in db.execute(text(query), {"id": connection_id})
    ]
    return sorted(found, key=str)
