"""Teller's webhooks: proof of the sender, and what a body is about.

Belongs here: the HMAC in `Teller-Signature`. Does not belong here: storing events (`storage.inbox`) and what
they lead to.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from bank_sync.domain.events import WebhookEvent
from bank_sync.providers.webhooks import UNREADABLE, WebhookRefused, fields_of, name_in

HEADER = "teller-signature"

_OLDEST_S = 180  # Teller's rule; the same to the other side for clocks that differ
_MOST_PROOFS = 8  # two while a secret is being changed
_TIME = re.compile(r"t=([0-9]{1,12})", re.ASCII)
_PROOF = re.compile(r"v1=([0-9a-f]{64})", re.ASCII)


def verified(
    signature: str | None, body: bytes, secrets: Sequence[str], *, environment: str, now: datetime
) -> WebhookEvent:
    """The event in a body that one of the live secrets signed; without secrets nothing is accepted.

    Raises:
        WebhookRefused: no secret proves these bytes, or not now.
    """
    at, proofs = _parts(signature or "")
    if abs(int(now.timestamp()) - int(at)) > _OLDEST_S:
        raise WebhookRefused("not_now")
    message = f"{at}.".encode() + body
    expected = [hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() for secret in secrets]
    matches = [hmac.compare_digest(one, proof) for one in expected for proof in proofs]
    if not any(matches):
        raise WebhookRefused("bad_signature")
    return _event(body, environment)


def _parts(signature: str) -> tuple[str, list[str]]:
    """The moment and the proofs of a header, each exactly as Teller writes it."""
    first, *rest = signature.split(",", _MOST_PROOFS + 1)
    at = _TIME.fullmatch(first)
    proofs = [found.group(1) for part in rest if (found := _PROOF.fullmatch(part.strip()))]
    if at is None or not proofs or len(rest) > _MOST_PROOFS:
        raise WebhookRefused("bad_header")
    return at.group(1), proofs


def _event(body: bytes, environment: str) -> WebhookEvent:
    fields = fields_of(body)
    payload = fields.get("payload")
    about = payload if isinstance(payload, dict) else {}
    event_id, kind = name_in(fields, "id"), name_in(fields, "type")
    return WebhookEvent(
        provider="teller",
        dedup_key=f"id:{event_id}" if event_id else f"body:{hashlib.sha256(body).hexdigest()}",
        environment=environment,
        kind=kind if kind and event_id else UNREADABLE,
        body=body,
        provider_item=name_in(about, "enrollment_id"),
        provider_account=name_in(about, "account_id") or _account_of_rows(about),
    )


def _account_of_rows(about: Mapping[str, object]) -> str | None:
    """Processed transactions name their account alone; all of one event belong to one enrollment."""
    rows = about.get("transactions")
    first = rows[0] if isinstance(rows, list) and rows else None
    return name_in(first, "account_id") if isinstance(first, dict) else None
