"""What must hold right after a kill and after the next good sync.

Belongs here: looking at the database from outside. Does not belong here: what the stored pages add up to
(`told`), any code of the engine; it is the subject.

Each check gives sentences about what is wrong, none when all is well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, text

from bank_sync.providers.base import Provider
from bank_sync_tests.faults.told import Fact, live_rows, told_by_projected_rounds


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
