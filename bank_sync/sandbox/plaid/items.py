"""Items: from a public token to an access token, their accounts, and their end."""

from collections.abc import Container
from dataclasses import replace
from datetime import timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.errors import (
    PlaidError,
    institution_down,
    invalid_input,
    login_required,
    permission_revoked,
)
from bank_sync.sandbox.plaid.institutions import BANK_OF, bank_of
from bank_sync.sandbox.plaid.log import history_start
from bank_sync.sandbox.plaid.records import Item, items, public_tokens
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.world.dice import ALPHANUMERIC
from bank_sync.sandbox.world.ledger import statement
from bank_sync.sandbox.world.life import Life

_PUBLIC_TOKEN_LIFE = timedelta(minutes=30)


def exchange(context: Context, fields: Fields) -> dict[str, object]:
    """/item/public_token/exchange: once, and within thirty minutes."""
    token = fields.text("public_token")
    public = public_tokens(context).get(token)
    if public is None or public.is_used or context.now() >= public.created_at + _PUBLIC_TOKEN_LIFE:
        raise invalid_input("INVALID_PUBLIC_TOKEN", "could not find matching public token")
    public_tokens(context).put(token, replace(public, is_used=True))
    item = Item(
        item_id=context.new_code("plaid item", ALPHANUMERIC, 37),
        access_token=_new_access_token(context),
        institution_id=public.institution_id,
        user_key=public.user_key,
        products=public.products,
        days_requested=public.days_requested,
        webhook=public.webhook,
        linked_at=public.created_at,
        is_login_required=False,
        linked_serial=context.store.serial,
    )
    items(context).put(item.access_token, item)
    return {"access_token": item.access_token, "item_id": item.item_id}


def get(context: Context, fields: Fields) -> dict[str, object]:
    """/item/get: the Item and when it was last updated; works while a login is required."""
    item = item_of(context, fields)
    updated = {
        "last_successful_update": render.instant(context.now().replace(minute=0, second=0)),
        "last_failed_update": None,
    }
    return {
        "item": {**speak_item(item), "created_at": render.instant(item.linked_at)},
        "status": {"transactions": updated, "last_webhook": None},
    }


def remove(context: Context, fields: Fields) -> dict[str, object]:
    """/item/remove: the access token dies."""
    items(context).delete(item_of(context, fields).access_token)
    return {}


def invalidate_access_token(context: Context, fields: Fields) -> dict[str, object]:
    """/item/access_token/invalidate: a new token for the same Item; the old one dies at once."""
    item = item_of(context, fields)
    renewed = replace(item, access_token=_new_access_token(context))
    items(context).delete(item.access_token)
    items(context).put(renewed.access_token, renewed)
    return {"new_access_token": renewed.access_token}


def reset_login(context: Context, fields: Fields) -> dict[str, object]:
    """/sandbox/item/reset_login: from now on the bank wants a new login."""
    item = item_of(context, fields)
    items(context).put(item.access_token, replace(item, is_login_required=True))
    return {"reset_login": True}


def accounts(context: Context, fields: Fields) -> dict[str, object]:
    """/accounts/get and /accounts/balance/get: every account, or those asked for.

    Raises:
        PlaidError: INVALID_ACCOUNT_ID for an account that is not the Item's.
    """
    item = healthy_item(context, fields)
    every = list(statements(context, item).values())
    wanted = fields.inner("options").texts("account_ids")
    if set(wanted) - {str(account["account_id"]) for account in every}:
        raise invalid_input("INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item")
    chosen = [account for account in every if not wanted or account["account_id"] in wanted]
    return {"accounts": chosen, "item": speak_item(item)}


def item_of(context: Context, fields: Fields) -> Item:
    """The Item behind the request's access token.

    Raises:
        PlaidError: MISSING_FIELDS or INVALID_ACCESS_TOKEN.
    """
    item = items(context).get(fields.text("access_token"))
    if item is None:
        raise invalid_input("INVALID_ACCESS_TOKEN", "could not find matching access token")
    return item


def healthy_item(context: Context, fields: Fields) -> Item:
    """Like `item_of`, and its login works.

    Raises:
        PlaidError: Permission revoked, login required, institution down, besides those of `item_of`.
    """
    item = item_of(context, fields)
    trouble = _trouble(item) or (institution_down() if life_of(context, item).book.is_out else None)
    if trouble is not None:
        raise trouble
    return item


def _trouble(item: Item) -> PlaidError | None:
    """What stands in the Item's `error` field."""
    if item.is_revoked:
        return permission_revoked()
    return login_required() if item.is_login_required else None


def life_of(context: Context, item: Item) -> Life:
    """The life the Item looks at."""
    return context.world.life(BANK_OF[item.institution_id], item.user_key, context.now())


def statements(
    context: Context, item: Item, wanted: Container[str] | None = None
) -> dict[str, dict[str, object]]:
    """Every open account of the Item, or those wanted, as Plaid spells it, by the world's own account key."""
    now, life = context.now(), life_of(context, item)
    return {
        account.key: render.account(item, statement(life, account, now, history_start(item)))
        for account in life.accounts
        if account.key not in life.book.closed and (wanted is None or account.key in wanted)
    }


def speak_item(item: Item) -> dict[str, object]:
    """The Item object."""
    trouble = _trouble(item)
    return {
        "item_id": item.item_id,
        "institution_id": item.institution_id,
        "institution_name": bank_of(item.institution_id).name,
        "webhook": item.webhook or "",
        "auth_method": None,
        "error": trouble.item_error() if trouble else None,
        "available_products": ["balance"],
        "billed_products": list(item.products),
        "products": list(item.products),
        "consented_products": list(item.products),
        "consent_expiration_time": None,
        "update_type": "background",
    }


def _new_access_token(context: Context) -> str:
    return f"access-sandbox-{context.new_uuid('plaid access token')}"
