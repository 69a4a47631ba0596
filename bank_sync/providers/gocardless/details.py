"""Details of accounts, asked at most once a day.

Belongs here: when the stored ones are good enough. Does not belong here: where they are stored
(`storage.account_details`).

Details are the one scope that hardly changes, and each answer is one of four of the day. The metadata of the
account (its status above all) has no quota and is read at every sync.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.json_text import decode_json, encode_json
from bank_sync.providers.minimise import minimise

_GOOD_FOR = timedelta(days=1)
_PASSING = frozenset({Recovery.RETRY_AT, Recovery.RETRY_BACKOFF})


class StoredDetails(Protocol):
    """Keeps the last details read of each account."""

    def read(self, connection_id: str, provider_account_id: str) -> tuple[str, datetime] | None:
        """The body and when it was read."""

    def keep(self, connection_id: str, provider_account_id: str, body: str) -> None:
        """Store a minimised body."""


class Nothing:
    """Keeps nothing: details are asked every time."""

    def read(self, _connection_id: str, _provider_account_id: str) -> None:
        """Never anything."""

    def keep(self, _connection_id: str, _provider_account_id: str, _body: str) -> None:
        """Forget it."""


def details_of(
    stored: StoredDetails, connection_id: str, account_id: str, ask: Callable[[], object], now: datetime
) -> object:
    """The details of an account, minimised: stored ones of the last day, else those `ask` gives.

    Raises:
        ProviderError: asking failed, and none are stored or the failure will not pass.
    """
    known = stored.read(connection_id, account_id)
    if known is not None and now - known[1] < _GOOD_FOR:
        return decode_json(known[0].encode())
    try:
        answer = ask()
    except ProviderError as error:
        if known is None or error.recovery not in _PASSING:
            raise
        return decode_json(known[0].encode())
    inner = minimise(answer.get("account")) if isinstance(answer, Mapping) else None
    if inner is not None:
        stored.keep(connection_id, account_id, encode_json(inner))
    return inner
