"""What must hold after a story: the ledger equals the world, the invariants of money and identity stand.

Belongs here: comparisons, each giving sentences about what is wrong. Does not belong here: bringing a story
to rest (`stories`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from bank_sync.sync import project
from bank_sync_tests.stateful.stories import Link, Story

_LIVE = "t.removed_at IS NULL AND t.superseded_by IS NULL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong (nothing, if all is well) and the figures of the comparison."""

    divergences: tuple[str, ...]
    rows_compared: int
    new_accounts: int
    new_rows: int
    edits_lost: int
    held_rounds: int
    quarantined: int


def judge(story: Story) -> Verdict:
    """Compare everything of a story at rest."""
    wrong: list[str] = []
    rows = new_accounts = new_rows = 0
    with story.world.services.engine.connect() as db:
        for link in story.links:
            truth = story.open_accounts(link)
            rows += sum(len(account["transactions"]) for account in truth)
            wrong += [f"{link}: {each}" for each in _accounts_differ(db, link, truth)]
            wrong += [f"{link}: {each}" for each in _rows_differ(db, link, truth)]
            wrong += [f"{link}: {each}" for each in _balances_differ(db, link, truth)]
            extra = _accounts_of(db, link) - len(story.described[link.connection_id])
            new_accounts += max(0, extra)
            if link_was_remade(story):
                new_rows += _surplus(db, link, truth)
        ids = [link.connection_id for link in story.links]
        wrong += list(_broken_invariants(db, ids))
        lost = _edits_lost(db, story)
        held, quarantined = _held(db, ids), _quarantined(db, ids)
    if new_accounts:
        wrong.append(f"{new_accounts} accounts were made twice")
    if lost:
        wrong.append(f"{lost} edits of the person were lost")
    if held:
        wrong.append(f"{held} rounds are still held back")
    if quarantined:
        wrong.append(f"{quarantined} rows are still in quarantine")
    wrong += _not_idempotent(story)
    return Verdict(tuple(wrong), rows, new_accounts, new_rows, lost, held, quarantined)


def link_was_remade(story: Story) -> bool:
    """Whether the story says anything about re-links."""
    return story.relinks > 0


def _accounts_of(db: Connection, link: Link) -> int:
    query = text("SELECT count(*) FROM bank.accounts WHERE connection_id = :id")
    found: int = db.execute(query, {"id": link.connection_id}).scalar_one()
    return found


def _accounts_differ(db: Connection, link: Link, truth: list[dict[str, Any]]) -> Iterator[str]:
    query = text(
        "SELECT provider_account_id FROM bank.accounts WHERE connection_id = :id AND state = 'active'"
    )
    ours: set[str] = set(db.execute(query, {"id": link.connection_id}).scalars())
    theirs = {account["provider_account_id"] for account in truth}
    names = {account["provider_account_id"]: account["name"] for account in truth}
    if ours - theirs:
        yield f"{len(ours - theirs)} accounts are active that the bank does not show"
    if theirs - ours:
        yield f"accounts of the bank are not active: {sorted(names[one] for one in theirs - ours)}"


def ledger_of(db: Connection, link: Link, provider_account_id: str) -> Counter[tuple[Any, ...]]:
    """Live rows of one account, as the world speaks of them."""
    query = text(
        "SELECT t.posting, t.amount, t.currency, t.booked_on FROM bank.transactions AS t "
        "JOIN bank.accounts AS a USING (account_id) WHERE a.connection_id = :connection "
        f"AND a.provider_account_id = :account AND {_LIVE}"
    )
    found = db.execute(query, {"connection": link.connection_id, "account": provider_account_id})
    return Counter(tuple(row) for row in found)


