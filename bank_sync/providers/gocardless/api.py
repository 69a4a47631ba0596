"""Calls that carry the application's token.

Belongs here: putting the bearer on, and renewing it once when it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.gocardless.errors import refusal
from bank_sync.providers.gocardless.token import AppToken
from bank_sync.providers.http import ProviderHttp


class GoCardlessApi:
    """The API with its token.

    Args:
        http: the API without it.
        secret_id: of the GoCardless account.
        secret_key: of the GoCardless account.
        clock: the time in UTC.
    """

    def __init__(
        self, http: ProviderHttp, secret_id: str, secret_key: str, clock: Callable[[], datetime]
    ) -> None:
        self._http = http
        self._token = AppToken(http, secret_id, secret_key, clock)

    def get(self, path: str, params: Mapping[str, str] | None = None) -> object:
        """The decoded answer of a GET.

        Raises:
            ProviderError: refused or unanswered.
        """
        return self.call("GET", path, params=params)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> object:
        """The decoded answer of any call; a refused token is renewed once.

        Raises:
            ProviderError: refused or unanswered; `Recovery.OPERATOR` when a fresh token is refused too.
        """
        bearer = self._token.bearer()
        try:
            return self._send(bearer, method, path, json, params, repeatable=repeatable)
        except ProviderError as error:
            if error.recovery is not Recovery.REFRESH_APP_TOKEN:
                raise
        self._token.forget(bearer)
        try:
            return self._send(self._token.bearer(), method, path, json, params, repeatable=repeatable)
        except ProviderError as error:
            if error.recovery is Recovery.REFRESH_APP_TOKEN:
                raise _fresh_token_refused() from None
            raise

    def _send(
        self,
        bearer: str,
        method: str,
        path: str,
        json: object,
        params: Mapping[str, str] | None,
        *,
        repeatable: bool,
    ) -> object:
        headers = {"Authorization": f"Bearer {bearer}"}
        return self._http.call(
            method, path, json=json, params=params, headers=headers, refusal=refusal, repeatable=repeatable
        ).value


def _fresh_token_refused() -> ProviderError:
    return ProviderError(provider="gocardless", code="fresh_token_refused", recovery=Recovery.OPERATOR)
