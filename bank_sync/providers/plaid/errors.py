"""What to do about each of Plaid's error codes.

Belongs here: Plaid's published codes and the recovery each asks for. Does not belong here: texts; Plaid
changes them, and callers never branch on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.retries import recovery_by_status

_CODES_BY_RECOVERY = {
    Recovery.REAUTH_USER: """
        ITEM_LOGIN_REQUIRED ITEM_LOCKED INVALID_CREDENTIALS INVALID_MFA INVALID_OTP INVALID_SEND_METHOD
        INVALID_PHONE_NUMBER INVALID_UPDATED_USERNAME INSUFFICIENT_CREDENTIALS PASSWORD_RESET_REQUIRED
        USER_SETUP_REQUIRED USER_INPUT_TIMEOUT MANUAL_VERIFICATION_REQUIRED ACCESS_NOT_GRANTED NO_ACCOUNTS
        ADDITIONAL_CONSENT_REQUIRED""",
    Recovery.RELINK: """
        INVALID_ACCESS_TOKEN INVALID_PUBLIC_TOKEN ITEM_NOT_FOUND ITEM_CONCURRENTLY_DELETED ITEM_NOT_SUPPORTED
        MFA_NOT_SUPPORTED NO_AUTH_ACCOUNTS NO_INVESTMENT_ACCOUNTS NO_LIABILITY_ACCOUNTS PRODUCTS_NOT_SUPPORTED
        PRODUCT_NOT_ENABLED INSTANT_MATCH_FAILED USER_PERMISSION_REVOKED INSTITUTION_NO_LONGER_SUPPORTED
        UNSUPPORTED_RESPONSE""",
    Recovery.ACCOUNT_GONE: "INVALID_ACCOUNT_ID USER_ACCOUNT_REVOKED",
    Recovery.RETRY_AT: "PRODUCT_NOT_READY",
    Recovery.RESTART_ROUND: "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    Recovery.RETRY_BACKOFF: """
        INSTITUTION_DOWN INSTITUTION_NOT_RESPONDING INSTITUTION_NOT_AVAILABLE INTERNAL_SERVER_ERROR
        PLANNED_MAINTENANCE ACCOUNTS_LIMIT ACCOUNTS_BALANCE_GET_LIMIT BALANCE_LIMIT AUTH_LIMIT IDENTITY_LIMIT
        INSTITUTIONS_GET_LIMIT INSTITUTIONS_GET_BY_ID_LIMIT INSTITUTION_RATE_LIMIT ITEM_GET_LIMIT RATE_LIMIT
        TRANSACTIONS_LIMIT TRANSACTIONS_REFRESH_LIMIT TRANSACTIONS_SYNC_LIMIT""",
    Recovery.OPERATOR: """
        INVALID_API_KEYS UNAUTHORIZED_ENVIRONMENT UNAUTHORIZED_ROUTE_ACCESS INSTITUTION_NOT_FOUND
        INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT INSTITUTION_REGISTRATION_REQUIRED UNAUTHORIZED_INSTITUTION
        ADDITION_LIMIT CREDITS_EXHAUSTED TRIAL_CONNECTION_LIMIT""",
    Recovery.BUG: """
        MISSING_FIELDS UNKNOWN_FIELDS INVALID_FIELD INVALID_CONFIGURATION INCOMPATIBLE_API_VERSION
        INVALID_BODY INVALID_HEADERS NOT_FOUND NO_LONGER_AVAILABLE SANDBOX_ONLY INVALID_ACCOUNT_NUMBER
        INVALID_INSTITUTION INVALID_PRODUCT INVALID_LINK_TOKEN INVALID_LINK_CUSTOMIZATION INVALID_USER_TOKEN
        INVALID_WEBHOOK_VERIFICATION_KEY_ID SANDBOX_PRODUCT_NOT_ENABLED SANDBOX_WEBHOOK_INVALID""",
}
RECOVERY_BY_CODE = {
    code: recovery for recovery, codes in _CODES_BY_RECOVERY.items() for code in codes.split()
}
"""Every code Plaid documents for the calls made here."""

_RETRIED_TYPES = frozenset({"INSTITUTION_ERROR", "API_ERROR", "RATE_LIMIT_EXCEEDED"})
_BAD_REQUEST = 400  # what a read of such an Item is answered with
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9]{1,40}")


def refusal(status: int, _: Mapping[str, str], value: object) -> ProviderError:
    """The error for a refused call; an unknown code goes by its type, then by the HTTP status."""
    body = value if isinstance(value, Mapping) else {}
    code = _matching(_CODE, body.get("error_code"))
    recovery = RECOVERY_BY_CODE.get(code or "")
    if recovery is None:
        is_retried = body.get("error_type") in _RETRIED_TYPES
        recovery = Recovery.RETRY_BACKOFF if is_retried else recovery_by_status(status)
    return ProviderError(
        provider="plaid",
        code=code or f"http_{status}",
        recovery=recovery,
        http_status=status,
        request_id=_matching(_REQUEST_ID, body.get("request_id")),
    )


def item_trouble(value: object) -> ProviderError | None:
    """The error that an Item carries while Plaid itself answers; None for a healthy one."""
    return refusal(_BAD_REQUEST, {}, value) if isinstance(value, Mapping) else None


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    """A code-like word, or None: whatever else stands there may be someone's data."""
    return value if isinstance(value, str) and pattern.fullmatch(value) else None
