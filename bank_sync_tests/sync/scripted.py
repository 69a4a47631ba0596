"""A scripted person, as tests of linking and edits meet one.

Belongs here: what is said to the bank and asked of the ledger, in few words. Does not belong here:
expectations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.storage.database import transaction
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.stateful.bank import Bank

CAFE, BOOKS = "CAFE MILO 0042", "BOOKSHOP AT THE BRIDGE"


@dataclass(frozen=True, slots=True)
class Person:
    """A scripted person's link: what happens at the bank, and our side of it."""

    services: Services
    clock: Clock
    bank: Bank
    provider: str
    connection_id: str
    token: str
    account: str

    def do(self, op: str, **values: object) -> dict[str, Any]:
        """A command to the bank."""
        return self.bank.command(self.provider, self.token, op, **values)

    def hold(self, amount: str, description: str = CAFE, **values: object) -> str:
        """A pending purchase; gives the movement."""
        wish = {"account": self.account, "amount": amount, "description": description, "pending": True}
        return str(self.do("spend", **{**wish, **values})["movement"])

    def settle(self, movement: str, **values: object) -> None:
        """A pending purchase posts; where a provider could name the pending row, it does not."""
        silent = {"link": "none"} if self.provider == "plaid" else {}
        self.do("settle", movement=movement, **{**silent, **values})

    def days(self, days: float = 1) -> None:
        """Days pass and the connection is synced."""
        self.clock.advance(days=days)
        sync_connection(self.services, self.connection_id)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with self.services.engine.connect() as db:
            return [tuple(row) for row in db.execute(text(query))]

    def links(self, state: str = "accepted") -> list[tuple[Any, ...]]:
        """Standing links: kind, who decided, both amounts."""
        return self.rows(
            "SELECT l.kind, l.decided_by, f.amount::float, o.amount::float FROM bank.transaction_links AS l "
            "JOIN bank.transactions AS f ON f.transaction_id = l.from_transaction_id "
            "JOIN bank.transactions AS o ON o.transaction_id = l.to_transaction_id "
            f"WHERE l.undone_at IS NULL AND l.state = '{state}' ORDER BY l.link_id"
        )

    def one(self, query: str) -> Any:
        """The single value of a query."""
        [[value]] = self.rows(query)
        return value

    def verdict(self, decide: Callable[..., None], link_id: int) -> None:
        """What the person says about a link."""
        with transaction(self.services.engine) as db:
            decide(db, link_id, by="person", now=self.clock())
