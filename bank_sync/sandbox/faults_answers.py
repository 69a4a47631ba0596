"""How each provider words the refusals made up on purpose: too many requests, and failures of its own.

Where a provider has no words of its own for a status, something in front of it answers with a page.
"""

from collections.abc import Mapping

from bank_sync.sandbox.faults_kinds import BANK_CALL, Fault
from bank_sync.sandbox.gocardless.errors import GoCardlessError, bank_error, plain
from bank_sync.sandbox.plaid.errors import PlaidError, mutation_during_pagination
from bank_sync.sandbox.plaid.limits import rate_limited
from bank_sync.sandbox.teller.errors import TellerError, too_many_requests
from bank_sync.sandbox.wire import Answer, Sent, json_answer, text_answer

_PHRASES: Mapping[int, str] = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_REQUEST_ID = "fAuLtfAuLtfAuLt"
_TOO_MANY, _SOON_S = 429, 60


def refused(fault: Fault, sent: Sent) -> Answer:
    """The answer of that status in the provider's own shape."""
    status = _TOO_MANY if fault.kind == "bank_limit" else int(fault.kind.removeprefix("http_"))
    extra = () if fault.retry_after is None else (("Retry-After", fault.retry_after),)
    body = _worded(status, fault, sent)
    return _proxy_page(status, extra) if body is None else json_answer(status, body, extra)


def html_page() -> Answer:
    """A page where JSON was expected, with a status that says all is well."""
    page = b"<!doctype html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
    return text_answer(200, page, "text/html; charset=utf-8")


def paging_mutation() -> Answer:
    """Plaid's answer when rows changed under a loop of pages."""
    error = mutation_during_pagination()
    return json_answer(error.status, error.body(_REQUEST_ID))


def _worded(status: int, fault: Fault, sent: Sent) -> Mapping[str, object] | None:
    if sent.provider == "plaid":
        plaid = _plaid(status, sent.path.removeprefix("/plaid"))
        return None if plaid is None else plaid.body(_REQUEST_ID)
    if sent.provider == "teller":
        teller = _teller(status)
        return None if teller is None else teller.body()
    gocardless = _gocardless(status, fault, sent.path)
    return None if gocardless is None else gocardless.body()


def _plaid(status: int, path: str) -> PlaidError | None:
    own = {
        429: rate_limited(path),
        500: PlaidError("API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred", None, 500),
        503: PlaidError("API_ERROR", "PLANNED_MAINTENANCE", "Plaid is under maintenance", None, 503),
    }
    return own.get(status)


def _teller(status: int) -> TellerError | None:
    own = {
        429: too_many_requests(),
        502: TellerError(502, "bad_gateway", "The institution is currently unavailable"),
    }
    return own.get(status)


def _gocardless(status: int, fault: Fault, path: str) -> GoCardlessError | None:
    call = BANK_CALL.search(path)
    if fault.kind == "bank_limit" and call is not None:
        detail = "Daily request limit set by the Institution has been exceeded."
        return bank_error(429, call[1], detail, "RateLimitError")
    if status == _TOO_MANY:
        wait = fault.retry_after if (fault.retry_after or "").isdecimal() else _SOON_S
        detail = f"The rate limit for this resource is 100/min. Please try again in {wait} seconds"
        return plain(429, "Rate limit exceeded", detail)
    own = {
        402: plain(402, "Payment Required", "Free usage limit exceeded"),
        403: plain(403, "IP address access denied", "Your IP isn't whitelisted to perform this action"),
        409: plain(409, "Account is processing", "The account is being processed", "AccountProcessing"),
    }
    if call is None:
        return own.get(status)
    at_bank = {
        500: bank_error(500, call[1], "Request to Institution returned an error", "UnknownRequestError"),
        503: bank_error(503, call[1], "Institution service unavailable", "ServiceError"),
    }
    return own.get(status) or at_bank.get(status)


def _proxy_page(status: int, extra: tuple[tuple[str, str], ...]) -> Answer:
    words = f"{status} {_PHRASES[status]}"
    page = f"<html><head><title>{words}</title></head><body><center><h1>{words}</h1></center></body></html>"
    return text_answer(status, page.encode(), "text/html", extra)
