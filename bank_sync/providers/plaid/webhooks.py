"""Plaid's webhooks: proof of the sender, and what a body is about.

Belongs here: the ES256 token in `Plaid-Verification` and the names in a body. Does not belong here: where
keys come from (`plaid.webhook_keys`), storing events (`storage.inbox`) and what they lead to.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt.types import Options

from bank_sync.domain.events import WebhookEvent
from bank_sync.providers.webhooks import UNREADABLE, WebhookRefused, fields_of, name_in

HEADER = "plaid-verification"

_OLDEST_S = 300  # Plaid's rule; the same to the other side for clocks that differ
_LONGEST_TOKEN = 4_096
_KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

KeyOf = Callable[[str], EllipticCurvePublicKey]
"""The public key of an id; raises `WebhookRefused` for one that Plaid does not know."""


def verified(token: str | None, body: bytes, key_of: KeyOf, now: datetime) -> WebhookEvent:
    """The event in a body that this token proves to be Plaid's.

    What costs nothing is looked at first, so that few forgeries get as far as asking for a key.

    Raises:
        WebhookRefused: the token proves nothing about these bytes, or not now.
        WebhookKeysBusy: too many unknown keys were shown lately.
        ProviderError: the key could not be fetched.
    """
    if token is None or len(token) > _LONGEST_TOKEN:
        raise WebhookRefused("no_token")
    _check_claims(_claims(token, None), body, now)
    key = key_of(_key_id(token))
    _check_claims(_claims(token, key), body, now)
    return _event(token, body)


def _key_id(token: str) -> str:
    """The key's id as the token's header names it, which nothing proves yet."""
    try:
        header = jwt.get_unverified_header(token)
    except Exception:  # noqa: BLE001 - whatever an odd header does to a parser, it is refused
        raise WebhookRefused("bad_header") from None
    key_id = header.get("kid")
    if header.get("alg") != "ES256" or not isinstance(key_id, str) or not _KEY_ID.fullmatch(key_id):
        raise WebhookRefused("bad_header")
    return key_id


def _claims(token: str, key: EllipticCurvePublicKey | None) -> dict[str, Any]:
    """The claims, proven where a key is given."""
    options: Options = {"verify_signature": key is not None}
    for other in ("verify_iat", "verify_exp", "verify_nbf", "verify_aud"):
        options[other] = False  # our own check of `iat` looks both ways; Plaid sends none of the others
    try:
        return jwt.decode(token, key or "", algorithms=["ES256"], options=options)
    except Exception:  # noqa: BLE001 - parsers fail in more ways than they promise; all of them are a refusal
        raise WebhookRefused("bad_token") from None


def _check_claims(claims: dict[str, Any], body: bytes, now: datetime) -> None:
    """The token is of this moment and of these bytes."""
    issued_at, told = claims.get("iat"), claims.get("request_body_sha256")
    if type(issued_at) is not int or not isinstance(told, str):
        raise WebhookRefused("claims_missing")
    if abs(int(now.timestamp()) - issued_at) > _OLDEST_S:
        raise WebhookRefused("not_now")
    if not hmac.compare_digest(told.encode("utf-8", "replace"), hashlib.sha256(body).hexdigest().encode()):
        raise WebhookRefused("other_body")


def _event(token: str, body: bytes) -> WebhookEvent:
    """Plaid's events have no id: the signed part of the token tells one delivery from another."""
    signed = token.rpartition(".")[0]
    fields = fields_of(body)
    type_, code = name_in(fields, "webhook_type"), name_in(fields, "webhook_code")
    return WebhookEvent(
        provider="plaid",
        dedup_key=f"token:{hashlib.sha256(signed.encode()).hexdigest()}",
        environment=name_in(fields, "environment") or "unknown",
        kind=f"{type_}/{code}" if type_ and code else UNREADABLE,
        body=body,
        provider_item=name_in(fields, "item_id"),
    )
