"""How often a provider may be asked within a minute.

Belongs here: limits and waiting for them. Does not belong here: where the budgets are kept, so that all
processes share them (`storage.budgets`, `storage.redis_budgets`), and quotas by the day (`domain.quota`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from bank_sync.domain.errors import ProviderError, Recovery

_MINUTE_S = 60.0
_BURST_SHARE = 10  # a tenth at once: a sync's few calls never wait, and the rest is spread over the minute
_CALLS_OF_A_SYNC = 3  # to one path; a connection's own limits are narrow, and a tenth of them is one call


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `per_minute` requests in any 60 seconds, at most `burst` of them at once.

    A burst and the steady flow after it must fit in one minute together, so the flow is the difference.
    """

    key: str
    per_minute: int
    burst: int

    @property
    def interval_s(self) -> float:
        """Seconds between requests of the steady flow."""
        return _MINUTE_S / max(1, self.per_minute - self.burst)

    @property
    def tolerance_s(self) -> float:
        """How far ahead of the steady flow a burst may run."""
        return (self.burst - 1) * self.interval_s


def usual_limit(key: str, per_minute: int) -> Limit:
    """A limit with a tenth of it as burst."""
    return Limit(key, per_minute, max(1, per_minute // _BURST_SHARE))


def limit_of_one(key: str, per_minute: int) -> Limit:
    """A connection's own limit of a path: the calls of one sync may come at once."""
    usual = usual_limit(key, per_minute)
    return replace(usual, burst=max(usual.burst, min(_CALLS_OF_A_SYNC, per_minute // 2)))


class Budget(Protocol):
    """Units of minute budgets, exact over all processes that share it."""

    def take(self, limit: Limit, *, longest_wait_s: float) -> float:
        """Book one unit; gives the seconds until it may be used.

        More than `longest_wait_s` means that nothing was booked.
        """


class Pace:
    """Holds the requests of one provider to its limits.

    Args:
        provider: whose; its name is the key of the overall limit.
        budget: where units are booked.
        per_minute: the overall limit.
        per_item: by path: the limit of one connection at the provider.
        longest_wait_s: a longer wait belongs to the schedule, not to a running worker.
        sleep: waits.
    """

    def __init__(
        self,
        provider: str,
        budget: Budget,
        per_minute: int,
        *,
        per_item: Mapping[str, int] | None = None,
        longest_wait_s: float = 5.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._provider = provider
        self._budget = budget
        self._overall = usual_limit(provider, per_minute)
        self._per_item = per_item or {}
        self._longest_wait_s = longest_wait_s
        self._sleep = sleep

    def wait(self, path: str, item: str | None) -> None:
        """Book one request of `path` for a connection (`item`, its id at the provider) and wait for its turn.

        Raises:
            ProviderError: `budget_exhausted`, with the seconds until there is a turn.
        """
        wait_s = 0.0
        for limit in self._limits(path, item):
            wait_s = max(wait_s, self._budget.take(limit, longest_wait_s=self._longest_wait_s))
            if wait_s > self._longest_wait_s:
                raise ProviderError(
                    provider=self._provider,
                    code="budget_exhausted",
                    recovery=Recovery.RETRY_AT,
                    retry_after_s=wait_s,
                )
        if wait_s > 0:
            self._sleep(wait_s)

    def _limits(self, path: str, item: str | None) -> Iterator[Limit]:
        """The narrow one first: where it refuses, nothing of the shared one is used up."""
        per_minute = self._per_item.get(path)
        if item is not None and per_minute is not None:
            yield limit_of_one(f"{self._provider}:{path}:{opaque(item)}", per_minute)
        yield self._overall


def opaque(*parts: str) -> str:
    """32 hex digits in place of a provider's id, which is nobody else's business."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
