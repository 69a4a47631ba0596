"""Plaid's transaction calls: `/transactions/sync` over the change log, and the older `/transactions/get`."""

from dataclasses import replace

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.cursors import Cursor, read_cursor
from bank_sync.sandbox.plaid.errors import PlaidError, invalid_field, mutation_during_pagination
from bank_sync.sandbox.plaid.items import healthy_item, life_of, speak_item, statements
from bank_sync.sandbox.plaid.log import Change, LogBook, history_start, initial_start
from bank_sync.sandbox.plaid.records import Item, items
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.plaid.stages import Stage, served, stage_of
from bank_sync.sandbox.world.book import Verb
from bank_sync.sandbox.world.ledger import statement
from bank_sync.sandbox.world.life import Life


def sync(context: Context, fields: Fields, logs: LogBook) -> dict[str, object]:
    """/transactions/sync: up to `count` changes after the cursor.

    Raises:
        PlaidError: INVALID_FIELD for a cursor that leads nowhere, or the mutation a command asked for.
    """
    item = healthy_item(context, fields)
    count, stage = fields.number("count", 100, 1, 500), stage_of(context, item)
    if stage is Stage.NOT_READY:
        return _page([], [], [], accounts=[], cursor="", has_more=False, status=stage.status)
    item, life = served(context, item, stage), life_of(context, item)
    entries = logs.entries(item, life, context.now())
    cursor = read_cursor(item, fields.optional_text("cursor") or "", len(entries))
    if cursor.is_within and item.mutations:
        items(context).put(item.access_token, replace(item, mutations=item.mutations - 1))
        raise mutation_during_pagination()
    end = min(cursor.position + count, len(entries))
    chunk = _of_listed_accounts(item, life, _standing(entries, cursor.position, end))
    with_original = fields.inner("options").flag("include_original_description")
    touched = {change.movement.account.key for change in chunk}
    return _page(
        _rows(item, life, chunk, Verb.ADDED, with_original=with_original),
        _rows(item, life, chunk, Verb.MODIFIED, with_original=with_original),
        [_removal(item, change) for change in chunk if change.verb is Verb.REMOVED],
        accounts=list(statements(context, item, touched).values()),
        cursor=Cursor(end, is_within=end < len(entries)).spoken(item),
        has_more=end < len(entries),
        status=stage.status,
    )


def _standing(entries: list[Change], start: int, end: int) -> list[Change]:
    """The entries of a page that still stand: of a row that came back, nothing before its return is told."""
    chunk = entries[start:end]
    if all(change.verb is not Verb.REMOVED for change in chunk):
        return chunk
    returned = {change.row: place for place, change in enumerate(entries) if change.verb is Verb.ADDED}
    return [change for place, change in enumerate(chunk, start) if returned.get(change.row, place) <= place]


def _of_listed_accounts(item: Item, life: Life, changes: list[Change]) -> list[Change]:
    """Without rows of accounts that the Item lists no more, or under another id; removals go on."""
    listed = {
        render.account_id(item, account) for account in life.accounts if account.key not in life.book.closed
    }
    return [
        change
        for change in changes
        if change.verb is Verb.REMOVED
        or render.account_id(_item_then(item, change), change.movement.account) in listed
    ]


def get(context: Context, fields: Fields) -> dict[str, object]:
    """/transactions/get: the rows between two dates as they stand, newest first."""
    item = healthy_item(context, fields)
    start, end, options = fields.day("start_date"), fields.day("end_date"), fields.inner("options")
    count, offset = options.number("count", 100, 1, 500), options.number("offset", 0, 0, 1_000_000)
    if start > end:
        raise invalid_field("start_date must not be after end_date")
    stage = stage_of(context, item)
    if stage is Stage.NOT_READY:
        raise PlaidError(
            "ITEM_ERROR",
            "PRODUCT_NOT_READY",
            "the requested product is not yet ready. please provide a webhook or try the request again later",
        )
    if stage is Stage.INITIAL:
        start = max(start, initial_start(item))
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
            _item_then(item, change),
            life,
            change.movement,
            pending=change.pending,
            at=change.at,
            with_original=with_original,
        )
        for change in changes
        if change.verb is verb
    ]


def _removal(item: Item, change: Change) -> dict[str, str]:
    then = _item_then(item, change)
    return {
        "transaction_id": render.transaction_id(then, change.movement, pending=change.pending),
        "account_id": render.account_id(then, change.movement.account),
    }


def _item_then(item: Item, change: Change) -> Item:
    """The Item with the account ids it had at that change."""
    return replace(item, renewed=item.renewed[: change.renewals]) if item.renewed else item
