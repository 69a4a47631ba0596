"""Calls without a usable answer: lost connections, refused ones, time that ran out.

Belongs here: from the HTTP library's errors to ours, by kind alone, because their texts hold the URL. Does
not belong here: refusals, which each provider's `errors` reads.
"""

from __future__ import annotations

import ssl

import httpx

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery

NOT_SENT = frozenset({"connect_failed", "tls_failed", "sandbox_not_running", "budget_exhausted"})
"""Codes of failures before anything reached the provider."""


class SandboxNotRunning(ProviderError):
    """The provider sandbox should answer on this machine and nothing listens there."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider=provider, code="sandbox_not_running", recovery=Recovery.RETRY_BACKOFF)
        self.args = (
            f"The provider sandbox that plays {provider} is not running: start it with `bank-sync sandbox`.",
        )


def failure_of(error: Exception, provider: str, *, is_local: bool) -> ProviderError:
    """Our error for one of the library's; `is_local` calls go to the sandbox of this machine."""
    if isinstance(error, httpx.DecodingError):
        return ContractBroken(provider=provider, detail="wrong_encoding")
    if isinstance(error, httpx.ConnectError) and _is_tls_failure(error):
        return ProviderError(provider=provider, code="tls_failed", recovery=Recovery.OPERATOR)
    if isinstance(error, httpx.ConnectError) and is_local:
        return SandboxNotRunning(provider)
    return ProviderError(provider=provider, code=_code_of(error), recovery=Recovery.RETRY_BACKOFF)


def _code_of(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    return "connect_failed" if isinstance(error, httpx.ConnectError) else "connection_lost"


def _is_tls_failure(error: BaseException) -> bool:
    """The reason is wrapped; a certificate that does not fit must not look like an outage."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
