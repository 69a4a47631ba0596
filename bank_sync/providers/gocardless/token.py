"""The application's token: got once, renewed before it ends, shared by all threads and processes.

Belongs here: the two clocks of the application (access and refresh), and when a failed renewal is tried
again. Does not belong here: a person's consent, which no token can renew, and where tokens are kept
(`storage.application_tokens`).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.gocardless.errors import refusal
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.rows import WireModel, checked_envelope

_USED_SHARE_OF_LIFE = 0.8  # renewed before it ends, so that no call meets its end

_FIRST_DELAY_S = 30.0
_ATTEMPTS = 5  # of one series, each wait twice the one before
_DELAY_AFTER_A_SERIES_S = 3_600.0

_NEVER = datetime.min.replace(tzinfo=UTC)


class TokenShelf(Protocol):
    """Keeps the tokens, as text, for all processes."""

    def read(self) -> str | None:
        """What is kept now."""

    def replace(self, renew: Callable[[str | None], str]) -> str:
        """Keep what `renew` makes of it; one at a time over all processes."""


class OwnShelf:
    """Keeps the tokens in this process."""

    def __init__(self) -> None:
        self._kept: str | None = None

    def read(self) -> str | None:
        """What is kept now."""
        return self._kept

    def replace(self, renew: Callable[[str | None], str]) -> str:
        """Keep what `renew` makes of it."""
        self._kept = renew(self._kept)
        return self._kept


class _NewTokenAnswer(WireModel):
    access: str
    access_expires: int
    refresh: str
    refresh_expires: int


class _RefreshAnswer(WireModel):
    access: str
    access_expires: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Both tokens and how renewing went: `failures` in a row, no further attempt before `not_before`."""

    access: str = field(default="", repr=False)
    access_until: datetime = _NEVER
    refresh: str = field(default="", repr=False)
    refresh_until: datetime = _NEVER
    failures: int = 0
    not_before: datetime = _NEVER

    def after_failure(self, now: datetime) -> _Tokens:
        failures = self.failures + 1
        is_over = failures >= _ATTEMPTS
        delay_s = _DELAY_AFTER_A_SERIES_S if is_over else _FIRST_DELAY_S * 2 ** (failures - 1)
        return replace(self, failures=0 if is_over else failures, not_before=now + timedelta(seconds=delay_s))


class AppToken:
    """Hands out a bearer that is good now.

    Args:
        http: the API.
        secret_id: of the GoCardless account.
        secret_key: of the GoCardless account.
        clock: the time in UTC.
        shelf: where the tokens are kept; None keeps them in this process.
    """

    def __init__(
        self,
        http: ProviderHttp,
        secret_id: str,
        secret_key: str,
        clock: Callable[[], datetime],
        shelf: TokenShelf | None = None,
    ) -> None:
        self._http = http
        self._secrets = {"secret_id": secret_id, "secret_key": secret_key}
        self._clock = clock
        self._shelf = shelf or OwnShelf()
        self._lock = threading.Lock()
        self._tokens = _Tokens()
        self._refused: str | None = None

    def bearer(self) -> str:
        """A good access token, renewed when four fifths of its life are gone.

        Raises:
            ProviderError: GoCardless refuses the secrets (`Recovery.OPERATOR`), or does not answer
                (`Recovery.RETRY_AT`: 30 seconds later at first, five attempts, then once an hour).
        """
        with self._lock:
            if not self._is_good(self._tokens):
                self._tokens = _decoded(self._shelf.read())
            if not self._is_good(self._tokens):
                self._tokens = self._renewed()
            return self._tokens.access

    def forget(self, bearer: str) -> None:
        """An access token that was refused is not used again."""
        self._refused = bearer

    def _is_good(self, tokens: _Tokens) -> bool:
        return bool(tokens.access) and tokens.access != self._refused and self._clock() < tokens.access_until

    def _renewed(self) -> _Tokens:
        failures: list[ProviderError] = []
        kept = _decoded(self._shelf.replace(lambda text: self._renew(text, failures)))
        if failures:
            raise _waiting(failures[0], kept.not_before - self._clock())
        return kept

    def _renew(self, text: str | None, failures: list[ProviderError]) -> str:
        """What to keep in place of `text`: a failure that passes is kept as well, so that all wait for it."""
        stored = _decoded(text)
        if self._is_good(stored):  # another process was first
            return _encoded(stored)
        if self._clock() < stored.not_before:
            failures.append(_unanswered())
            return _encoded(stored)
        try:
            return _encoded(self._asked(stored))
        except ProviderError as error:
            if not error.is_transient:
                raise
            failures.append(error)
            return _encoded(stored.after_failure(self._clock()))

    def _asked(self, stored: _Tokens) -> _Tokens:
        """The refresh token first; when it is dead, the application's secrets."""
        if stored.refresh and self._clock() < stored.refresh_until:
            try:
                return self._refreshed(stored)
            except ProviderError as error:
                if error.is_transient:
                    raise
        value = self._post("/token/new/", self._secrets)
        answer = checked_envelope(_NewTokenAnswer, value, "gocardless")
        return _Tokens(
            access=answer.access,
            access_until=self._until(answer.access_expires),
            refresh=answer.refresh,
            refresh_until=self._until(answer.refresh_expires),
        )

    def _refreshed(self, stored: _Tokens) -> _Tokens:
        value = self._post("/token/refresh/", {"refresh": stored.refresh})
        answer = checked_envelope(_RefreshAnswer, value, "gocardless")
        until = self._until(answer.access_expires)
        return replace(stored, access=answer.access, access_until=until, failures=0, not_before=_NEVER)

    def _until(self, life_s: int) -> datetime:
        return self._clock() + timedelta(seconds=life_s * _USED_SHARE_OF_LIFE)

    def _post(self, path: str, wish: dict[str, str]) -> object:
        return self._http.call("POST", path, json=wish, refusal=refusal).value


def _waiting(error: ProviderError, delay: timedelta) -> ProviderError:
    """Any failure to renew is an appointment, at the time all processes keep."""
    return ProviderError(
        provider="gocardless",
        code=error.code,
        recovery=Recovery.RETRY_AT,
        http_status=error.http_status,
        retry_after_s=max(0.0, delay.total_seconds()),
    )


def _unanswered() -> ProviderError:
    return ProviderError(provider="gocardless", code="token_renewal_waits", recovery=Recovery.RETRY_AT)


def _encoded(tokens: _Tokens) -> str:
    moments = ("access_until", "refresh_until", "not_before")
    return json.dumps(
        {
            name: getattr(tokens, name).isoformat() if name in moments else getattr(tokens, name)
            for name in _Tokens.__slots__
        }
    )


def _decoded(text: str | None) -> _Tokens:
    if text is None:
        return _Tokens()
    stored = json.loads(text)
    return _Tokens(
        access=stored["access"],
        access_until=datetime.fromisoformat(stored["access_until"]),
        refresh=stored["refresh"],
        refresh_until=datetime.fromisoformat(stored["refresh_until"]),
        failures=stored["failures"],
        not_before=datetime.fromisoformat(stored["not_before"]),
    )
