"""Streams of recurring payments and income, and the rows they are found in.

Belongs here: `bank.recurring_streams` and `bank.recurring_transactions`. Does not belong here: finding
streams (`sync.recurring`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select, text

from bank_sync.storage.tables import connections, recurring_streams, recurring_transactions, users


@dataclass(frozen=True, slots=True)
class MerchantRow:
    """A posted live row whose merchant is known, in our sign, with the category that is shown."""

    transaction_id: str
    account_id: str
    merchant_key: str
    merchant_name: str | None
    currency: str
    category_primary: str | None
    amount: Decimal
    booked_on: date


@dataclass(frozen=True, slots=True)
class RecurringStream:
    """A stream as it is kept; amounts have no sign, `money_in` is their direction."""

    stream_id: str
    connection_id: str
    account_id: str
    merchant_key: str
    merchant_name: str | None
    money_in: bool
    currency: str
    category_primary: str | None
    cadence: str
    state: str
    occurrences: int
    missed: int
    first_on: date
    last_on: date
    next_on: date | None
    usual_amount: Decimal
    low_amount: Decimal
    high_amount: Decimal
    confidence: Decimal
    last_transaction_id: str


def merchant_rows(db: Connection, connection_id: str, *, since: date) -> list[MerchantRow]:
    """The rows of a connection that may be of streams, in the order of time."""
    found = db.execute(text(_ROWS), {"connection_id": connection_id, "since": since}).mappings()
    return [MerchantRow(**row) for row in found]


# One leg of a transfer between a person's own accounts is no payment to anybody, but a standing order is one
# of the things that recur: both stay, told apart by their category.
_ROWS = """
SELECT t.transaction_id, t.account_id, c.merchant_key, c.merchant_name, t.currency,
    coalesce(o.category_primary, c.category_primary) AS category_primary, t.amount, t.booked_on
FROM bank.transactions AS t
JOIN bank.transaction_categories AS c ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
LEFT JOIN bank.transaction_overlays AS o ON o.transaction_id = t.transaction_id
WHERE t.connection_id = :connection_id AND t.removed_at IS NULL AND t.superseded_by IS NULL
    AND t.posting = 'posted' AND t.amount <> 0 AND t.booked_on >= :since AND c.merchant_key IS NOT NULL
    AND NOT coalesce(o.is_hidden, false)
ORDER BY t.booked_on, t.transaction_id
"""


def stream_ids(db: Connection, connection_id: str) -> dict[str, str]:
    """Ids of the streams that transactions of a connection belong to, by transaction."""
    known = recurring_transactions.c
    query = select(known.transaction_id, known.stream_id).where(known.connection_id == connection_id)
    return {row.transaction_id: row.stream_id for row in db.execute(query)}


def replace_streams(
    db: Connection,
    connection_id: str,
    found: Mapping[RecurringStream, Sequence[str]],
    *,
    now: datetime,
) -> None:
    """Put the streams of a connection, each with ids of its transactions, in the place of those before."""
    db.execute(delete(recurring_streams).where(recurring_streams.c.connection_id == connection_id))
    if not found:
        return
    db.execute(insert(recurring_streams), [{**asdict(one), "found_at": now} for one in found])
    rows = [
        {"transaction_id": row, "stream_id": one.stream_id, "connection_id": connection_id}
        for one, ids in found.items()
        for row in ids
    ]
    db.execute(insert(recurring_transactions), rows)


def streams_of(
    db: Connection, external_reference: str | None = None, *, ended: bool = False
) -> list[RecurringStream]:
    """Streams of a person, or of everybody, by their next date; with `ended` the ended ones, too."""
    columns = [recurring_streams.c[name] for name in RecurringStream.__slots__]
    query = (
        select(*columns)
        .join(connections, connections.c.connection_id == recurring_streams.c.connection_id)
        .join(users, users.c.user_id == connections.c.user_id)
        .order_by(recurring_streams.c.next_on.nulls_last(), recurring_streams.c.stream_id)
    )
    if external_reference is not None:
        query = query.where(users.c.external_reference == external_reference)
    if not ended:
        query = query.where(recurring_streams.c.state != "ended")
    return [RecurringStream(**row) for row in db.execute(query).mappings()]
