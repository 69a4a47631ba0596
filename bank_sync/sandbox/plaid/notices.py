"""What Plaid says by webhook: the bodies, asking for one in the sandbox, the address they go to, the keys.

Not here: when an Item has something to say (`webhooks.watch`), signing and sending (`webhooks`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import render
from bank_sync.sandbox.plaid.errors import PlaidError, invalid_field, invalid_input, login_required
from bank_sync.sandbox.plaid.items import item_of, life_of, speak_item
from bank_sync.sandbox.plaid.log import LogBook
from bank_sync.sandbox.plaid.records import Item, items
from bank_sync.sandbox.plaid.request import Fields
from bank_sync.sandbox.plaid.stages import Stage, stage_of
from bank_sync.sandbox.webhooks.outbox import Outbox
from bank_sync.sandbox.webhooks.signing import PlaidKeys

_TRANSACTIONS = frozenset(
    {
        "SYNC_UPDATES_AVAILABLE",
        "INITIAL_UPDATE",
        "HISTORICAL_UPDATE",
        "DEFAULT_UPDATE",
        "RECURRING_TRANSACTIONS_UPDATE",
    }
)
_ITEM = frozenset(
    {
        "ERROR",
        "LOGIN_REPAIRED",
        "NEW_ACCOUNTS_AVAILABLE",
        "PENDING_DISCONNECT",
        "PENDING_EXPIRATION",
        "USER_ACCOUNT_REVOKED",
        "USER_PERMISSION_REVOKED",
    }
)
_NOTICE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Notices:
    """What Plaid needs to speak: the way out, its keys, and what each Item's owner was last told of.

    Only Items that were synced at least once are in `told`: the length of the log, and the stage.
    """

    outbox: Outbox
    keys: PlaidKeys
    logs: LogBook
    told: dict[str, tuple[int, Stage]] = field(default_factory=dict)


def standing(context: Context, notices: Notices, item: Item) -> tuple[int, Stage]:
    """How much there is to tell of an Item now."""
    entries = notices.logs.entries(item, life_of(context, item), context.now())
    return len(entries), stage_of(context, item)


def arm(context: Context, notices: Notices, fields: Fields) -> None:
    """The Item was synced: from now on its owner is told of changes."""
    item = items(context).get(fields.text("access_token"))
    if item is not None and item.item_id not in notices.told:
        notices.told[item.item_id] = standing(context, notices, item)


def announce(context: Context, notices: Notices, item: Item, code: str) -> None:
    """Queue a webhook of that code about the Item, if it has an address."""
    kind = f"TRANSACTIONS/{code}" if code in _TRANSACTIONS else f"ITEM/{code}"
    send(context, notices, item.webhook, kind, {"item_id": item.item_id, **_extras(context, item, code)})


def send(
    context: Context, notices: Notices, url: str | None, kind: str, fields: Mapping[str, object]
) -> None:
    """Queue any webhook of Plaid's; `kind` is its type and code with a slash between."""
    type_, _, code = kind.partition("/")
    said = {"webhook_type": type_, "webhook_code": code, **fields, "environment": "sandbox"}
    notices.outbox.put("plaid", kind, url, json.dumps(said, indent=2), context.now())


def fire(context: Context, notices: Notices, fields: Fields) -> dict[str, object]:
    """/sandbox/item/fire_webhook: a webhook of the caller's choice.

    Raises:
        PlaidError: INVALID_FIELD for an unknown code, SANDBOX_WEBHOOK_INVALID where the Item has no address.
    """
    item, code = item_of(context, fields), fields.text("webhook_code")
    if code not in _TRANSACTIONS | _ITEM:
        raise invalid_field("webhook_code is not one that can be fired")
    if not item.webhook:
        message = "the Item does not have a webhook"
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_WEBHOOK_INVALID", message)
    announce(context, notices, item, code)
    return {"webhook_fired": True}


def change_address(context: Context, notices: Notices, fields: Fields) -> dict[str, object]:
    """/item/webhook/update: another address, which is told so."""
    url = fields.optional_text("webhook")
    item = replace(item_of(context, fields), webhook=url)
    items(context).put(item.access_token, item)
    extras = {"item_id": item.item_id, "new_webhook_url": url, "error": None}
    send(context, notices, url, "ITEM/WEBHOOK_UPDATE_ACKNOWLEDGED", extras)
    return {"item": speak_item(item)}


def verification_key(notices: Notices, fields: Fields) -> dict[str, object]:
    """/webhook_verification_key/get: the public key of that id.

    Raises:
        PlaidError: INVALID_WEBHOOK_VERIFICATION_KEY_ID.
    """
    key = notices.keys.jwk(fields.text("key_id"))
    if key is None:
        raise invalid_input("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided")
    return {"key": key}


def _extras(context: Context, item: Item, code: str) -> dict[str, object]:
    stage, soon = stage_of(context, item), render.instant(context.now() + _NOTICE)
    accounts = [render.account_id(item, each) for each in life_of(context, item).accounts]
    revoked = PlaidError("ITEM_ERROR", "USER_PERMISSION_REVOKED", "the holder has revoked their permission")
    extras: dict[str, dict[str, object]] = {
        "SYNC_UPDATES_AVAILABLE": {
            "initial_update_complete": stage is not Stage.NOT_READY,
            "historical_update_complete": stage is Stage.HISTORICAL,
        },
        "INITIAL_UPDATE": {"error": None, "new_transactions": 0},
        "HISTORICAL_UPDATE": {"error": None, "new_transactions": 0},
        "DEFAULT_UPDATE": {"error": None, "new_transactions": 0},
        "RECURRING_TRANSACTIONS_UPDATE": {"account_ids": accounts},
        "ERROR": {"error": _worded(login_required())},
        "NEW_ACCOUNTS_AVAILABLE": {"error": None},
        "PENDING_DISCONNECT": {"reason": "INSTITUTION_MIGRATION", "disconnect_time": soon},
        "PENDING_EXPIRATION": {"consent_expiration_time": soon},
        "USER_ACCOUNT_REVOKED": {"account_id": accounts[0]},
        "USER_PERMISSION_REVOKED": {"error": _worded(revoked)},
    }
    return extras.get(code, {})


def _worded(error: PlaidError) -> dict[str, object]:
    return {**error.item_error(), "status": error.status}
