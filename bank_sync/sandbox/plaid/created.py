"""`/sandbox/transactions/create`: rows a developer adds to an Item whose person was made for that.

Not here: rows by command (`sandbox.commands`), which any person takes.
"""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bank_sync.sandbox.context import Context, book_commands
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.errors import PlaidError, invalid_field, missing_fields
from bank_sync.sandbox.plaid.items import healthy_item, life_of
from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.world.book import Command

_DYNAMIC_USER = "user_transactions_dynamic"
_MOST, _OLDEST = 10, timedelta(days=14)


def create(context: Context, fields: Fields) -> dict[str, object]:
    """Add up to ten booked rows of the last fourteen days.

    Raises:
        PlaidError: Another kind of person, too many rows, or a day or amount that is not allowed.
    """
    item = healthy_item(context, fields)
    if item.user_key != _DYNAMIC_USER:
        message = f"the Item was not created with {_DYNAMIC_USER}"
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_PRODUCT_NOT_ENABLED", message)
    wanted = fields.values.get("transactions")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST:
        raise invalid_field(f"transactions must be an array of 1 to {_MOST}")
    spent = [_spent(context, item, Fields(each if isinstance(each, dict) else {})) for each in wanted]
    for each in spent:
        _enter(context, item, each)
    return {}


def _spent(context: Context, item: Item, row: Fields) -> dict[str, Any]:
    amount = row.values.get("amount")
    if amount is None:
        raise missing_fields("amount")
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise invalid_field("amount must be a number")
    return {
        "account": _account_key(context, item, row.optional_text("account_id")),
        "amount": f"{-Decimal(str(amount)):f}",
        "description": row.text("description"),
        "booked_on": str(_recent(context, row, "date_posted")),
        "authorised_on": str(_recent(context, row, "date_transacted")),
    }


def _recent(context: Context, row: Fields, name: str) -> date:
    day, today = row.day(name), context.now().date()
    if not today - _OLDEST <= day <= today:
        raise invalid_field(f"{name} must be within the last {_OLDEST.days} days")
    return day


def _account_key(context: Context, item: Item, account_id: str | None) -> str:
    accounts = life_of(context, item).accounts
    if account_id is None:
        return accounts[0].key
    for account in accounts:
        if render.account_id(item, account) == account_id:
            return account.key
    raise invalid_field("account_id is not one of the Item's")


def _enter(context: Context, item: Item, spent: dict[str, Any]) -> None:
    life, serial = life_of(context, item), context.store.next_serial()
    command = Command(serial, life.bank.key, life.person.key, context.now(), "spend", json.dumps(spent))
    context.world.command(command)
    book_commands(context.store).put(str(serial), command)
