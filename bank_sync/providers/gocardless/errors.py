"""What to do about each way GoCardless refuses.

Belongs here: the three shapes of its error bodies and the phrases that tell cases of one HTTP status apart.
GoCardless has few codes, so this is the one place where its texts are read; they go no further, because they
hold ids of agreements and accounts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.retries import recovery_by_status

_LONGEST_INLINE_WAIT_S = 60.0  # the minute window of the general limit; beyond it, it is a daily one
_DAY_S = 86_400.0

RECOVERY_BY_TYPE = {
    "AccessExpiredError": Recovery.REAUTH_USER,
    "AccountAccessForbidden": Recovery.REAUTH_USER,
    "AccountInactiveError": Recovery.ACCOUNT_GONE,
    "AccountProcessing": Recovery.RETRY_AT,
    "RateLimitError": Recovery.RETRY_AT,
    "UnknownRequestError": Recovery.RETRY_BACKOFF,
    "ServiceError": Recovery.RETRY_BACKOFF,
    "ConnectionError": Recovery.RETRY_BACKOFF,
}
"""By the `type` that bank-side errors carry."""

CASES: tuple[tuple[int, str, str, Recovery], ...] = (
    # 401 is ambiguous: renewing the application's token on an expired consent would never end
    (401, "invalid token", "invalid_token", Recovery.REFRESH_APP_TOKEN),
    (401, "token is invalid or expired", "invalid_token", Recovery.REFRESH_APP_TOKEN),
    (401, "authentication failed", "authentication_failed", Recovery.OPERATOR),
    (401, "no active account found", "authentication_failed", Recovery.OPERATOR),
    (401, "end user agreement", "agreement_expired", Recovery.REAUTH_USER),
    (401, "eua was valid", "agreement_expired", Recovery.REAUTH_USER),
    (401, "access has expired", "access_expired", Recovery.REAUTH_USER),
    (403, "end user agreement", "no_valid_agreement", Recovery.REAUTH_USER),
    (409, "suspended", "account_suspended", Recovery.REAUTH_USER),
    (409, "processing", "account_processing", Recovery.RETRY_AT),
)
"""(status, phrase in summary or detail, our code, recovery); the first that fits counts."""

_RECOVERY_BY_STATUS = {
    402: Recovery.OPERATOR,
    404: Recovery.ACCOUNT_GONE,
    409: Recovery.RETRY_AT,
}
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_OWN_FIELDS = frozenset({"summary", "detail", "status_code"})

DAILY_LIMIT = "daily_limit"
"""The code of a refusal that lasts: the bank gives nothing more today."""

OWN_SERVER_ERROR = "server_error"
"""The code of a server error that GoCardless told in its own words, without a type.

One in nobody's shape keeps the code `http_5xx`: it comes from a gateway, and what is behind may have done the
work all the same.
"""

_PROCESSING_WAIT_S = 300.0
_TYPE = re.compile(r"[A-Za-z]{1,60}")
_SECONDS = re.compile(r"try again in (\d{1,7}) seconds", re.IGNORECASE)
_ACCOUNT_RESET = "http_x_ratelimit_account_success_reset"
_GENERAL_RESET = "http_x_ratelimit_reset"


def refusal(status: int, headers: Mapping[str, str], value: object) -> ProviderError:
    """The error for a refused call; an unknown one goes by the HTTP status."""
    body = value if isinstance(value, Mapping) else {}
    text = " ".join(_texts(body)).lower()
    if status == _TOO_MANY_REQUESTS:
        return _rate_limited(_type_of(body), text, headers)
    is_own = not _OWN_FIELDS.isdisjoint(body)
    code, recovery = _code_and_recovery(status, _type_of(body), text, is_own=is_own)
    return ProviderError(
        provider="gocardless",
        code=code,
        recovery=recovery,
        http_status=status,
        retry_after_s=_PROCESSING_WAIT_S if recovery is Recovery.RETRY_AT else None,
    )


def _code_and_recovery(
    status: int, error_type: str | None, text: str, *, is_own: bool
) -> tuple[str, Recovery]:
    if error_type in RECOVERY_BY_TYPE:
        return error_type, RECOVERY_BY_TYPE[error_type]
    for case_status, phrase, code, recovery in CASES:
        if status == case_status and phrase in text:
            return code, recovery
    if status >= _SERVER_ERROR and is_own and not error_type:
        return OWN_SERVER_ERROR, Recovery.RETRY_BACKOFF
    return error_type or f"http_{status}", _RECOVERY_BY_STATUS.get(status) or recovery_by_status(status)


def _rate_limited(error_type: str | None, text: str, headers: Mapping[str, str]) -> ProviderError:
    """A minute's wait is a pause; a day's wait is an appointment."""
    wait_s = _named_wait_s(text, headers)
    if wait_s is None and error_type == "RateLimitError":
        wait_s = _DAY_S  # the bank's own limit: it names no time, and it counts by the day
    is_daily = wait_s is not None and wait_s > _LONGEST_INLINE_WAIT_S
    return ProviderError(
        provider="gocardless",
        code=DAILY_LIMIT if is_daily else "rate_limit",
        recovery=Recovery.RETRY_AT if is_daily else Recovery.RETRY_BACKOFF,
        http_status=_TOO_MANY_REQUESTS,
        retry_after_s=wait_s,
    )


def _named_wait_s(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds from the text, else from the headers of the limit that is used up."""
    named = _SECONDS.search(text)
    if named:
        return float(named.group(1))
    for remaining, reset in (
        ("http_x_ratelimit_account_success_remaining", _ACCOUNT_RESET),
        ("http_x_ratelimit_remaining", _GENERAL_RESET),
    ):
        if headers.get(remaining) == "0" and headers.get(reset, "").isdigit():
            return float(headers[reset])
    return None


def _type_of(body: Mapping[str, object]) -> str | None:
    error_type = body.get("type")
    return error_type if isinstance(error_type, str) and _TYPE.fullmatch(error_type) else None


def _texts(value: object) -> Iterator[str]:
    """All texts of a body: plain, by field, or lists of either."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
