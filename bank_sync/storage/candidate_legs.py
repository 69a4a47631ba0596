"""Pairs of rows that may be the two legs of an internal transfer, or the same event told twice.

Belongs here: finding them among all accounts of one person. Does not belong here: judging them
(`sync.matching.transfers`).

Only rows that changed since the last finished sync start a search; what they meet is searched once more from
the other side, so that a choice is seen from both ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

TRANSFER_DAYS = 5
"""Legs of one transfer are booked within so many days."""

_MANY_ROWS = 2_000
_MOST_PAIRS = 20_000  # a person with more equal and opposite amounts than that is served in later syncs


@dataclass(frozen=True, slots=True)
class Leg:
    """One posted row as far as transfers are concerned."""

    transaction_id: str
    connection_id: str
    account_id: str
    account_mask: str | None
    amount: Decimal
    currency: str
    booked_on: date
    description: str
    provider_category: str | None
    provider_type: str | None
    merchant_category_code: str | None


@dataclass(frozen=True, slots=True)
class LegPair:
    """Money that left one account and money that reached another."""

    out: Leg
    into: Leg


# rounds, not times of rows alone: a round that was held back and let through later carries old times
_CHANGED = """
    SELECT t.transaction_id AS id
    FROM (
        SELECT r.round_id, r.fetched_at FROM raw.rounds AS r
        JOIN bank.connections AS c USING (connection_id)
        WHERE r.connection_id = :connection_id AND r.part = 'transactions'
            AND r.projected_at >= coalesce(c.last_synced_at - interval '1 hour', '-infinity')
    ) AS recent
    JOIN bank.transactions AS t ON t.connection_id = :connection_id
        AND t.changed_at = recent.fetched_at AND t.round_id = recent.round_id
    WHERE t.posting = 'posted' AND t.removed_at IS NULL AND t.superseded_by IS NULL
"""

_NAMED = "SELECT unnest(CAST(:ids AS text[])) AS id"


def count_changed(db: Connection, connection_id: str) -> int:
    """How many live posted rows changed since the last finished sync; of very many, that they are many."""
    counted = text(f"SELECT count(*) FROM ({_CHANGED} LIMIT :many) AS counted")  # noqa: S608 - a constant
    return int(db.execute(counted, {"connection_id": connection_id, "many": _MANY_ROWS}).scalar_one())


def leg_pairs(db: Connection, connection_id: str, *, changed: int) -> list[LegPair]:
    """Pairs with a changed row on one side, and the pairs those rows could be in instead.

    `changed` is what `count_changed` gave.
    """
    first = _pairs(db, _PAIRS_OF_CHANGED, connection_id, [], rows=changed)
    met = sorted({leg.transaction_id for pair in first for leg in (pair.out, pair.into)})
    second = _pairs(db, _PAIRS_OF_NAMED, connection_id, met, rows=len(met)) if met else []
    seen = {(pair.out.transaction_id, pair.into.transaction_id): pair for pair in (*first, *second)}
    return list(seen.values())


def _pairs(db: Connection, query: str, connection_id: str, ids: list[str], *, rows: int) -> list[LegPair]:
    parameters = {"connection_id": connection_id, "days": TRANSFER_DAYS, "limit": _MOST_PAIRS, "ids": ids}
    if rows < _MANY_ROWS:
        return [_pair(dict(row)) for row in db.execute(text(query), parameters).mappings()]
    # right after a bulk load the planner knows too little and would probe an index for every row
    db.execute(text("SET LOCAL enable_nestloop = off"))
    found = [_pair(dict(row)) for row in db.execute(text(query), parameters).mappings()]
    db.execute(text("SET LOCAL enable_nestloop = on"))
    return found


def _pair(row: dict[str, Any]) -> LegPair:
    one = Leg(**{name: row[f"one_{name}"] for name in Leg.__slots__})
    other = Leg(**{name: row[f"other_{name}"] for name in Leg.__slots__})
    return LegPair(one, other) if one.amount < 0 else LegPair(other, one)


_COLUMNS = ", ".join(name for name in Leg.__slots__ if name != "account_mask")
_ROW = f"{_COLUMNS}, original_currency, original_amount"

_SAME_CURRENCY = "other.currency = one.currency AND other.amount = -one.amount"
_EXCHANGES = (
    "one.original_currency = other.currency AND abs(one.original_amount) = abs(other.amount)",
    "other.original_currency = one.currency AND abs(other.original_amount) = abs(one.amount)",
)
"""One side quotes the other's figures; each stands in a join of its own, since OR cannot be hashed."""


