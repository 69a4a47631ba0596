"""What the webhooks of all providers share.

Belongs here: the refusal, and reading names out of a body that was verified. Does not belong here: one
provider's signature or words (`providers.*.webhooks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bank_sync.domain.errors import BankSyncError
from bank_sync.providers.json_text import NotJson, decode_json

UNREADABLE = "unreadable"
"""Kind of a body that is signed but not what the provider documents."""

_NAME = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


class WebhookRefused(BankSyncError):
    """Nobody proves that this came from the provider; the reason is code-like, for tests and counts."""


class WebhookKeysBusy(BankSyncError):
    """More unknown keys were shown than may be looked up now; the sender should come back in a minute."""


def fields_of(body: bytes) -> Mapping[str, object]:
    """The object that a body holds; empty when it holds none."""
    try:
        value = decode_json(body)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}


def name_in(fields: Mapping[str, object], key: str) -> str | None:
    """An id or a code; None for everything that cannot be one, so that nothing else reaches a column."""
    value = fields.get(key)
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None
