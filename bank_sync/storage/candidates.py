"""Which transactions may belong together: few rows out of many, found by the database.

Belongs here: reading candidates for links, in bounded windows. Does not belong here: judging them
(`sync.matching`), storing what was decided (`storage.links`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, text

EARLIEST_DAYS, LATEST_DAYS = -1, 10
"""A posted row is dated no earlier and no later than this many days after its pending row."""

_VANISHED_DAYS = 20  # a pending row that left longer ago without a successor was cancelled
_LOOK_BACK_DAYS = 45  # oldest pending rows looked at: holds of hotels and petrol stations last a month


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction as far as pending and posted rows are compared; `removed_at` None is still listed."""

    transaction_id: str
    account_id: str
    currency: str
    amount: Decimal
    booked_on: date
    value_on: date | None
    authorised_on: date | None
    description: str
    merchant_name: str | None
    counterparty_name: str | None
    provider_transaction_id: str | None
    pending_provider_transaction_id: str | None
    first_seen_at: datetime
    removed_at: datetime | None


_ENTRY = ", ".join(f"t.{name}" for name in Entry.__slots__)

_UNLINKED = (
    "NOT EXISTS (SELECT FROM bank.transaction_links AS l WHERE l.state = 'accepted' AND l.undone_at IS NULL "
    "AND ((l.kind = 'pending_posted' AND l.to_transaction_id = t.transaction_id) "
    "OR (l.kind = 'split_part' AND l.from_transaction_id = t.transaction_id)))"
)


def open_pendings(db: Connection, connection_id: str, *, now: datetime) -> list[Entry]:
    """Pending rows without a successor: those still listed, and those that vanished lately."""
    parameters = {
        "connection_id": connection_id,
        "back": timedelta(days=_LOOK_BACK_DAYS),
        "now": now,
        "since": now - timedelta(days=_VANISHED_DAYS),
    }
    return [Entry(**row) for row in db.execute(text(_OPEN_PENDINGS), parameters).mappings()]


# reaches back from the sync before this one, so that a long silence hides nothing
_OPEN_PENDINGS = f"""
SELECT {_ENTRY}
FROM bank.connections AS c
JOIN bank.accounts AS a USING (connection_id)
JOIN bank.transactions AS t USING (account_id)
WHERE c.connection_id = :connection_id
    AND t.booked_on >= (least(coalesce(c.last_synced_at, :now), :now) - :back)::date
    AND t.posting = 'pending' AND t.superseded_by IS NULL
    AND (t.removed_at IS NULL OR t.removed_at >= :since)
ORDER BY t.transaction_id
"""  # noqa: S608 - column names are constants


def naming(db: Connection, pendings: Collection[Entry]) -> list[Entry]:
    """Live posted rows of which the provider says that they replace one of these pending rows."""
    named = [one for one in pendings if one.provider_transaction_id is not None]
    if not named:
        return []
    parameters = {
        "accounts": [one.account_id for one in named],
        "ids": [one.provider_transaction_id for one in named],
    }
    return [Entry(**row) for row in db.execute(text(_NAMING), parameters).mappings()]


_NAMING = f"""
SELECT {_ENTRY}
FROM unnest(CAST(:accounts AS text[]), CAST(:ids AS text[])) AS named(account_id, provider_id)
JOIN bank.transactions AS t ON t.account_id = named.account_id
    AND t.pending_provider_transaction_id = named.provider_id
WHERE t.posting = 'posted' AND t.removed_at IS NULL AND t.superseded_by IS NULL AND {_UNLINKED}
ORDER BY t.transaction_id
"""  # noqa: S608 - column names are constants


def successors(db: Connection, vanished: Collection[Entry]) -> list[Entry]:
    """Live posted rows that came after one of these pending rows and may be what became of it."""
    if not vanished:
        return []
    parameters = {
        "accounts": [one.account_id for one in vanished],
        "currencies": [one.currency for one in vanished],
        "amounts": [one.amount for one in vanished],
        "days": [one.booked_on for one in vanished],
        "seen": [one.first_seen_at for one in vanished],
        "gone": [one.removed_at for one in vanished],
        "earliest": EARLIEST_DAYS,
        "latest": LATEST_DAYS,
        "greatest": GREATEST_GROWTH,
    }
    return [Entry(**row) for row in db.execute(text(_SUCCESSORS), parameters).mappings()]


GREATEST_GROWTH = Decimal("1.3")
"""How much larger than what was held a posted amount may be without a provider's word: a generous tip."""

_SUCCESSORS = f"""
SELECT DISTINCT ON (t.transaction_id) {_ENTRY}
FROM unnest(CAST(:accounts AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS numeric[]),
    CAST(:days AS date[]), CAST(:seen AS timestamptz[]), CAST(:gone AS timestamptz[]))
    AS p(account_id, currency, amount, day, seen_at, gone_at)
JOIN bank.transactions AS t ON t.account_id = p.account_id
    AND t.booked_on BETWEEN p.day + CAST(:earliest AS integer) AND p.day + CAST(:latest AS integer)
WHERE t.posting = 'posted' AND t.removed_at IS NULL AND t.superseded_by IS NULL
    AND t.currency = p.currency AND sign(t.amount) = sign(p.amount)
    AND abs(t.amount) <= abs(p.amount) * :greatest
    AND (t.first_seen_at > p.seen_at OR t.first_seen_at = p.gone_at)
    AND t.first_seen_at <= p.gone_at + interval '10 days'
    AND {_UNLINKED}
ORDER BY t.transaction_id
"""  # noqa: S608 - column names are constants


def dismissed_pairs(db: Connection, transaction_ids: Collection[str]) -> set[tuple[str, str, str]]:
    """(kind, from, to) of pairs a person refused or took apart: no rule joins or proposes them again."""
    if not transaction_ids:
        return set()
    found = db.execute(
        text(
            "SELECT kind, from_transaction_id, to_transaction_id FROM bank.transaction_links "
            "WHERE from_transaction_id = ANY(CAST(:ids AS text[])) "
            "AND ((state = 'rejected' AND undone_at IS NULL) "
            "OR (state = 'accepted' AND undone_by LIKE 'user:%'))"
        ),
        {"ids": list(transaction_ids)},
    )
    return {(row.kind, row.from_transaction_id, row.to_transaction_id) for row in found}
