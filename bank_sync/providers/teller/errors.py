"""What to do about each of Teller's error codes.

Belongs here: codes and the recovery each asks for. A bare 404 says nothing: a lost bank session answers 404
as well, so the code's prefix decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.providers.retries import recovery_by_status

RECOVERY_BY_PREFIX = {
    "enrollment.disconnected": Recovery.REAUTH_USER,
    "account.closed": Recovery.ACCOUNT_GONE,
    "account_number_verification_pending": Recovery.RETRY_AT,
    "account_number_verification_expired": Recovery.RELINK,
    "bad_request": Recovery.OPERATOR,
    "not_found": Recovery.ACCOUNT_GONE,
}
"""By the whole code, or by what stands before a further `.reason`."""

_RECOVERY_BY_STATUS = {
    401: Recovery.OPERATOR,
    403: Recovery.RELINK,
    404: Recovery.ACCOUNT_GONE,
    410: Recovery.ACCOUNT_GONE,
}
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,99}")


def refusal(status: int, _: Mapping[str, str], value: object) -> ProviderError:
    """The error for a refused call; an unknown code goes by the HTTP status."""
    code = _code_of(value)
    recovery = _recovery_of(code) if code else None
    return ProviderError(
        provider="teller",
        code=code or f"http_{status}",
        recovery=recovery or _RECOVERY_BY_STATUS.get(status) or recovery_by_status(status),
        http_status=status,
    )


def _recovery_of(code: str) -> Recovery | None:
    for prefix, recovery in RECOVERY_BY_PREFIX.items():
        if code == prefix or code.startswith(f"{prefix}."):
            return recovery
    return None


def _code_of(value: object) -> str | None:
    error = value.get("error") if isinstance(value, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None
