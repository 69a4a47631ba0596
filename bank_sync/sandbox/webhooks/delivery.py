"""Delivering what is due, once, when told to: in order or not, once or twice, or not at all.

Only to addresses of this machine: pretend banks speak to nobody else. Not here: the schedule (`outbox`).
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from bank_sync.sandbox.webhooks.outbox import Outbox, Webhook
from bank_sync.sandbox.world.dice import Dice

_PATIENCE_S = 10.0  # Plaid waits so long for a 200
Sign = Callable[[bytes, datetime], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to deliver: lose the first `drop`, send the next `duplicate` twice, shuffle by a seed."""

    drop: int = 0
    duplicate: int = 0
    shuffle: str | None = None


async def deliver(
    outbox: Outbox, sign: Mapping[str, Sign], manner: Manner, now: datetime
) -> list[dict[str, object]]:
    """Try everything that is due; gives each attempt with its outcome."""
    due = _shuffled(outbox.due(now), manner.shuffle)
    told = [_dropped(outbox, each) for each in due[: manner.drop]]
    trusting_nobody = ssl.SSLContext(
        ssl.PROTOCOL_TLS_CLIENT
    )  # the usual list of authorities takes long to read
    async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False, verify=trusting_nobody) as client:
        for place, webhook in enumerate(due[manner.drop :]):
            status = await _sent(client, webhook, sign[webhook.provider], now)
            if place < manner.duplicate:
                status = await _sent(client, webhook, sign[webhook.provider], now)
            told.append(_noted(outbox, webhook, status, now))
    return told


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    parts = urlsplit(url)
    try:
        is_own = parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return is_own and parts.scheme in {"http", "https"}


async def _sent(client: httpx.AsyncClient, webhook: Webhook, sign: Sign, now: datetime) -> int | None:
    """The status the address answered with; 0 for one that may not be asked, None for no answer."""
    if not is_loopback(webhook.url):
        return 0
    body = webhook.body.encode()
    headers = {"Content-Type": "application/json", **sign(body, now)}
    try:
        answer = await client.post(webhook.url, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL):
        return None
    return answer.status_code


def _noted(outbox: Outbox, webhook: Webhook, status: int | None, now: datetime) -> dict[str, object]:
    if status == 0:
        outbox.settle(webhook, "refused")
        return _told(webhook, "refused", None)
    accepted = status == httpx.codes.OK or (
        webhook.provider == "teller" and httpx.codes.is_success(status or 0)
    )
    return _told(webhook, outbox.tried(webhook, now, is_accepted=accepted), status)


def _dropped(outbox: Outbox, webhook: Webhook) -> dict[str, object]:
    outbox.settle(webhook, "dropped")
    return _told(webhook, "dropped", None)


def _told(webhook: Webhook, outcome: str, status: int | None) -> dict[str, object]:
    return {"id": webhook.id, "kind": webhook.kind, "outcome": outcome, "status": status}


def _shuffled(webhooks: list[Webhook], seed: str | None) -> list[Webhook]:
    """Another order: backwards for two, for more as the seed decides."""
    if seed is None:
        return webhooks
    dice = Dice(seed, "webhook order", len(webhooks))
    order = sorted(webhooks, key=lambda _: dice.unit())
    return order if order != webhooks else webhooks[::-1]
