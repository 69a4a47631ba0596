"""GoCardless's request limits: spoken in every answer about an account, binding only when configured.

Here: the general windows, the day's good answers per account and scope, and the failures in a row that
suspend an account. Not here: counting in windows as such (`sandbox.limits`).
"""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import GoCardlessError, rate_limited, suspended
from bank_sync.sandbox.limits import DAY, HOUR, MINUTE, Windows

_ACCOUNTS_PER_MINUTE, _PER_DAY = 100, 4
_TOKENS_PER_HOUR = 100
_FAILURES_SUSPENDING = 10
_ACCOUNTS = "accounts"
# calls per minute by what stands first in the path, and the method where it matters
_PER_MINUTE: Mapping[tuple[str, str], int] = {
    ("GET", "institutions"): 300,
    ("POST", "agreements"): 100,
    ("GET", "agreements"): 300,
    ("PUT", "agreements"): 100,
    ("DELETE", "agreements"): 100,
    ("POST", "requisitions"): 100,
    ("GET", "requisitions"): 300,
    ("DELETE", "requisitions"): 100,
    ("POST", "token"): 100,
}
_COUNTED_TYPES = frozenset({"UnknownRequestError", "AccessExpiredError"})
_DATA_PATH = re.compile(r"/accounts/([^/]+)/(?:details|balances|transactions)/?$")


class Limits:
    """One server's counters."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._minutes = Windows(context.now)
        self._hours = Windows(context.now, HOUR)
        self._successes = Windows(context.now, DAY)
        self._by_day: Counter[tuple[str, str, str]] = Counter()
        self._failures: Counter[str] = Counter()

    def enter(self, method: str, path: str) -> None:
        """Count a call by its path below the prefix, and refuse it if a general limit is used up.

        Raises:
            GoCardlessError: 429.
        """
        first = path.strip("/").split("/")[0]
        if path.strip("/") == "token/new":
            self._spend(self._hours, "token/new", _TOKENS_PER_HOUR, "hour")
        elif first == _ACCOUNTS:
            self._spend(self._minutes, _ACCOUNTS, _ACCOUNTS_PER_MINUTE, "min")
        elif (method, first) in _PER_MINUTE:
            self._spend(self._minutes, (method, first), _PER_MINUTE[method, first], "min")

    def admit(self, account_id: str, scope: str, institution_id: str) -> None:
        """Refuse a call for data that is one more than the day's.

        Raises:
            GoCardlessError: 429.
        """
        if not self._binds:
            return
        allowed = self._per_day(institution_id)
        if self._successes.used((account_id, scope)) >= allowed:
            wait = self._successes.reset_in((account_id, scope))
            raise rate_limited(f"{allowed}/day", wait, self.headers(account_id, scope, institution_id))

    def succeeded(self, account_id: str, scope: str, institution_id: str) -> Mapping[str, str]:
        """Count a good answer and give the headers that go with it."""
        self._successes.add((account_id, scope))
        self._by_day[account_id, scope, str(self._context.now().date())] += 1
        del self._failures[account_id]
        return self.headers(account_id, scope, institution_id)

    def failed(self, account_id: str, error: GoCardlessError) -> None:
        """Count a failure at the bank, if it is of the kinds that suspend an account after ten in a row."""
        if error.content.get("type") in _COUNTED_TYPES:
            self._failures[account_id] += 1

    def failed_at_bank(self, path: str) -> None:
        """Count an unknown failure of the bank at that path; paths of no account's data count nothing."""
        found = _DATA_PATH.search(path)
        if found:
            self._failures[found[1]] += 1

    def refuse_suspended(self, account_id: str) -> None:
        """Refuse to ask the bank about an account that is suspended.

        Raises:
            GoCardlessError: 409.
        """
        if self.is_suspended(account_id):
            raise suspended()

    def is_suspended(self, account_id: str) -> bool:
        """Whether so many calls in a row have failed that the account is no longer asked for."""
        return self._binds and self._failures[account_id] >= _FAILURES_SUSPENDING

    def successes(self) -> list[dict[str, object]]:
        """Every account, scope and day (UTC) with its good answers."""
        return [
            {"account": account, "scope": scope, "day": day, "count": count}
            for (account, scope, day), count in sorted(self._by_day.items())
        ]

    def headers(self, account_id: str, scope: str, institution_id: str) -> Mapping[str, str]:
        """The six headers; where limits do not bind, every call looks like the first of its day."""
        allowed = self._per_day(institution_id)
        if not self._binds:
            general = _spelled("HTTP_X_RATELIMIT", _ACCOUNTS_PER_MINUTE, _ACCOUNTS_PER_MINUTE - 1, MINUTE)
            return {**general, **_by_account(allowed, allowed - 1, DAY)}
        left = _ACCOUNTS_PER_MINUTE - self._minutes.used(_ACCOUNTS)
        general = _spelled(
            "HTTP_X_RATELIMIT", _ACCOUNTS_PER_MINUTE, max(0, left), self._minutes.reset_in(_ACCOUNTS)
        )
        key = (account_id, scope)
        return {
            **general,
            **_by_account(allowed, allowed - self._successes.used(key), self._successes.reset_in(key)),
        }

    @property
    def _binds(self) -> bool:
        return self._context.config.enforce_limits

    def _per_day(self, institution_id: str) -> int:
        return self._context.config.gocardless_daily_limits.get(institution_id, _PER_DAY)

    def _spend(self, windows: Windows, key: object, allowed: int, unit: str) -> None:
        if not self._binds:
            return
        if windows.used(key) >= allowed:
            wait = windows.reset_in(key)
            raise rate_limited(f"{allowed}/{unit}", wait, _spelled("HTTP_X_RATELIMIT", allowed, 0, wait))
        windows.add(key)


def _by_account(allowed: int, remaining: int, reset: timedelta) -> dict[str, str]:
    return _spelled("HTTP_X_RATELIMIT_ACCOUNT_SUCCESS", allowed, max(0, remaining), reset)


def _spelled(name: str, limit: int, remaining: int, reset: timedelta) -> dict[str, str]:
    figures = {"LIMIT": limit, "REMAINING": remaining, "RESET": int(reset.total_seconds())}
    return {f"{name}_{part}": str(figure) for part, figure in figures.items()}
