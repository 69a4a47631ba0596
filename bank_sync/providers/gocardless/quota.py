"""GoCardless' daily quota: what each try of a call reserves, and what its answer says.

Belongs here: which ways of failing certainly cost nothing, and the headers that tell the bank's count. Does
not belong here: the arithmetic (`domain.quota`) and the ledger (`storage.quota`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import CallOutcome, Reservation, Scope
from bank_sync.providers.gocardless.errors import DAILY_LIMIT
from bank_sync.providers.unanswered import NOT_SENT

_LIMIT = "http_x_ratelimit_account_success_limit"
_REMAINING = "http_x_ratelimit_account_success_remaining"
_PROVIDER = "gocardless"
_SERVER_ERROR = 500


class DailyQuota(Protocol):
    """A durable ledger of calls, shared by all processes."""

    def reserve(
        self, provider: str, provider_account_id: str, scope: Scope, asked_by: AskedBy
    ) -> Reservation:
        """Reserve one call, or tell when the next one fits."""

    def settle(
        self,
        call_id: int,
        outcome: CallOutcome,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        refused_for_s: float | None = None,
    ) -> None:
        """Note how a reserved call ended; one that is never settled counts as used."""


class CallMeter:
    """Counts the tries of one call about one account.

    Args:
        quota: the ledger.
        account_id: GoCardless' id of the account.
        scope: what is asked.
        asked_by: a person may use the last call of the day.
        clock: the time in UTC.
    """

    def __init__(
        self,
        quota: DailyQuota,
        account_id: str,
        scope: Scope,
        asked_by: AskedBy,
        clock: Callable[[], datetime],
    ) -> None:
        self._quota = quota
        self._account_id = account_id
        self._scope = scope
        self._asked_by = asked_by
        self._clock = clock
        self._call_id = 0

    def reserve(self) -> None:
        """Reserve one call.

        Raises:
            ProviderError: `daily_quota`, with the seconds until a call fits.
        """
        reservation = self._quota.reserve(_PROVIDER, self._account_id, self._scope, self._asked_by)
        if reservation.call_id is None:
            raise ProviderError(
                provider=_PROVIDER,
                code="daily_quota",
                recovery=Recovery.RETRY_AT,
                retry_after_s=max(0.0, (reservation.free_at - self._clock()).total_seconds()),
            )
        self._call_id = reservation.call_id

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """The bank has counted one; its own count goes to the ledger."""
        self._quota.settle(
            self._call_id,
            CallOutcome.SUCCEEDED,
            limit=_figure(headers, _LIMIT),
            remaining=_figure(headers, _REMAINING),
        )

    def failed(self, error: ProviderError) -> bool:
        """Give the call back where GoCardless itself told the failure; an unknown end keeps it used."""
        if error.code not in NOT_SENT and _may_have_counted(error):
            return False
        if error.code == DAILY_LIMIT:
            wait_s = error.retry_after_s
            self._quota.settle(self._call_id, CallOutcome.REFUSED, refused_for_s=wait_s)
        else:
            self._quota.settle(self._call_id, CallOutcome.FAILED)
        return True


def _may_have_counted(error: ProviderError) -> bool:
    """No answer, an answer that was damaged, or one by a gateway that does not know what happened behind."""
    by_gateway = error.http_status is not None and error.http_status >= _SERVER_ERROR
    return (
        error.http_status is None
        or isinstance(error, ContractBroken)
        or (by_gateway and error.code == f"http_{error.http_status}")
    )


def _figure(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(name, "")
    return int(text) if text.isdigit() and len(text) < 6 else None  # noqa: PLR2004 - more is no count of calls
