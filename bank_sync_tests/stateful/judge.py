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

from bank_sync_tests.stateful.invariants import broken_invariants, not_idempotent, not_replayable
from bank_sync_tests.stateful.stories import Link, Story

_REPLAYED_EVERY = 5  # a replay costs as much as the story


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong (nothing, if all is well) and the figures of the comparison."""

    divergences: tuple[str, ...]
    rows_compared: int
    new_accounts: int
    new_rows: int
    edits_lost: int
    links_right: int
    links_wrong: int
    proofs: dict[str, int]


def judge(story: Story) -> Verdict:
    """Compare everything of a story at rest."""
    wrong: list[str] = []
    rows = new_accounts = new_rows = 0
    with story.world.services.engine.connect() as db:
        for link in story.links:
            truth = story.open_accounts(link)
            rows += sum(len(account["transactions"]) for account in truth)
            for differences in (_accounts_differ, _rows_differ, _balances_differ):
                wrong += [f"{link}: {each}" for each in differences(db, link, truth)]
            new_accounts += max(0, _accounts_of(db, link) - len(story.described[link.connection_id]))
            new_rows += _surplus(db, link, truth) if story.relinks else 0
        ids = [link.connection_id for link in story.links]
        wrong += [*broken_invariants(db, ids), *_left_waiting(db, ids)]
        lost, proofs = _edits_lost(db, story), _proofs(db, ids)
        right, mistaken = _pendings_linked(db, story)
    wrong += [f"{new_accounts} accounts were made twice"] if new_accounts else []
    wrong += [f"{lost} edits of the person were lost"] if lost else []
    wrong += [f"I1: {proofs['differs']} balances are not explained"] if proofs.get("differs") else []
    wrong += not_replayable(story) if story.seed % _REPLAYED_EVERY == 0 else ()
    wrong += not_idempotent(story)
    return Verdict(tuple(wrong), rows, new_accounts, new_rows, lost, right, mistaken, proofs)


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
        "AND a.provider_account_id = :account AND t.removed_at IS NULL AND t.superseded_by IS NULL"
    )
    found = db.execute(query, {"connection": link.connection_id, "account": provider_account_id})
    return Counter(tuple(row) for row in found)


def world_of(account: dict[str, Any]) -> Counter[tuple[Any, ...]]:
    """Live rows of one account in the bank's own books."""
    return Counter(_facts(row) for row in account["transactions"])


def _facts(row: dict[str, Any]) -> tuple[Any, ...]:
    """What a row of the bank's books says, as our ledger would say it."""
    day = date.fromisoformat(row["booked_on"] or row["authorised_on"])
    return row["posting"], Decimal(row["amount"]), row["currency"], day


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


def _left_waiting(db: Connection, ids: list[str]) -> Iterator[str]:
    """Nothing may be held back or unread once the days are good."""
    held = text(
        "SELECT held_reason FROM raw.rounds WHERE connection_id = ANY(:ids) "
        "AND held_at IS NOT NULL AND projected_at IS NULL"
    )
    unread = text(
        "SELECT reason FROM bank.quarantine WHERE connection_id = ANY(:ids) AND resolved_at IS NULL"
    )
    for round_ in db.execute(held, {"ids": ids}):
        yield f"a round is held back: {round_.held_reason}"
    for row in db.execute(unread, {"ids": ids}):
        yield f"a row waits in quarantine: {row.reason}"


def _proofs(db: Connection, ids: list[str]) -> dict[str, int]:
    """I1: how many accounts' balances are proven, differ, or are unknown."""
    query = text(
        "SELECT state, count(*) AS accounts FROM bank.reconciliations "
        "WHERE connection_id = ANY(:ids) GROUP BY state"
    )
    return {row.state: row.accounts for row in db.execute(query, {"ids": ids})}


def _pendings_linked(db: Connection, story: Story) -> tuple[int, int]:
    """How many booked rows took the place of the pending row they were, and of another one."""
    query = text(
        "SELECT l.connection_id, a.provider_transaction_id AS held, b.provider_transaction_id AS booked "
        "FROM bank.transaction_links AS l "
        "JOIN bank.transactions AS a ON a.transaction_id = l.from_transaction_id "
        "JOIN bank.transactions AS b ON b.transaction_id = l.to_transaction_id "
        "WHERE l.connection_id = ANY(:ids) AND l.kind = 'pending_posted' AND l.state = 'accepted' "
        "AND l.undone_at IS NULL"
    )
    right = wrong = 0
    for row in db.execute(query, {"ids": [one.connection_id for one in story.links]}):
        was = story.shown.get((row.connection_id, row.held))
        is_now = story.shown.get((row.connection_id, row.booked))
        if was and is_now:
            right += was[0] == is_now[1]
            wrong += was[0] != is_now[1]
    return right, wrong


def _edits_lost(db: Connection, story: Story) -> int:
    """Edits that are gone, or whose row is dead although the bank still shows what it told."""
    query = text(
        "SELECT o.note, o.is_hidden, t.removed_at IS NOT NULL AND t.superseded_by IS NULL AS is_dead, "
        "t.connection_id, t.posting, t.amount, t.currency, t.booked_on FROM bank.transaction_overlays AS o "
        "JOIN bank.transactions AS t USING (transaction_id) WHERE o.transaction_id = :id"
    )
    told = {
        (link.connection_id, row["movement"], *_facts(row))
        for link in story.links
        for account in story.open_accounts(link)
        for row in account["transactions"]
    }
    lost = 0
    for made in story.edits:
        row = db.execute(query, {"id": made.transaction_id}).one_or_none()
        if row is None or (row.note, row.is_hidden) != (made.note, made.is_hidden):
            lost += 1
        elif row.is_dead:
            facts = (row.posting, row.amount, row.currency, row.booked_on)
            lost += (row.connection_id, made.movement, *facts) in told
    return lost