def _side(alias: str) -> str:
    return ", ".join(f"{alias}.{name} AS {alias}_{name}" for name in Leg.__slots__)


def _meeting(condition: str) -> str:
    return f"""
    SELECT {_side("one")}, {_side("other")}
    FROM mine AS one JOIN near AS other ON {condition} AND other.account_id <> one.account_id
        AND sign(other.amount) = -sign(one.amount)
        AND other.booked_on BETWEEN one.booked_on - CAST(:days AS integer)
            AND one.booked_on + CAST(:days AS integer)
    """  # noqa: S608 - column names are constants


# two look-ups rather than one with OR: each is an anti-join of its own
_FREE = " AND ".join(
    "NOT EXISTS (SELECT FROM bank.transaction_links AS l WHERE l.kind = 'transfer' AND l.state = 'accepted' "
    f"AND l.undone_at IS NULL AND l.{end} = met.{side}_transaction_id)"
    for side in ("one", "other")
    for end in ("from_transaction_id", "to_transaction_id")
)

# `near` is what the person has around those days: left to itself the planner goes through everybody's days
_PAIRS_OF = f"""
WITH asked AS ({{asked}}), own AS MATERIALIZED (
    SELECT a.account_id, a.mask AS account_mask FROM bank.accounts AS a
    JOIN bank.connections AS c USING (connection_id)
    WHERE c.user_id = (SELECT user_id FROM bank.connections WHERE connection_id = :connection_id)
        AND c.state <> 'erased'
), mine AS MATERIALIZED (
    SELECT {_ROW}, account_mask FROM bank.transactions JOIN own USING (account_id)
    WHERE transaction_id = ANY (ARRAY(SELECT id FROM asked)) AND amount <> 0
), near AS MATERIALIZED (
    SELECT {_ROW}, account_mask FROM (
        SELECT {_ROW} FROM bank.transactions
        WHERE account_id = ANY (ARRAY(SELECT account_id FROM own))
            AND booked_on >= (SELECT min(booked_on) FROM mine) - CAST(:days AS integer)
            AND booked_on <= (SELECT max(booked_on) FROM mine) + CAST(:days AS integer)
            AND posting = 'posted' AND removed_at IS NULL AND superseded_by IS NULL
        OFFSET 0
    ) AS around JOIN own USING (account_id)
)
SELECT * FROM ({" UNION ALL ".join(map(_meeting, (_SAME_CURRENCY, *_EXCHANGES)))}) AS met
WHERE {_FREE}
ORDER BY one_booked_on DESC, one_transaction_id, other_transaction_id LIMIT :limit
"""  # noqa: S608 - column names are constants
_PAIRS_OF_CHANGED = _PAIRS_OF.format(asked=_CHANGED)
_PAIRS_OF_NAMED = _PAIRS_OF.format(asked=_NAMED)


@dataclass(frozen=True, slots=True)
class Twin:
    """Two live rows that tell the same event: `later` is the one that came second."""

    later_id: str
    earlier_id: str
    same_account: bool


def late_twins(db: Connection, connection_id: str, *, now: datetime) -> list[Twin]:
    """Rows equal to one known before, that came days after their date had been read."""
    parameters = {"since": now - timedelta(days=_TWIN_DAYS), "connection_id": connection_id}
    late: list[str] = list(db.execute(text(_LATE), {**parameters, "limit": _MOST_LATE}).scalars())
    found = db.execute(text(_TWINS), {"ids": late}) if late else ()
    return [Twin(row.later_id, row.earlier_id, same_account=True) for row in found]


_TWIN_DAYS = 60  # what came longer ago has been looked at when it came
_MOST_LATE = 2_000  # more at once is a history that was opened up, not late rows

# nothing is late at a first sync
_LATE = f"""
WITH asked AS MATERIALIZED ({_CHANGED})
SELECT t.transaction_id FROM asked JOIN bank.transactions AS t ON t.transaction_id = asked.id
WHERE EXISTS (
        SELECT FROM bank.connections WHERE connection_id = :connection_id AND last_synced_at IS NOT NULL)
    AND t.first_seen_at >= :since AND t.booked_on < t.first_seen_at::date - 3
ORDER BY t.booked_on DESC, t.transaction_id LIMIT :limit
"""  # noqa: S608 - joined from constants

