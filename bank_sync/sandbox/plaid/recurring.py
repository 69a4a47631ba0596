"""`/transactions/recurring/get`: rows that come again, found by their payee and their distance in days.

Not here: single rows (`transactions`).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.items import healthy_item
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.plaid.transactions import live_rows
from bank_sync.sandbox.world.dice import ALPHANUMERIC, code

Row = Mapping[str, Any]

# the shortest and longest distance in days that still counts as that rhythm
_FREQUENCIES = (("WEEKLY", 6, 8), ("BIWEEKLY", 13, 15), ("MONTHLY", 26, 35), ("ANNUALLY", 350, 380))
_MATURE = 3
_TOLERANCE_DAYS = 6  # weekends and holidays move a rent day
_CENT = Decimal("0.01")


def get(context: Context, fields: Fields) -> dict[str, object]:
    """The streams of an Item, money in and money out apart."""
    item, wanted = healthy_item(context, fields), fields.texts("account_ids")
    groups: defaultdict[tuple[str, str, bool], list[Row]] = defaultdict(list)
    rows: list[dict[str, Any]] = live_rows(context, item)[::-1]
    for row in rows:
        if not row["pending"] and (not wanted or row["account_id"] in wanted):
            groups[row["account_id"], row["merchant_name"] or row["name"], row["amount"] > 0].append(row)
    streams = [(key[2], _stream(key, found, context.now().date())) for key, found in groups.items()]
    return {
        "inflow_streams": [each for is_out, each in streams if each and not is_out],
        "outflow_streams": [each for is_out, each in streams if each and is_out],
        "updated_datetime": render.instant(context.now()),
    }


def _stream(key: tuple[str, str, bool], rows: Sequence[Row], today: date) -> dict[str, object] | None:
    """The stream these rows make, oldest row first; None if they have no rhythm."""
    days = [date.fromisoformat(row["date"]) for row in rows]
    gaps = [(after - before).days for before, after in pairwise(days)]
    rhythm = next((each for each in _FREQUENCIES if gaps and each[1] <= median(gaps) <= each[2]), None)
    if rhythm is None or len(rows) < _fewest(rhythm[0]) or not _is_steady(gaps):
        return None
    next_day = days[-1] + timedelta(days=round(median(gaps)))
    is_active = today <= next_day + timedelta(days=_TOLERANCE_DAYS)
    last = rows[-1]
    return {
        "stream_id": code(ALPHANUMERIC, 37, "stream", *key),
        "account_id": key[0],
        "description": last["name"],
        "merchant_name": last["merchant_name"],
        "category": [],
        "category_id": "",
        "first_date": str(days[0]),
        "last_date": str(days[-1]),
        "predicted_next_date": str(next_day) if is_active else None,
        "frequency": rhythm[0],
        "transaction_ids": [row["transaction_id"] for row in rows],
        "average_amount": _money(last, _average(rows)),
        "last_amount": _money(last, last["amount"]),
        "is_active": is_active,
        "status": ("MATURE" if len(rows) >= _MATURE else "EARLY_DETECTION") if is_active else "TOMBSTONED",
        "personal_finance_category": last["personal_finance_category"],
        "is_user_modified": False,
    }


def _fewest(frequency: str) -> int:
    return 2 if frequency == "ANNUALLY" else _MATURE


def _is_steady(gaps: Sequence[int]) -> bool:
    return all(abs(gap - median(gaps)) <= _TOLERANCE_DAYS for gap in gaps)


def _average(rows: Sequence[Row]) -> int | float:
    total = sum((Decimal(str(row["amount"])) for row in rows), Decimal(0))
    return render.number((total / len(rows)).quantize(_CENT))


def _money(row: Row, amount: float) -> dict[str, object]:
    return {
        "amount": amount,
        "iso_currency_code": row["iso_currency_code"],
        "unofficial_currency_code": row["unofficial_currency_code"],
    }