def world_of(account: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """Live rows of one account in the bank's own books."""
    return Counter(
        (
            row["posting"],
            Decimal(row["amount"]),
            row["currency"],
            date.fromisoformat(row["booked_on"] or row["authorised_on"]),
        )
        for row in account["transactions"]
    )


def _rows_differ(db: Connection, link: Link, truth: list[dict[str, Any]]) -> Iterator[str]:
    for account in truth:
        ours = ledger_of(db, link, account["provider_account_id"])
        theirs = world_of(account)
        for row, count in (theirs - ours).items():
            yield f"{account['name']}: missing {count} x {_spoken(row)}"
        for row, count in (ours - theirs).items():
            yield f"{account['name']}: too many {count} x {_spoken(row)}"


def _spoken(row: tuple[Any, ...]) -> str:
    posting, amount, currency, day = row
    return f"{posting} {Decimal(amount).normalize():f} {currency} of {day}"


def _surplus(db: Connection, link: Link, truth: list[dict[str, Any]]) -> int:
    return sum(
        (ledger_of(db, link, account["provider_account_id"]) - world_of(account)).total() for account in truth
    )


def _balances_differ(db: Connection, link: Link, truth: list[dict[str, Any]]) -> Iterator[str]:
    query = text(
        "SELECT b.amount, b.currency FROM bank.balances AS b JOIN bank.accounts AS a USING (account_id) "
        "WHERE a.connection_id = :connection AND a.provider_account_id = :account AND b.role = 'current' "
        "ORDER BY b.as_of DESC, b.balance_id DESC LIMIT 1"
    )
    for account in truth:
        at = {"connection": link.connection_id, "account": account["provider_account_id"]}
        ours = db.execute(query, at).one_or_none()
        theirs = (Decimal(account["current"]), account["currency"])
        if ours is None or tuple(ours) != theirs:
            shown = None if ours is None else f"{Decimal(ours[0]).normalize():f}"
            yield f"{account['name']}: balance is {shown}, the bank says {account['current']}"


_INVARIANTS = {
    "I2: transfers of a person do not cancel out": (
        "SELECT 1 FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS a ON a.transaction_id = l.from_transaction_id "
        "JOIN bank.transactions AS b ON b.transaction_id = l.to_transaction_id "
        "WHERE l.connection_id = ANY(:ids) AND l.kind = 'transfer' AND l.state = 'accepted' "
        "AND l.undone_at IS NULL AND (a.currency <> b.currency OR a.amount + b.amount <> 0)"
    ),
    "I3: one id of the provider is on two live rows": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND t.provider_transaction_id IS NOT NULL "
        "GROUP BY t.account_id, t.provider_transaction_id HAVING count(*) > 1"
    ),
    "I3: a pending row outlives the booked row it became": (
        "SELECT 1 FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS t ON t.transaction_id = l.from_transaction_id "
        "JOIN bank.transactions AS p ON p.transaction_id = l.to_transaction_id "
        "WHERE l.connection_id = ANY(:ids) AND l.kind <> 'transfer' AND l.state = 'accepted' "
        f"AND l.undone_at IS NULL AND t.posting = 'pending' AND p.posting = 'posted' AND {_LIVE} "
        "AND p.removed_at IS NULL"
    ),
    "I4: a live row's round is not among the raw rounds, or was not applied": (
        "SELECT 1 FROM bank.transactions AS t LEFT JOIN raw.rounds AS r USING (round_id) "
        f"WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND (r.projected_at IS NULL OR r.connection_id <> t.connection_id)"
    ),
    "I4: a live row's id is on no page of its connection": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} "
        "AND t.provider_transaction_id IS NOT NULL AND NOT EXISTS (SELECT FROM raw.pages AS p "
        "WHERE p.connection_id = t.connection_id AND p.part = 'transactions' "
        "AND strpos(p.body, t.provider_transaction_id) > 0)"
    ),
    "I6: a row's currency is not its account's": (
        "SELECT 1 FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id) "
        f"WHERE t.connection_id = ANY(:ids) AND {_LIVE} AND t.currency <> a.currency"
    ),
    "I6: an amount has more digits than its currency": (
        f"SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND {_LIVE} AND t.amount <> "
        "round(t.amount, CASE t.currency WHEN 'JPY' THEN 0 WHEN 'KWD' THEN 3 ELSE 2 END)"
    ),
    "a row has no key, or a key of another account": (
        "SELECT 1 FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) AND NOT EXISTS "
        "(SELECT FROM bank.transaction_keys AS k WHERE k.transaction_id = t.transaction_id "
        "AND k.account_id = t.account_id)"
    ),
    "the watermark of transactions lags behind with nothing held": (
        "SELECT 1 FROM raw.rounds WHERE connection_id = ANY(:ids) "
        "AND projected_at IS NULL AND held_at IS NULL"
    ),
}


def _broken_invariants(db: Connection, ids: list[str]) -> Iterator[str]:
    for name, query in _INVARIANTS.items():
        found = len(db.execute(text(query), {"ids": ids}).all())
        if found:
            yield f"{name} ({found})"


def _held(db: Connection, ids: list[str]) -> int:
    query = text(
        "SELECT count(*) FROM raw.rounds WHERE connection_id = ANY(:ids) "
        "AND held_at IS NOT NULL AND projected_at IS NULL"
    )
    held: int = db.execute(query, {"ids": ids}).scalar_one()
    return held


def _quarantined(db: Connection, ids: list[str]) -> int:
    query = text(
        "SELECT count(*) FROM bank.quarantine WHERE connection_id = ANY(:ids) AND resolved_at IS NULL"
    )
    waiting: int = db.execute(query, {"ids": ids}).scalar_one()
    return waiting


def _edits_lost(db: Connection, story: Story) -> int:
    """Edits that are gone, or whose row is."""
    query = text(
        "SELECT o.note, o.is_hidden FROM bank.transaction_overlays AS o "
        "JOIN bank.transactions AS t USING (transaction_id) WHERE o.transaction_id = :id"
    )
    found = [db.execute(query, {"id": made.transaction_id}).one_or_none() for made in story.edits]
    expected = [(made.note, made.is_hidden) for made in story.edits]
    return sum(row is None or tuple(row) != made for row, made in zip(found, expected, strict=True))


def _not_idempotent(story: Story) -> Iterator[str]:
    """I7: the last round applied once more changes nothing."""
    services = story.world.services
    again = text(
        "UPDATE raw.rounds SET projected_at = NULL WHERE round_id = (SELECT max(round_id) FROM raw.rounds "
        "WHERE connection_id = :id AND part = 'transactions')"
    )
    for link in story.links:
        with services.engine.begin() as db:
            db.execute(again, {"id": link.connection_id})
        before = story.beliefs()
        project.project_transactions(services, link.connection_id)
        if story.beliefs() != before:
            yield f"{link}: I7: the last round applied twice is not the same as once"
