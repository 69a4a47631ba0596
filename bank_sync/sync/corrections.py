"""A person's correction of a category: their word about one row, and the lesson for rows like it.

Belongs here: keeping both, applying the lesson at once, and saying why a row has its category. Does not
belong here: how a category is chosen without such words (`categorization`).
"""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import Connection

from bank_sync.services import Services
from bank_sync.storage import category_memory, overlays
from bank_sync.storage.categories import of_merchant, store_decisions
from bank_sync.storage.category_memory import Remembered
from bank_sync.storage.database import transaction
from bank_sync.sync.champion import deciding
from bank_sync.sync.enrich import decisions_for
from bank_sync.sync.teaching import teaching


def correct(services: Services, transaction_id: str, primary: str, detailed: str | None) -> int:
    """Give a transaction the category its owner wants, and teach it for that merchant, direction and person.

    Returns how many of the person's rows the lesson applies to, this one included. Rows of other people, and
    money in the other direction, stay as they are; so does every row where the bank's text names no merchant.

    Raises:
        NotFound: there is no such transaction, or it has no category yet.
    """
    with transaction(services.engine) as db:
        now = services.clock()
        row = category_memory.current(db, transaction_id)
        owner = overlays.owner_of(db, transaction_id)
        overlays.set_category(db, transaction_id, primary, detailed, user_reference=owner, now=now)
        if not row.merchant_key:
            return 1
        said = Remembered(row.merchant_key, row.amount > 0, primary, detailed)
        category_memory.remember(db, row.user_id, said, learnt_from=transaction_id, now=now)
        return _apply(services, db, row.user_id, said)


def _apply(services: Services, db: Connection, user_id: str, said: Remembered) -> int:
    alike = of_merchant(db, user_id, said.merchant_key, money_in=said.money_in)
    model = deciding(services, db)
    for connection_id, rows in groupby(
        sorted(alike, key=lambda row: row.connection_id), key=lambda row: row.connection_id
    ):
        decisions = decisions_for(list(rows), teaching(db, connection_id), model)
        store_decisions(db, connection_id, decisions, now=services.clock())
    return len(alike)


def explain(db: Connection, transaction_id: str) -> str:
    """Say in one sentence which category a transaction has and why.

    Raises:
        NotFound: there is no such transaction, or it has no category yet.
    """
    row = category_memory.current(db, transaction_id)
    said = overlays.effective_overlays(db, [transaction_id]).get(transaction_id)
    if said is not None and said.category_primary:
        return f"It is {said.category_detailed or said.category_primary} because its owner said so."
    if row.category_primary is None:
        guess = f" (nearest: {row.suggested_primary})" if row.suggested_primary else ""
        return f"It has no category{guess}: {row.reason}."
    sure = f"{row.confidence:.0%} sure"
    return f"It is {row.category_detailed or row.category_primary}, {sure}, by {row.reason}."
