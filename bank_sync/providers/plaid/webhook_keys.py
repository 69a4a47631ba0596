"""The keys Plaid signs webhooks with: fetched by id, kept for an hour, forgotten when Plaid changes them.

Belongs here: the cache, and how often strangers may make us ask. Does not belong here: the call
(`plaid.client`), what a key proves (`plaid.webhooks`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from bank_sync.domain.errors import ContractBroken
from bank_sync.providers.webhooks import WebhookKeysBusy, WebhookRefused

FetchKey = Callable[[str], Mapping[str, object] | None]
"""The JSON Web Key of an id, None for an id Plaid does not know; raises `ProviderError`."""

_KEPT_FOR = timedelta(hours=1)
_UNKNOWN_FOR = timedelta(minutes=5)
_MOST_KEPT = 1_000
_LOOKUPS_PER_MINUTE = 30
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was learnt of an id; no key means that Plaid knows none or has ended it."""

    key: EllipticCurvePublicKey | None
    until: datetime


class PlaidWebhookKeys:
    """Keys by id, for all threads of a process.

    Args:
        fetch: asks Plaid.
        clock: the time in UTC.
        lookups_per_minute: how often Plaid is asked at most, whoever sends what.
    """

    def __init__(
        self,
        fetch: FetchKey,
        clock: Callable[[], datetime],
        *,
        lookups_per_minute: int = _LOOKUPS_PER_MINUTE,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lookups_per_minute = lookups_per_minute
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lookups: deque[datetime] = deque()
        self._lock = threading.Lock()

    def __call__(self, key_id: str) -> EllipticCurvePublicKey:
        """The public key of an id.

        Raises:
            WebhookRefused: Plaid knows no such key, or has ended it.
            WebhookKeysBusy: Plaid was asked for too many keys in the last minute.
            ProviderError: Plaid could not be asked.
        """
        known = self._kept(key_id)
        if known is None:
            self._take_turn()
            known = self._keep(key_id, self._fetch(key_id))
        if known.key is None:
            raise WebhookRefused("unknown_key")
        return known.key

    def _kept(self, key_id: str) -> _Known | None:
        with self._lock:
            known = self._known.get(key_id)
        return known if known is not None and self._clock() < known.until else None

    def _take_turn(self) -> None:
        """Spend one of the minute's look-ups."""
        now = self._clock()
        with self._lock:
            while self._lookups and now - self._lookups[0] >= _MINUTE:
                self._lookups.popleft()
            if len(self._lookups) >= self._lookups_per_minute:
                raise WebhookKeysBusy("Too many unknown webhook keys: come back in a minute.")
            self._lookups.append(now)

    def _keep(self, key_id: str, found: Mapping[str, object] | None) -> _Known:
        """Remember the answer; a new key means that Plaid is changing them, so the others are asked anew."""
        now, key = self._clock(), None
        if found is not None and found.get("expired_at") is None:
            key = _public_key(found)
        known = _Known(key, now + (_KEPT_FOR if key else _UNKNOWN_FOR))
        with self._lock:
            if key is not None:
                self._known = OrderedDict((name, one) for name, one in self._known.items() if not one.key)
            self._known[key_id] = known
            while len(self._known) > _MOST_KEPT:
                self._known.popitem(last=False)
        return known


def _public_key(found: Mapping[str, object]) -> EllipticCurvePublicKey:
    try:
        key = jwt.PyJWK({**found, "alg": "ES256"}).key
    except jwt.PyJWTError:
        raise ContractBroken(provider="plaid", detail="webhook_key") from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ContractBroken(provider="plaid", detail="webhook_key")
    return key
