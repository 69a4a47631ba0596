"""GoCardless's request limits on account calls: spoken in every answer, binding only when configured.

Here: counting by the virtual clock. A restart forgets the counts, as nothing else depends on them.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import rate_limited

_PER_MINUTE, _PER_DAY = 100, 4
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


class Limits:
    """One server's counters: all account calls by minute, the good ones by day, account and scope."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._calls: list[datetime] = []
        self._successes: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)

    def admit(self, account_id: str, scope: str | None) -> None:
        """Count a call, and refuse it if a binding limit is used up; metadata calls have no scope.

        Raises:
            GoCardlessError: 429.
        """
        now = self._context.now()
        self._calls = [at for at in self._calls if now - at < _MINUTE] + [now]
        if not self._context.config.enforce_limits:
            return
        if len(self._calls) > _PER_MINUTE:
            wait = _MINUTE - (now - self._calls[0])
            raise rate_limited(f"{_PER_MINUTE}/min", wait, self._general(0, wait))
        if scope is None:
            return
        used = self._used_today(account_id, scope, now)
        if len(used) >= _PER_DAY:
            wait = _DAY - (now - used[0])
            raise rate_limited(f"{_PER_DAY}/day", wait, self.headers(account_id, scope))

    def succeeded(self, account_id: str, scope: str) -> Mapping[str, str]:
        """Count a good answer and give the headers that go with it."""
        now = self._context.now()
        self._successes[account_id, scope] = [*self._used_today(account_id, scope, now), now]
        return self.headers(account_id, scope)

    def headers(self, account_id: str, scope: str) -> Mapping[str, str]:
        """The six headers; where limits do not bind, every call looks like the first of its day."""
        now = self._context.now()
        used = self._used_today(account_id, scope, now)
        if not self._context.config.enforce_limits:
            return {**self._general(_PER_MINUTE - 1, _MINUTE), **_by_account(_PER_DAY - 1, _DAY)}
        reset = _DAY - (now - used[0]) if used else _DAY
        general = self._general(max(0, _PER_MINUTE - len(self._calls)), _MINUTE)
        return {**general, **_by_account(_PER_DAY - len(used), reset)}

    def _used_today(self, account_id: str, scope: str, now: datetime) -> list[datetime]:
        return [at for at in self._successes[account_id, scope] if timedelta(0) <= now - at < _DAY]

    @staticmethod
    def _general(remaining: int, reset: timedelta) -> dict[str, str]:
        return _spelled("HTTP_X_RATELIMIT", _PER_MINUTE, remaining, reset)


def _by_account(remaining: int, reset: timedelta) -> dict[str, str]:
    return _spelled("HTTP_X_RATELIMIT_ACCOUNT_SUCCESS", _PER_DAY, remaining, reset)


def _spelled(name: str, limit: int, remaining: int, reset: timedelta) -> dict[str, str]:
    figures = {"LIMIT": limit, "REMAINING": remaining, "RESET": int(reset.total_seconds())}
    return {f"{name}_{part}": str(figure) for part, figure in figures.items()}
