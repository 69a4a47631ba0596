"""Each provider's refusals and what is done about them.

Belongs here: one row per documented case. Bodies are written as the providers send them.
"""

from __future__ import annotations

import pytest

from bank_sync.domain.errors import Recovery
from bank_sync.providers.gocardless.errors import refusal as gocardless_refusal
from bank_sync.providers.plaid.errors import RECOVERY_BY_CODE
from bank_sync.providers.plaid.errors import refusal as plaid_refusal
from bank_sync.providers.teller.errors import refusal as teller_refusal

EXPIRED = "EUA was valid for 90 days and it expired at 2026-07-01. The end user must connect again"
RATE = "The rate limit for this resource is 4/day. Please try again in 84562 seconds"


@pytest.mark.parametrize(
    ("status", "error_type", "code", "recovery"),
    [
        (400, "ITEM_ERROR", "ITEM_LOGIN_REQUIRED", Recovery.REAUTH_USER),
        (400, "ITEM_ERROR", "PRODUCT_NOT_READY", Recovery.RETRY_AT),
        (400, "ITEM_ERROR", "ITEM_NOT_FOUND", Recovery.RELINK),
        (400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN", Recovery.RELINK),
        (400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN", Recovery.RELINK),
        (400, "INVALID_INPUT", "INVALID_API_KEYS", Recovery.OPERATOR),
        (400, "INVALID_INPUT", "INVALID_ACCOUNT_ID", Recovery.ACCOUNT_GONE),
        (400, "INVALID_REQUEST", "MISSING_FIELDS", Recovery.BUG),
        (400, "INSTITUTION_ERROR", "INSTITUTION_DOWN", Recovery.RETRY_BACKOFF),
        (
            400,
            "TRANSACTIONS_ERROR",
            "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
            Recovery.RESTART_ROUND,
        ),
        (429, "RATE_LIMIT_EXCEEDED", "TRANSACTIONS_SYNC_LIMIT", Recovery.RETRY_BACKOFF),
        (429, "RATE_LIMIT_EXCEEDED", "CREDITS_EXHAUSTED", Recovery.OPERATOR),
        (400, "INSTITUTION_ERROR", "SOMETHING_NEW", Recovery.RETRY_BACKOFF),
        (400, "SOMETHING_NEW", "SOMETHING_NEWER", Recovery.BUG),
        (500, "SOMETHING_NEW", "SOMETHING_NEWER", Recovery.RETRY_BACKOFF),
    ],
)
def test_plaid(status: int, error_type: str, code: str, recovery: Recovery) -> None:
    """The code decides, then the type, then the status; the request id is kept for Plaid's desk."""
    body = {"error_type": error_type, "error_code": code, "error_message": "canary", "request_id": "abc123"}
    error = plaid_refusal(status, {}, body)
    assert (error.code, error.recovery, error.request_id) == (code, recovery, "abc123")
    assert "canary" not in str(error)


def test_the_documented_codes_of_plaid() -> None:
    """Every code stands in the table once."""
    assert len(RECOVERY_BY_CODE) >= 79


@pytest.mark.parametrize(
    ("status", "code", "recovery"),
    [
        (404, "enrollment.disconnected", Recovery.REAUTH_USER),
        (404, "enrollment.disconnected.user_action.mfa_required", Recovery.REAUTH_USER),
        (404, "enrollment.disconnected.reason_nobody_knows", Recovery.REAUTH_USER),
        (404, "not_found", Recovery.ACCOUNT_GONE),
        (404, "account_number_verification_pending", Recovery.RETRY_AT),
        (410, "account.closed", Recovery.ACCOUNT_GONE),
        (410, "account.closed.by_bank", Recovery.ACCOUNT_GONE),
        (400, "bad_request", Recovery.OPERATOR),
        (403, "code_nobody_knows", Recovery.RELINK),
        (422, "code_nobody_knows", Recovery.BUG),
        (429, "code_nobody_knows", Recovery.RETRY_BACKOFF),
        (502, "code_nobody_knows", Recovery.RETRY_BACKOFF),
    ],
)
def test_teller(status: int, code: str, recovery: Recovery) -> None:
    """The code's prefix decides, because a lost login is a 404 as well."""
    error = teller_refusal(status, {}, {"error": {"code": code, "message": "canary"}})
    assert (error.code, error.recovery) == (code, recovery)


@pytest.mark.parametrize(
    ("status", "body", "code", "recovery"),
    [
        (401, {"summary": "Invalid token", "detail": "Token is invalid or expired"}, "invalid_token",
         Recovery.REFRESH_APP_TOKEN),
        (401, {"summary": "Authentication failed", "detail": "No active account found"},
         "authentication_failed", Recovery.OPERATOR),
        (401, {"summary": "End User Agreement (EUA) 3fa8 has expired", "detail": EXPIRED},
         "agreement_expired", Recovery.REAUTH_USER),
        (401, {"summary": ["End User Agreement (EUA) 3fa8 has expired"], "detail": [EXPIRED]},
         "agreement_expired", Recovery.REAUTH_USER),
        (401, {"detail": "Access has expired or it has been revoked.", "type": "AccessExpiredError"},
         "AccessExpiredError", Recovery.REAUTH_USER),
        (401, {"type": "AccountInactiveError"}, "AccountInactiveError", Recovery.ACCOUNT_GONE),
        (402, {"summary": "Payment Required"}, "http_402", Recovery.OPERATOR),
        (403, {"summary": "IP address access denied"}, "http_403", Recovery.OPERATOR),
        (404, {"summary": "Not found.", "detail": "Not found."}, "http_404", Recovery.ACCOUNT_GONE),
        (409, {"summary": "Account suspended"}, "account_suspended", Recovery.REAUTH_USER),
        (409, {"type": "AccountProcessing"}, "AccountProcessing", Recovery.RETRY_AT),
        (429, {"summary": "Rate limit exceeded", "detail": RATE}, "daily_limit", Recovery.RETRY_AT),
        (429, {"type": "RateLimitError"}, "daily_limit", Recovery.RETRY_AT),
        (429, {"detail": "Please try again in 20 seconds"}, "rate_limit", Recovery.RETRY_BACKOFF),
        (500, {"type": "UnknownRequestError"}, "UnknownRequestError", Recovery.RETRY_BACKOFF),
        (503, {"type": "ServiceError"}, "ServiceError", Recovery.RETRY_BACKOFF),
        (503, {"type": "TypeNobodyKnows"}, "TypeNobodyKnows", Recovery.RETRY_BACKOFF),
        (400, {"country": {"summary": "Invalid country choice."}}, "http_400", Recovery.BUG),
        (400, {"institution_id": ["This field is required."]}, "http_400", Recovery.BUG),
    ],
)  # fmt: skip
def test_gocardless(status: int, body: dict[str, object], code: str, recovery: Recovery) -> None:
    """All three body shapes; 401 means four things and only one of them is the token's."""
    error = gocardless_refusal(status, {}, {**body, "status_code": status})
    assert (error.code, error.recovery) == (code, recovery)
    assert "3fa8" not in str(error)


def test_the_seconds_gocardless_names() -> None:
    """They come from the text, or from the headers of the limit that is used up."""
    headers = {
        "http_x_ratelimit_account_success_remaining": "0",
        "http_x_ratelimit_account_success_reset": "4321",
    }
    assert gocardless_refusal(429, {}, {"detail": RATE}).retry_after_s == 84_562
    assert gocardless_refusal(429, headers, {}).retry_after_s == 4321


@pytest.mark.parametrize("refusal", [plaid_refusal, teller_refusal, gocardless_refusal])
@pytest.mark.parametrize("body", [None, [], "text", 7, {}, {"error": "x"}, {"error_code": 5, "type": []}])
def test_a_refusal_without_a_known_shape(refusal: type, body: object) -> None:
    """It goes by its status and never fails itself."""
    assert refusal(503, {}, body).recovery is Recovery.RETRY_BACKOFF
    assert refusal(503, {}, body).code == "http_503"


def test_a_code_that_is_no_code() -> None:
    """What is not shaped like a code may be someone's data and is not repeated."""
    assert plaid_refusal(400, {}, {"error_code": "DE89 canary"}).code == "http_400"
    assert teller_refusal(400, {}, {"error": {"code": "canary card 1234"}}).code == "http_400"
