"""Planted mistakes: wrong orders of writing that look right until a process dies between commits.

Belongs here: small patches of the real code, planted in a victim alone. Does not belong here: whether they
are caught (`test_f16_kill_sweep`).

The first three are the classic ones of syncing with a cursor; the fourth is their sister for providers that
have a window instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, text

from bank_sync.domain.models import AccountReference, Page, TransactionRecord
from bank_sync.providers.plaid.client import PlaidProvider
from bank_sync.storage import raw_pages

CURSOR_FIRST = "cursor committed first"
PLAIN_INSERT = "data, then cursor, with plain insert"
UPSERT = "data, then cursor, with upsert"
WATERMARK_FIRST = "watermark committed first"


def plant(name: str, engine: Engine) -> None:
    """Plant one mistake in this process."""
    _PLANTS[name](engine)


def _cursor_first(engine: Engine) -> None:
    """The cursor is safe before the pages that it stands for are."""
    store, move = raw_pages.store_round, raw_pages._move_cursor
    raw_pages._move_cursor = lambda *_, **__: None

    def mutant(
        db: Connection,
        connection_id: str,
        part: Any,
        received: Iterable[Any],
        **options: Any,
    ) -> Any:
        pages = list(received)
        ends_at = _last_cursor(pages)
        if ends_at is not None:
            with engine.begin() as own:
                move(own, connection_id, options["cursor_stored"], ends_at, now=options["now"])
        return store(db, connection_id, part, pages, **options)

    raw_pages.store_round = mutant


def _last_cursor(items: list[Any]) -> str | None:
    cursors = [item.cursor_after for item in items if isinstance(item, Page) and item.cursor_after]
    return cursors[-1] if cursors else None


def _data_then_cursor(engine: Engine) -> None:
    """The pages are safe before the cursor that they lead to is."""
    store, move = raw_pages.store_round, raw_pages._move_cursor
    raw_pages._move_cursor = lambda *_, **__: None

    def mutant(
        db: Connection,
        connection_id: str,
        part: Any,
        received: Iterable[Any],
        **options: Any,
    ) -> Any:
        pages = list(received)
        with engine.begin() as own:
            stored = store(own, connection_id, part, pages, **options)
        ends_at = _last_cursor(pages)
        if ends_at is not None:
            move(db, connection_id, options["cursor_stored"], ends_at, now=options["now"])
        return stored

    raw_pages.store_round = mutant


def _plain_insert(engine: Engine) -> None:
    """What a table without a unique key does with a row that is told a second time."""
    _data_then_cursor(engine)
    read = PlaidProvider.read_transactions

    def mutant(self: PlaidProvider, page: Page, accounts: Mapping[str, AccountReference]) -> Iterator[Any]:
        added = {row["transaction_id"] for row in json.loads(page.body)["added"]}
        for item in read(self, page, accounts):
            if isinstance(item, TransactionRecord) and item.provider_transaction_id in added:
                yield _as_another_if_known(engine, item)
            else:
                yield item

    PlaidProvider.read_transactions = mutant  # type: ignore[method-assign]  # planted on purpose


def _as_another_if_known(engine: Engine, record: TransactionRecord) -> TransactionRecord:
    query = text(
        "SELECT count(*) FROM bank.transactions WHERE provider_transaction_id = :id AND removed_at IS NULL"
    )
    with engine.connect() as db:
        known: int = db.execute(query, {"id": record.provider_transaction_id}).scalar_one()
    return (
        replace(record, provider_transaction_id=f"{record.provider_transaction_id}-again")
        if known
        else record
    )


def _watermark_first(engine: Engine) -> None:
    """A round counts as projected before its rows are in the ledger."""
    mark = raw_pages.mark_projected

    def mutant(db: Connection, round_id: int, **options: Any) -> bool:
        with engine.begin() as own:
            return mark(own, round_id, **options)

    raw_pages.mark_projected = mutant


_PLANTS: Mapping[str, Callable[[Engine], None]] = {
    CURSOR_FIRST: _cursor_first,
    PLAIN_INSERT: _plain_insert,
    UPSERT: _data_then_cursor,
    WATERMARK_FIRST: _watermark_first,
}
