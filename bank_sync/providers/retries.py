"""Which failures are tried again at once, after how long, and which become an appointment.

Belongs here: waits of seconds, within one call. Does not belong here: when a connection is tried again
(`domain.trouble`), sending (`providers.http`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery

TRIES = 3
"""Of one call, the first one included."""

_FIRST_BACKOFF_S = 0.5
_LONGEST_WAIT_S = 5.0  # a longer wait belongs to the schedule, not to a running worker
_LONGEST_RETRY_AFTER_S = 7 * 86_400.0


class Meter(Protocol):
    """Counts the tries of one call against something scarce."""

    def reserve(self) -> None:
        """Called before each try.

        Raises:
            ProviderError: nothing is left; the try is not made.
        """

    def succeeded(self, headers: Mapping[str, str]) -> None:
        """The try was answered well."""

    def failed(self, error: ProviderError) -> bool:
        """The try failed; True when it cost nothing, so that another one may follow."""


def wait_before_retry_s(error: ProviderError, tries_left: int, random: Callable[[], float]) -> float | None:
    """Seconds to wait, None to give up: a broken contract does not mend in seconds."""
    if tries_left == 0 or error.recovery is not Recovery.RETRY_BACKOFF or isinstance(error, ContractBroken):
        return None
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= _LONGEST_WAIT_S else None
    longest_s: float = _FIRST_BACKOFF_S * 2 ** (TRIES - tries_left)
    return longest_s * (0.5 + random() / 2)


def as_appointment(error: ProviderError) -> ProviderError:
    """A wait too long for a worker becomes a time at which the schedule comes back."""
    if (
        error.recovery is not Recovery.RETRY_BACKOFF
        or error.retry_after_s is None
        or error.retry_after_s <= _LONGEST_WAIT_S
    ):
        return error
    return ProviderError(
        provider=error.provider,
        code=error.code,
        recovery=Recovery.RETRY_AT,
        http_status=error.http_status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )


def recovery_by_status(status: int) -> Recovery:
    """What to do about a refusal whose code nobody knows."""
    if status in (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS) or status >= 500:  # noqa: PLR2004 - the class of server errors
        return Recovery.RETRY_BACKOFF
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Recovery.OPERATOR
    return Recovery.BUG


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of a `Retry-After` header, given as seconds or as a date; at least 0 and at most a week."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        wanted_s = float(value) if value.strip().isdigit() else _seconds_between(headers.get("date"), value)
    except (ValueError, OverflowError):
        return None
    return min(max(wanted_s, 0.0), _LONGEST_RETRY_AFTER_S)


def _seconds_between(now: str | None, then: str) -> float:
    """Both as the server's own clock tells them."""
    if now is None:
        raise ValueError
    return (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
