"""The application's token: got once, renewed before it ends, shared by all threads.

Belongs here: the two clocks of the application (access and refresh). Does not belong here: a person's
consent, which no token can renew.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bank_sync.domain.errors import ProviderError
from bank_sync.providers.gocardless.errors import refusal
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.rows import WireModel, checked_envelope

_USED_SHARE_OF_LIFE = 0.8  # renewed before it ends, so that no call meets its end


class _NewTokenAnswer(WireModel):
    access: str
    access_expires: int
    refresh: str
    refresh_expires: int


class _RefreshAnswer(WireModel):
    access: str
    access_expires: int


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    renew_at: datetime


class AppToken:
    """Hands out a bearer that is good now.

    Args:
        http: the API.
        secret_id: of the GoCardless account.
        secret_key: of the GoCardless account.
        clock: the time in UTC.
    """

    def __init__(
        self, http: ProviderHttp, secret_id: str, secret_key: str, clock: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._secrets = {"secret_id": secret_id, "secret_key": secret_key}
        self._clock = clock
        self._lock = threading.Lock()
        self._access: _Token | None = None
        self._refresh: _Token | None = None

    def bearer(self) -> str:
        """A good access token, renewed when four fifths of its life are gone.

        Raises:
            ProviderError: GoCardless refuses the secrets, or does not answer.
        """
        with self._lock:
            if self._access is None or self._clock() >= self._access.renew_at:
                self._access = self._renewed()
            return self._access.text

    def forget(self, bearer: str) -> None:
        """Throw away an access token that was refused, unless another thread has done so."""
        with self._lock:
            if self._access is not None and self._access.text == bearer:
                self._access = None

    def _renewed(self) -> _Token:
        if self._refresh is not None and self._clock() < self._refresh.renew_at:
            try:
                return self._refreshed(self._refresh.text)
            except ProviderError as error:
                if error.is_transient:
                    raise
        value = self._post("/token/new/", self._secrets)
        answer = checked_envelope(_NewTokenAnswer, value, "gocardless")
        self._refresh = self._token(answer.refresh, answer.refresh_expires)
        return self._token(answer.access, answer.access_expires)

    def _refreshed(self, refresh: str) -> _Token:
        value = self._post("/token/refresh/", {"refresh": refresh})
        answer = checked_envelope(_RefreshAnswer, value, "gocardless")
        return self._token(answer.access, answer.access_expires)

    def _token(self, text: str, life_s: int) -> _Token:
        return _Token(text, self._clock() + timedelta(seconds=life_s * _USED_SHARE_OF_LIFE))

    def _post(self, path: str, wish: dict[str, str]) -> object:
        return self._http.call("POST", path, json=wish, refusal=refusal).value
