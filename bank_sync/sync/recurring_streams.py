"""Recurring payments and income of every connection, found anew in its ledger.

Belongs here: which rows are one question, and keeping the answers. Does not belong here: when rows are a
stream (`recurring`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
    stream_ids,
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
        names = _Names(stream_ids(db, connection_id))
        found = {
            _kept(names.of(stream), connection_id, question, group, stream): _ids(stream)
            for question, group in _questions(rows)
            for stream in streams(
                [Payment(row.transaction_id, row.booked_on, abs(row.amount)) for row in group],
                today=now.date(),
                may_vary=group[-1].category_primary not in _HABITS,
            )
        }
        replace_streams(db, connection_id, found, now=now)
        return len(found)

    return in_transaction(services.engine, work)


def _questions(rows: Sequence[MerchantRow]) -> Iterator[tuple[Question, list[MerchantRow]]]:
    def key(row: MerchantRow) -> Question:
        return row.account_id, row.merchant_key, row.currency, row.amount > 0

    for question, group in groupby(sorted(rows, key=key), key=key):  # sorting keeps the order of time
        yield question, list(group)


def _kept(
    stream_id: str, connection_id: str, question: Question, group: Sequence[MerchantRow], stream: Stream
) -> RecurringStream:
    account_id, merchant_key, currency, money_in = question
    last = next(row for row in group if row.transaction_id == stream.rows[-1].transaction_id)
    return RecurringStream(
        stream_id=stream_id,
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


def _ids(stream: Stream) -> list[str]:
    return [row.transaction_id for row in stream.rows]


class _Names:
    """Gives a stream the id under which most of its transactions are known, else a new one.

    So a stream keeps its id when older history arrives, and when its first rows are too old to be looked at.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._given: set[str] = set()

    def of(self, stream: Stream) -> str:
        """The id of a stream; no two get the same."""
        ids = _ids(stream)
        before = Counter(self._known[one] for one in ids if one in self._known)
        wanted = [name for name, _ in before.most_common()] + [_new_id(one) for one in ids]
        name = next(one for one in wanted if one not in self._given)
        self._given.add(name)
        return name


def _new_id(transaction_id: str) -> str:
    return "str_" + hashlib.sha256(transaction_id.encode()).hexdigest()[:20]
