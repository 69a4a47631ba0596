"""What the contract suite reads from the ledger, and how it spends.

Belongs here: small queries and commands several tests share. Does not belong here: expectations.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, text

from bank_sync_tests.stateful.judge import ledger_of, world_of
from bank_sync_tests.stateful.stories import Link, Story


def account_of(story: Story, link: Link, kind: str = "depository") -> dict[str, Any]:
    """The first account of a type in the bank's own books."""
    return next(account for account in story.truth(link) if account["type"] == kind)


def spend(story: Story, link: Link, amount: str, **wish: object) -> str:
    """One movement on the first current account (or `account`); gives its identity."""
    wish.setdefault("account", account_of(story, link)["provider_account_id"])
    wish.setdefault("description", "CORNER CAFE")
    return str(story.command(link, "spend", amount=amount, **wish)["movement"])


def read_again(story: Story, link: Link) -> None:
    """A sync on the next day, when no daily quota is in its way, without any trouble."""
    story.world.clock.advance(hours=25)
    assert story.sync(link) == "ok"


def rows(story: Story, link: Link) -> list[RowMapping]:
    """Every row of the ledger, dead ones too, oldest first."""
    query = text(
        "SELECT transaction_id, posting, amount, booked_on, removed_at, removal_reason, superseded_by, "
        "version FROM bank.transactions WHERE connection_id = :id ORDER BY first_seen_at, transaction_id"
    )
    with story.world.services.engine.connect() as db:
        return list(db.execute(query, {"id": link.connection_id}).mappings())


def live(story: Story, link: Link) -> list[RowMapping]:
    """Rows that count."""
    return [row for row in rows(story, link) if row["removed_at"] is None and row["superseded_by"] is None]


def state_of(story: Story, link: Link) -> str:
    """The connection's state."""
    query = text("SELECT state FROM bank.connections WHERE connection_id = :id")
    with story.world.services.engine.connect() as db:
        state: str = db.execute(query, {"id": link.connection_id}).scalar_one()
    return state


def assert_as_the_bank_says(story: Story, link: Link) -> int:
    """Every account's live rows equal the bank's own books; gives their number."""
    compared = 0
    with story.world.services.engine.connect() as db:
        for account in story.truth(link):
            expected = world_of(account)
            assert ledger_of(db, link, account["provider_account_id"]) == expected, account["name"]
            compared += expected.total()
    return compared


def current_balance(story: Story, link: Link, provider_account_id: str) -> Decimal:
    """The latest balance of an account that answers what it holds."""
    query = text(
        "SELECT b.amount FROM bank.balances AS b JOIN bank.accounts AS a USING (account_id) "
        "WHERE a.connection_id = :connection AND a.provider_account_id = :account AND b.role = 'current' "
        "ORDER BY b.as_of DESC, b.balance_id DESC LIMIT 1"
    )
    with story.world.services.engine.connect() as db:
        at = {"connection": link.connection_id, "account": provider_account_id}
        amount: Decimal = db.execute(query, at).scalar_one()
    return amount
