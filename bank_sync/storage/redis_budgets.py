"""Minute budgets in Redis, for installations where one PostgreSQL row per provider would be too busy.

Belongs here: the same arithmetic as `storage.budgets`, as one script on Redis' clock. The package `redis` is
optional: `pip install bank-sync[redis]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bank_sync.domain.errors import BankSyncError, SettingsError
from bank_sync.storage.budgets import Limit

if TYPE_CHECKING:
    from redis import Redis

_TIMEOUT_S = 5.0
_MICROSECONDS = 1_000_000

_TAKE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, tolerance, reach = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = math.max(0, arrival - tolerance - now)
if arrival <= now + reach then
    arrival = arrival + interval
    redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX',
        math.ceil((arrival - now) / 1000) + 1)
end
return string.format('%.0f', wait)
"""


class RedisUnavailable(BankSyncError):
    """Redis does not answer; nothing is asked of a provider without a budget."""


class RedisBudget:
    """Books units in Redis.

    Args:
        url: of the server, `redis://…`.

    Raises:
        SettingsError: the package `redis` is missing, or the URL is none.
    """

    def __init__(self, url: str) -> None:
        self._redis = _connect(url)
        self._script = self._redis.register_script(_TAKE)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def take(self, limit: Limit, *, longest_wait_s: float) -> float:
        """Book one unit; gives the seconds until it may be used.

        More than `longest_wait_s` means that nothing was booked.

        Raises:
            RedisUnavailable: it does not answer.
        """
        from redis import RedisError

        spans_s = (limit.interval_s, limit.tolerance_s, limit.tolerance_s + longest_wait_s)
        spans = [round(span_s * _MICROSECONDS) for span_s in spans_s]
        try:
            wait = self._script(keys=[f"bank_sync:budget:{limit.key}"], args=spans)
        except RedisError:
            raise RedisUnavailable("Redis does not answer. Check BANK_SYNC_REDIS_URL.") from None
        return int(wait) / _MICROSECONDS


def _connect(url: str) -> Redis:
    try:
        from redis import Redis
    except ImportError:
        raise SettingsError(
            "BANK_SYNC_REDIS_URL is set, but the package redis is not installed. "
            "Run: pip install 'bank-sync[redis]', or unset it to keep the budgets in PostgreSQL."
        ) from None
    try:
        return Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
    except ValueError:
        raise SettingsError("BANK_SYNC_REDIS_URL is not a URL like redis://host:6379/0.") from None
