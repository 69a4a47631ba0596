"""Recurring payments and income of every connection, found anew in its ledger.

Belongs here: which rows are one question, and keeping the answers. Does not belong here: when rows are a
stream (`recurring`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import groupby

from sqlalchemy import Connection

from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.storage.database import in_transaction, transaction
from bank_sync.storage.recurring_streams import (
    MerchantRow,
    RecurringStream,
    merchant_rows,
    replace_streams,
)
from bank_sync.sync.recurring import Stream, streams
from bank_sync.sync.recurring_chains import Payment

_LOOK_BACK = timedelta(days=3 * 366)  # a yearly payment shows three times
# People go there by habit: another sum every Saturday is no subscription.
_HABITS = frozenset(
    ("FOOD_AND_DRINK", "GENERAL_MERCHANDISE", "TRANSPORTATION", "ENTERTAINMENT", "PERSONAL_CARE", "TRAVEL")
)
_FOUR_PLACES = Decimal("0.0001")

Question = tuple[str, str, str, bool]
"""Account, merchant, currency, and whether money comes in: what one stream has in common."""


def find_all(services: Services) -> tuple[int, int]:
    """Find the streams of all connections anew; returns how many connections and streams there are."""
    with transaction(services.engine) as db:
        ids = [one.connection_id for one in connections.list_connections(db)]
    return len(ids), sum(find_streams(services, connection_id) for connection_id in ids)


def find_streams(services: Services, connection_id: str) -> int:
    """Find the streams of a connection anew, in place of those found before; returns how many there are."""
    now = services.clock()

    def work(db: Connection) -> int:
        rows = merchant_rows(db, connection_id, since=now.date() - _LOOK_BACK)
        found = [
            _kept(connection_id, question, group, stream)
            for question, group in _questions(rows)
            for stream in streams(
                [Payment(row.transaction_id, row.booked_on, abs(row.amount)) for row in group],
                today=now.date(),
                may_vary=group[-1].category_primary not in _HABITS,
            )
        ]
        replace_streams(db, connection_id, found, now=now)
        return len(found)

    return in_transaction(services.engine, work)


def _questions(rows: Sequence[MerchantRow]) -> Iterator[tuple[Question, list[MerchantRow]]]:
    def key(row: MerchantRow) -> Question:
        return row.account_id, row.merchant_key, row.currency, row.amount > 0

    for question, group in groupby(sorted(rows, key=key), key=key):  # sorting keeps the order of time
        yield question, list(group)


def _kept(
    connection_id: str, question: Question, group: Sequence[MerchantRow], stream: Stream
) -> RecurringStream:
    account_id, merchant_key, currency, money_in = question
    last = next(row for row in group if row.transaction_id == stream.rows[-1].transaction_id)
    return RecurringStream(
        stream_id=_stream_id(stream),
        connection_id=connection_id,
        account_id=account_id,
        merchant_key=merchant_key,
        merchant_name=last.merchant_name,
        money_in=money_in,
        currency=currency,
        category_primary=last.category_primary,
        cadence=stream.cadence,
        state=stream.state,
        occurrences=len(stream.rows),
        missed=stream.missed,
        first_on=stream.rows[0].booked_on,
        last_on=stream.rows[-1].booked_on,
        next_on=stream.next_on,
        usual_amount=stream.usual,
        low_amount=stream.low,
        high_amount=stream.high,
        confidence=Decimal(stream.confidence).quantize(_FOUR_PLACES),
        last_transaction_id=last.transaction_id,
    )


def _stream_id(stream: Stream) -> str:
    """The same stream keeps its id for as long as its first row is known."""
    return "str_" + hashlib.sha256(stream.rows[0].transaction_id.encode()).hexdigest()[:20]