_TWINS = """
SELECT DISTINCT ON (later.transaction_id)
    later.transaction_id AS later_id, earlier.transaction_id AS earlier_id
FROM unnest(CAST(:ids AS text[])) AS asked(id)
JOIN bank.transactions AS later ON later.transaction_id = asked.id
JOIN bank.transactions AS earlier ON earlier.account_id = later.account_id
    AND earlier.booked_on = later.booked_on AND earlier.transaction_id <> later.transaction_id
WHERE earlier.first_seen_at < later.first_seen_at AND earlier.first_seen_at::date > later.booked_on
    AND earlier.posting = 'posted' AND earlier.removed_at IS NULL AND earlier.superseded_by IS NULL
    AND (earlier.amount, earlier.currency, earlier.description)
        = (later.amount, later.currency, later.description)
ORDER BY later.transaction_id, earlier.first_seen_at, earlier.transaction_id
"""


def shared_account_twins(db: Connection, connection_id: str, *, limit: int = 500) -> list[Twin]:
    """Equal rows of one account that a person reached by two connections; the newer connection's give way.

    Accounts are one where the stable key is the same, or the last digits, type and currency are and most rows
    of their common days agree. Two equal rows of a day meet in their order.
    """
    accounts = [tuple(row) for row in db.execute(text(_SHARED_ACCOUNTS), {"connection_id": connection_id})]
    twins: list[Twin] = []
    for newer, older, is_certain in accounts:
        compared = db.execute(text(_OVERLAP), {"newer": newer, "older": older}).one()
        mostly = compared.common >= _LEAST_COMMON and compared.common >= _SHARE_COMMON * compared.least
        if is_certain or mostly:
            found = db.execute(text(_SHARED_ROWS), {"newer": newer, "older": older, "limit": limit})
            twins += [Twin(row.later_id, row.earlier_id, same_account=False) for row in found]
    return twins


_LEAST_COMMON, _SHARE_COMMON = 5, 0.8

_SHARED_ACCOUNTS = """
SELECT CASE WHEN (ca.linked_at, a.account_id) > (cb.linked_at, b.account_id)
        THEN a.account_id ELSE b.account_id END,
    CASE WHEN (ca.linked_at, a.account_id) > (cb.linked_at, b.account_id)
        THEN b.account_id ELSE a.account_id END,
    keys.is_shared
FROM bank.accounts AS a JOIN bank.connections AS ca USING (connection_id)
JOIN bank.connections AS cb ON cb.user_id = ca.user_id AND cb.connection_id <> ca.connection_id
JOIN bank.accounts AS b ON b.connection_id = cb.connection_id
    AND b.currency = a.currency AND b.type = a.type
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM bank.account_keys AS known JOIN bank.account_keys AS same USING (stable_key)
        WHERE known.account_id = a.account_id AND same.account_id = b.account_id
    ) AS is_shared
) AS keys
WHERE ca.connection_id = :connection_id AND cb.state <> 'erased' AND (keys.is_shared OR b.mask = a.mask)
"""

_NUMBERED = """
    SELECT transaction_id, booked_on, amount, currency, description,
        row_number() OVER (
            PARTITION BY booked_on, amount, currency ORDER BY description, transaction_id) AS nth
    FROM bank.transactions
    WHERE posting = 'posted' AND removed_at IS NULL AND superseded_by IS NULL AND account_id =
"""

_OVERLAP = f"""
WITH newer AS ({_NUMBERED} :newer), older AS ({_NUMBERED} :older), span AS (
    SELECT greatest((SELECT min(booked_on) FROM newer), (SELECT min(booked_on) FROM older)) AS first_on,
        least((SELECT max(booked_on) FROM newer), (SELECT max(booked_on) FROM older)) AS last_on
)
SELECT (SELECT count(*) FROM newer JOIN older USING (booked_on, amount, currency, nth)) AS common,
    least((SELECT count(*) FROM newer, span WHERE booked_on BETWEEN first_on AND last_on),
        (SELECT count(*) FROM older, span WHERE booked_on BETWEEN first_on AND last_on)) AS least
"""  # noqa: S608 - joined from constants

_SHARED_ROWS = f"""
WITH newer AS ({_NUMBERED} :newer), older AS ({_NUMBERED} :older)
SELECT newer.transaction_id AS later_id, older.transaction_id AS earlier_id
FROM newer JOIN older USING (booked_on, amount, currency, nth)
ORDER BY booked_on DESC, newer.transaction_id LIMIT :limit
"""  # noqa: S608 - joined from constants
