"""What a provider told unasked, pure.

Belongs here: the event as verified. Does not belong here: proof of its sender (`providers.*.webhooks`),
storing it (`storage.inbox`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One verified webhook.

    Attributes:
        dedup_key: the same for the same delivery, different for any other.
        environment: the provider's word for where it happened.
        kind: `TYPE/CODE` at Plaid, the type at Teller, `unreadable` for what is neither.
        body: the very bytes that were signed.
        provider_item: the connection's id at the provider, where the event tells it.
        provider_account: an account's id at the provider, where that is all it tells.
    """

    provider: str
    dedup_key: str
    environment: str
    kind: str
    body: bytes
    provider_item: str | None = None
    provider_account: str | None = None
