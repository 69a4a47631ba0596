"""Plaid's transaction calls: `/transactions/sync` over the change log, and the older `/transactions/get`."""

import base64
import binascii
from datetime import timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.errors import PlaidError, invalid_field
from bank_sync.sandbox.plaid.items import healthy_item, life_of, speak_item, statements
from bank_sync.sandbox.plaid.log import Change, LogBook, Verb, history_start
from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.world.ledger import statement
from bank_sync.sandbox.world.life import Life


def sync(context: Context, fields: Fields, logs: LogBook) -> dict[str, object]:
    """/transactions/sync: up to `count` changes after the cursor."""
    item = healthy_item(context, fields)
    count = fields.number("count", 100, 1, 500)
    now = context.now()
    if _is_not_ready(context, item):
        return _page([], [], [], accounts=[], cursor="", has_more=False, status="NOT_READY")
    life = life_of(context, item)
    entries = logs.entries(item, life, now)
    start = _position(item, fields.optional_text("cursor") or "", len(entries))
    chunk = entries[start : start + count]
    end = start + len(chunk)
    with_original = fields.inner("options").flag("include_original_description")
    touched = {change.movement.account.key for change in chunk}
    return _page(
        _rows(item, life, chunk, Verb.ADDED, with_original=with_original),
        _rows(item, life, chunk, Verb.MODIFIED, with_original=with_original),
        [_removal(item, change) for change in chunk if change.verb is Verb.REMOVED],
        accounts=[each for key, each in statements(context, item).items() if key in touched],
        cursor=_cursor(item, end),
        has_more=end < len(entries),
        status="HISTORICAL_UPDATE_COMPLETE",
    )


def get(context: Context, fields: Fields) -> dict[str, object]:
    """/transactions/get: the rows between two dates as they stand, newest first."""
    item = healthy_item(context, fields)
    start, end, options = fields.day("start_date"), fields.day("end_date"), fields.inner("options")
    count, offset = options.number("count", 100, 1, 500), options.number("offset", 0, 0, 1_000_000)
    if start > end:
        raise invalid_field("start_date must not be after end_date")
    if _is_not_ready(context, item):
        raise PlaidError(
            "ITEM_ERROR",
            "PRODUCT_NOT_READY",
            "the requested product is not yet ready. please provide a webhook or try the request again later",
        )
    rows = live_rows(context, item, with_original=options.flag("include_original_description"))
    wanted = set(options.texts("account_ids"))
    rows = [
        row
        for row in rows
        if str(start) <= str(row["date"]) <= str(end) and (not wanted or row["account_id"] in wanted)
    ]
    return {
        "accounts": list(statements(context, item).values()),
        "transactions": rows[offset : offset + count],
        "total_transactions": len(rows),
        "item": speak_item(item),
    }


def live_rows(context: Context, item: Item, *, with_original: bool = False) -> list[dict[str, object]]:
    """Every row the Item shows now, newest first."""
    now, life = context.now(), life_of(context, item)
    since = history_start(item)
    rows = []
    for account in life.accounts:
        state = statement(life, account, now, since)
        movements = [(row.movement, False) for row in state.posted] + [(row, True) for row in state.pending]
        rows += [
            render.transaction(item, life, movement, pending=pending, at=now, with_original=with_original)
            for movement, pending in movements
        ]
    return sorted(rows, key=lambda row: (str(row["date"]), str(row["transaction_id"])), reverse=True)


def _is_not_ready(context: Context, item: Item) -> bool:
    wait = timedelta(seconds=context.config.plaid_not_ready_s)
    return context.now() < item.linked_at + wait


def _page(
    added: list[dict[str, object]],
    modified: list[dict[str, object]],
    removed: list[dict[str, str]],
    *,
    accounts: list[dict[str, object]],
    cursor: str,
    has_more: bool,
    status: str,
) -> dict[str, object]:
    return {
        "transactions_update_status": status,
        "accounts": accounts,
        "added": added,
        "modified": modified,
        "removed": removed,
        "next_cursor": cursor,
        "has_more": has_more,
    }


def _rows(
    item: Item, life: Life, changes: list[Change], verb: Verb, *, with_original: bool
) -> list[dict[str, object]]:
    return [
        render.transaction(
            item, life, change.movement, pending=change.pending, at=change.at, with_original=with_original
        )
        for change in changes
        if change.verb is verb
    ]


def _removal(item: Item, change: Change) -> dict[str, str]:
    return {
        "transaction_id": render.transaction_id(item, change.movement, pending=change.pending),
        "account_id": render.account_id(item, change.movement.account),
    }


def _cursor(item: Item, position: int) -> str:
    return base64.b64encode(f"{item.item_id}:{position}".encode()).decode()


def _position(item: Item, cursor: str, end: int) -> int:
    """Where in the log a cursor points: nothing is the beginning, "now" the end.

    Raises:
        PlaidError: INVALID_FIELD for a cursor that is not this Item's.
    """
    if cursor in {"", "now"}:
        return end if cursor else 0
    try:
        item_id, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
        if item_id == item.item_id:
            return min(int(position), end)
    except (binascii.Error, ValueError):
        pass
    raise invalid_field("cursor not associated with access_token")
