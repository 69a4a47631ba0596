"""What can go wrong at a provider, named by what to do next.

Belongs here: error types that cross layers. Callers branch on the `Recovery` of an error, never on its text.
Does not belong here: mapping of one provider's codes (that lives beside its client).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path


class Recovery(StrEnum):
    """What the next step after a provider's refusal is."""

    RETRY_BACKOFF = "retry_backoff"
    RETRY_AT = "retry_at"
    RESTART_ROUND = "restart_round"
    LOST_CURSOR = "lost_cursor"
    REFRESH_APP_TOKEN = "refresh_app_token"  # noqa: S105 - a name of an action, not a secret
    REAUTH_USER = "reauth_user"
    RELINK = "relink"
    ACCOUNT_GONE = "account_gone"
    OPERATOR = "operator"
    BUG = "bug"


TRANSIENT = frozenset(
    {Recovery.RETRY_BACKOFF, Recovery.RETRY_AT, Recovery.RESTART_ROUND, Recovery.LOST_CURSOR}
)
"""Recoveries that leave the connection healthy: time alone mends them."""

NEEDS_USER = frozenset({Recovery.REAUTH_USER, Recovery.RELINK})
"""Recoveries that only the person who owns the bank connection can perform."""

_ADVICE = {
    Recovery.RETRY_BACKOFF: "It is tried again by itself.",
    Recovery.RETRY_AT: "It is tried again at the time the provider named.",
    Recovery.RESTART_ROUND: "The round starts again from its first cursor.",
    Recovery.LOST_CURSOR: "Everything is read again from the beginning and compared.",
    Recovery.REFRESH_APP_TOKEN: "The application's token is renewed.",
    Recovery.REAUTH_USER: "The person has to log in to the bank again.",
    Recovery.RELINK: "The person has to connect the bank again.",
    Recovery.ACCOUNT_GONE: "This account is no longer offered; the others go on.",
    Recovery.OPERATOR: "Check the provider's credentials and contract in the settings.",
    Recovery.BUG: "Report it: the request itself was wrong.",
}


class BankSyncError(Exception):
    """Base of all errors that bank_sync raises on purpose; its text is safe to show and to log."""


class ProviderError(BankSyncError):
    """A provider refused or failed; built from codes alone, so that it carries no secret and no one's data.

    Args:
        provider: `plaid`, `teller`, `gocardless`, ...
        code: the provider's own code, or ours in lower case (`timeout`, `contract_broken`).
        recovery: what to do next.
        http_status: status of the answer, None where there was none.
        request_id: the provider's id of the request, for its support desk.
        retry_after_s: seconds the provider asked to wait, where it did.
    """

    def __init__(
        self,
        *,
        provider: str,
        code: str,
        recovery: Recovery,
        http_status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.provider = provider
        self.code = code
        self.recovery = recovery
        self.http_status = http_status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        status = f", HTTP {http_status}" if http_status is not None else ""
        request = f", request {request_id}" if request_id else ""
        super().__init__(f"{provider} answered {code}{status}{request}. {_ADVICE[recovery]}")

    @property
    def is_transient(self) -> bool:
        """True when waiting mends it and the connection stays healthy."""
        return self.recovery in TRANSIENT


class ContractBroken(ProviderError):
    """An answer that is not what the provider promises: not JSON, too large, a required field gone.

    Args:
        provider: whose answer it was.
        detail: which promise was broken, in code-like words (`not_json`, `too_large`, `missing:accounts`).
    """

    def __init__(self, *, provider: str, detail: str, http_status: int | None = None) -> None:
        super().__init__(
            provider=provider,
            code=f"contract_broken:{detail}",
            recovery=Recovery.RETRY_BACKOFF,
            http_status=http_status,
        )


class SettingsError(BankSyncError):
    """A setting is missing or wrong; the message names it and says what to do."""


class NotFound(BankSyncError, LookupError):
    """Something named by the caller does not exist; the message says how to list what does."""


class UnexpectedFailure(BankSyncError):
    """A mistake of ours met one connection; named by its type and place, since its text may hold data.

    Args:
        what: the part of the work that failed.
        error: what was raised.
    """

    def __init__(self, what: str, error: BaseException) -> None:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f" at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place else ""
        super().__init__(
            f"{what} failed with {type(error).__name__}{where}. Report it; the others go on, and this one is "
            "tried again by itself."
        )


class CursorMoved(BankSyncError):
    """Another worker advanced this cursor first: this round is stale and must be thrown away."""


class SyncBusy(BankSyncError):
    """Another worker syncs this connection now; nothing was done and nothing is lost."""


class AmountRefused(BankSyncError):
    """An amount that cannot be stored exactly; the row goes to quarantine rather than being rounded."""
