"""Which refusals concern one account and which the whole connection.

Belongs here: that one rule, for providers that are asked account by account.
"""

from __future__ import annotations

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import AccountFailure

_OF_ONE_ACCOUNT = frozenset({Recovery.ACCOUNT_GONE, Recovery.RETRY_AT, Recovery.RETRY_BACKOFF, Recovery.BUG})


def account_failure(error: ProviderError, provider_account_id: str) -> AccountFailure:
    """The error as one account's failure, so that the other accounts go on.

    Raises:
        ProviderError: the error itself, when it stops the whole connection (a lost login, wrong settings).
    """
    if error.recovery not in _OF_ONE_ACCOUNT:
        raise error
    return AccountFailure(
        provider_account_id=provider_account_id,
        code=error.code,
        recovery=error.recovery.value,
        message=str(error),
        retry_after_s=error.retry_after_s,
    )


def as_provider_error(provider: str, failure: AccountFailure) -> ProviderError:
    """One account's failure as the connection's, where it stands for all."""
    return ProviderError(
        provider=provider,
        code=failure.code,
        recovery=Recovery(failure.recovery),
        retry_after_s=failure.retry_after_s,
    )
