"""Calls that carry the application's token.

Belongs here: putting the bearer on, and renewing it once when it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.gocardless.errors import refusal
from bank_sync.providers.gocardless.token import AppToken, TokenShelf
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.retries import Meter


class GoCardlessApi:
    """The API with its token.

    Args:
        http: the API without it.
        secret_id: of the GoCardless account.
        secret_key: of the GoCardless account.
        clock: the time in UTC.
        shelf: where the token is kept; None keeps it in this process.
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
        self._token = AppToken(http, secret_id, secret_key, clock, shelf)

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, meter: Meter | None = None
    ) -> object:
        """The decoded answer of a GET; `meter` counts its tries.

        Raises:
            ProviderError: refused or unanswered.
        """
        return self.call("GET", path, params=params, meter=meter)

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
        meter: Meter | None = None,
    ) -> object:
        """The decoded answer of any call; a refused token is renewed once.

        Raises:
            ProviderError: refused or unanswered; `Recovery.OPERATOR` when a fresh token is refused too.
        """

        def send(bearer: str) -> object:
            return self._http.call(
                method,
                path,
                json=json,
                params=params,
                headers={"Authorization": f"Bearer {bearer}"},
                refusal=refusal,
                repeatable=repeatable,
                meter=meter,
            ).value

        bearer = self._token.bearer()
        try:
            return send(bearer)
        except ProviderError as error:
            if error.recovery is not Recovery.REFRESH_APP_TOKEN:
                raise
        self._token.forget(bearer)
        try:
            return send(self._token.bearer())
        except ProviderError as error:
            if error.recovery is Recovery.REFRESH_APP_TOKEN:
                raise _fresh_token_refused() from None
            raise


def _fresh_token_refused() -> ProviderError:
    return ProviderError(provider="gocardless", code="fresh_token_refused", recovery=Recovery.OPERATOR)
