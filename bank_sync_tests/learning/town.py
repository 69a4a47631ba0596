"""People with ledgers written by hand, for tests of what many of them teach.

Belongs here: who lives there, what they buy and what they say of it. Does not belong here: expectations.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import insert, text

from bank_sync.services import Services
from bank_sync.storage import overlays, tables
from bank_sync.storage.database import transaction
from bank_sync.sync import corrections
from bank_sync.sync.enrich import categorize_connection


def judges(user_id: str) -> bool:
    """Whether somebody is of the fifth that never teaches."""
    return hashlib.md5(user_id.encode(), usedforsecurity=False).digest()[0] % 5 == 0


@dataclass
class Town:
    """The people of a test; each has one connection with one account."""

    services: Services
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def person(self, *, judge: bool = False) -> str:
        """Somebody new, who judges or teaches; gives the user_id."""
        names = (f"user_{number}" for number in self.numbers)
        user_id = next(name for name in names if judges(name) == judge)
        now = self.services.clock()
        with transaction(self.services.engine) as db:
            db.execute(
                insert(tables.users).values(
                    user_id=user_id, external_reference=f"app-{user_id}", created_at=now
                )
            )
            db.execute(
                insert(tables.connections).values(
                    connection_id=f"conn_{user_id}",
                    user_id=user_id,
                    provider="teller",
                    provider_connection_id=user_id,
                    institution_name="Bank",
                    state="connected",
                    sync_state="idle",
                    linked_at=now,
                    next_sync_at=now,
                )
            )
            db.execute(
                insert(tables.accounts).values(
                    account_id=f"acc_{user_id}",
                    connection_id=f"conn_{user_id}",
                    provider_account_id=user_id,
                    name="Checking",
                    type="depository",
                    currency="EUR",
                    state="active",
                    first_seen_at=now,
                    changed_at=now,
                )
            )
        return user_id

    def pays(
        self, user_id: str, description: str, amount: str = "-20", *, on: date | None = None, times: int = 1
    ) -> list[str]:
        """Rows in somebody's ledger, without a category yet; gives our ids of them."""
        now = self.services.clock()
        ids = [f"txn_{next(self.numbers):06}" for _ in range(times)]
        rows = [
            {
                "transaction_id": one,
                "connection_id": f"conn_{user_id}",
                "account_id": f"acc_{user_id}",
                "posting": "posted",
                "amount": Decimal(amount),
                "currency": "EUR",
                "booked_on": on or now.date(),
                "description": description,
                "content_hash": one.encode(),
                "round_id": 1,
                "first_seen_at": now,
                "changed_at": now,
            }
            for one in ids
        ]
        with transaction(self.services.engine) as db:
            db.execute(insert(tables.transactions), rows)
        return ids

    def categorize(self, user_id: str) -> int:
        """What the step of a sync does; gives how many rows got a decision."""
        return categorize_connection(self.services, f"conn_{user_id}").rows

    def teach(self, user_id: str, description: str, primary: str, amount: str = "-20") -> None:
        """Somebody buys there once and corrects it."""
        [row] = self.pays(user_id, description, amount)
        self.categorize(user_id)
        corrections.correct(self.services, row, primary, None)

    def says(self, user_id: str, transaction_id: str, primary: str) -> None:
        """Somebody's word about one row alone."""
        with transaction(self.services.engine) as db:
            overlays.set_category(
                db, transaction_id, primary, user_reference=f"app-{user_id}", now=self.services.clock()
            )

    def category(self, transaction_id: str) -> tuple[str | None, str, str]:
        """The category that stands, its source and its reason."""
        query = text(
            "SELECT category_primary, source, reason FROM bank.transaction_categories "
            "WHERE transaction_id = :id AND replaced_at IS NULL"
        )
        with self.services.engine.connect() as db:
            primary, source, reason = db.execute(query, {"id": transaction_id}).one()
        return None if primary is None else str(primary), str(source), str(reason)

    def decisions(self, transaction_id: str) -> int:
        """How many decisions were ever made of a row."""
        query = text("SELECT count(*) FROM bank.transaction_categories WHERE transaction_id = :id")
        with self.services.engine.connect() as db:
            return int(db.execute(query, {"id": transaction_id}).scalar_one())

    def run(self, statement: str) -> list[object]:
        """Change or read data by hand; gives the first column of what is told."""
        with transaction(self.services.engine) as db:
            result = db.execute(text(statement))
            return [row[0] for row in result] if result.returns_rows else []
