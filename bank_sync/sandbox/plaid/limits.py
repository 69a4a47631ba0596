"""Plaid's limits per minute: so many calls for one Item, so many for one client, and the codes of refusal.

The figures are production's, whatever the host says, because an application has to live with those. A refusal
carries no Retry-After: Plaid documents none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.limits import Windows
from bank_sync.sandbox.plaid.errors import PlaidError
from bank_sync.sandbox.plaid.records import items
from bank_sync.sandbox.plaid.request import Fields


@dataclass(frozen=True, slots=True)
class _Limit:
    """One endpoint's limits per minute; `item` is None where no Item is named."""

    item: int | None
    client: int
    item_code: str = "RATE_LIMIT"
    client_code: str = "RATE_LIMIT"


def _of_both(item: int, client: int, code: str) -> _Limit:
    return _Limit(item, client, code, code)


_LIMITS: Mapping[str, _Limit] = {
    "/accounts/balance/get": _Limit(5, 1200, "BALANCE_LIMIT", "ACCOUNTS_BALANCE_GET_LIMIT"),
    "/accounts/get": _of_both(15, 15_000, "ACCOUNTS_LIMIT"),
    "/item/get": _of_both(15, 5000, "ITEM_GET_LIMIT"),
    "/item/remove": _Limit(30, 2000),
    "/institutions/get": _Limit(None, 50, client_code="INSTITUTIONS_GET_LIMIT"),
    "/institutions/get_by_id": _Limit(None, 400, client_code="INSTITUTIONS_GET_BY_ID_LIMIT"),
    "/transactions/get": _of_both(30, 20_000, "TRANSACTIONS_LIMIT"),
    "/transactions/sync": _of_both(50, 2500, "TRANSACTIONS_SYNC_LIMIT"),
    "/transactions/refresh": _of_both(2, 100, "TRANSACTIONS_REFRESH_LIMIT"),
    "/transactions/recurring/get": _Limit(20, 1000),
    "/sandbox/transactions/create": _Limit(2, 50),
}
_ITEM_MESSAGE = "rate limit exceeded for attempts to access this item. please try again later"
_CLIENT_MESSAGE = "rate limit exceeded for attempts to access this endpoint. please try again later"


class Limits:
    """One server's counters of Plaid calls."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._windows = Windows(context.now)

    def admit(self, path: str, fields: Fields) -> None:
        """Count a call, and refuse it where a limit binds and is used up.

        Raises:
            PlaidError: RATE_LIMIT_EXCEEDED.
        """
        limit = _LIMITS.get(path)
        if limit is None or not self._context.config.enforce_limits:
            return
        item = items(self._context).get(str(fields.values.get("access_token")))
        if item is not None and limit.item is not None:
            self._count((path, item.item_id), limit.item, limit.item_code, _ITEM_MESSAGE)
        self._count((path,), limit.client, limit.client_code, _CLIENT_MESSAGE)

    def _count(self, key: tuple[str, ...], allowed: int, code: str, message: str) -> None:
        if self._windows.used(key) >= allowed:
            raise _exceeded(code, message)
        self._windows.add(key)


def rate_limited(path: str) -> PlaidError:
    """The refusal of one Item's call too many to that path."""
    limit = _LIMITS.get(path)
    return _exceeded(limit.item_code if limit else "RATE_LIMIT", _ITEM_MESSAGE)


def _exceeded(code: str, message: str) -> PlaidError:
    return PlaidError("RATE_LIMIT_EXCEEDED", code, message, None, 429)
