"""GoCardless's error bodies in their three shapes. Not here: when they are raised.

Shape A is one summary and detail; shape B has one entry per field; shape C has summary and detail as lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class GoCardlessError(Exception):
    """An answer other than 2xx, as GoCardless words it."""

    status: int
    content: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        return {**self.content, "status_code": self.status}


def plain(status: int, summary: str, detail: str, kind: str | None = None) -> GoCardlessError:
    """Shape A; `kind` is the optional `type`."""
    content = {"summary": summary, "detail": detail}
    return GoCardlessError(status, {**content, "type": kind} if kind else content)


def by_field(**problems: object) -> GoCardlessError:
    """Shape B: per field a summary and detail, or a list of sentences."""
    return GoCardlessError(400, problems)


def listed(summary: str, detail: str) -> GoCardlessError:
    """Shape C."""
    return GoCardlessError(400, {"summary": [summary], "detail": [detail]})


REQUIRED = ["This field is required."]


def invalid_token() -> GoCardlessError:
    """The app's bearer token is wrong or too old."""
    return plain(401, "Invalid token", "Token is invalid or expired")


def authentication_failed() -> GoCardlessError:
    """The pair of secrets is wrong."""
    return plain(401, "Authentication failed", "No active account found with the given credentials")


def not_found() -> GoCardlessError:
    """Nothing under that id."""
    return plain(404, "Not found.", "Not found.")


def account_not_found(account_id: str) -> GoCardlessError:
    """No account data under that id."""
    return plain(
        404, f"Account ID {account_id} not found", "Please check whether you specified a valid Account ID"
    )


def not_a_uuid(noun: str, text: str) -> GoCardlessError:
    """The id in the path is no UUID."""
    return plain(400, f"Invalid {noun} ID", f"{text} is not a valid {noun} UUID. ")


def unknown_institution(institution_id: str) -> GoCardlessError:
    """The institution does not exist."""
    detail = "Get Institution IDs from /institutions/?country={$COUNTRY_CODE}"
    return by_field(institution_id={"summary": f"Unknown Institution ID {institution_id}", "detail": detail})


def agreement_expired(agreement_id: str, days: int, at: datetime) -> GoCardlessError:
    """The customer's consent has run out."""
    return plain(
        401,
        f"End User Agreement (EUA) {agreement_id} has expired",
        f"EUA was valid for {days} days and it expired at {at:%Y-%m-%d %H:%M:%S.%f}+00:00. The end user must "
        "connect the account once more with new EUA and Requisition",
    )


def access_forbidden() -> GoCardlessError:
    """The agreement does not cover what was asked for."""
    return plain(
        403,
        "Account access forbidden",
        "The End User Agreement does not include this access scope.",
        "AccountAccessForbidden",
    )


def rate_limited(limit: str, wait: timedelta, headers: Mapping[str, str]) -> GoCardlessError:
    """Too many requests; `limit` is the limit in words, such as 4/day."""
    seconds = int(wait.total_seconds())
    detail = f"The rate limit for this resource is {limit}. Please try again in {seconds} seconds"
    return GoCardlessError(429, {"summary": "Rate limit exceeded", "detail": detail}, headers)


def bank_error(status: int, scope: str, detail: str, kind: str) -> GoCardlessError:
    """The bank behind the account refused or failed; `scope` is what it was asked for."""
    return plain(status, f"Couldn't update account {scope}", detail, kind)


def suspended() -> GoCardlessError:
    """Too many calls in a row failed: the customer has to connect the account again."""
    detail = "This account was suspended after too many failed requests. Please reconnect the account."
    return plain(409, "Account suspended", detail)
