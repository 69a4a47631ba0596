"""The kinds of faults there are, and which requests each can meet.

Not here: what a kind does to an answer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bank_sync.sandbox.wire import PROVIDERS, Sent

_GOCARDLESS_ALONE = ("http_402", "http_403", "http_409", "bank_limit")
REFUSALS = frozenset({"http_429", "http_500", "http_502", "http_503", "http_504", *_GOCARDLESS_ALONE})
BROKEN = frozenset({"refuse", "reset"})
PAGING = frozenset({"endless_pages", "repeated_cursor", "empty_pages", "mutation"})
DAMAGED = frozenset(
    {
        "truncated_json",
        "wrong_charset",
        "duplicate_keys",
        "drift_extra",
        "drift_enum",
        "drift_optional_gone",
        "drift_required_gone",
        "drift_type",
    }
)
SLOW = frozenset({"slow", "dripped", "huge"})
KINDS = REFUSALS | BROKEN | PAGING | DAMAGED | SLOW | {"html_200"}
HUGE_BYTES = 32_000_000

_PROVIDERS_OF: Mapping[str, frozenset[str]] = {
    "mutation": frozenset({"plaid"}),
    "empty_pages": frozenset({"plaid"}),  # at Teller an empty page is the end: nobody could tell
    "endless_pages": frozenset({"plaid", "teller"}),
    "repeated_cursor": frozenset({"plaid", "teller"}),
    **dict.fromkeys(_GOCARDLESS_ALONE, frozenset({"gocardless"})),
}
BANK_CALL = re.compile(r"/accounts/[^/]+/(details|balances|transactions)/?$")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault to be done.

    `is_after` lets the request take effect first; kinds that damage a real answer are always after. `delay_s`
    is the wait of `slow`, and per byte of `dripped`; `size_bytes` is how much `huge` sends, and
    `is_gzipped` whether it travels packed.
    """

    kind: str
    is_after: bool = False
    retry_after: str | None = None
    delay_s: float | None = None
    size_bytes: int = HUGE_BYTES
    is_gzipped: bool = False


def fits(kind: str, sent: Sent) -> bool:
    """Whether a fault of that kind could be done to the answer of this request."""
    if sent.provider not in _PROVIDERS_OF.get(kind, frozenset(PROVIDERS)):
        return False
    if kind in {"http_409", "bank_limit"}:
        return BANK_CALL.search(sent.path) is not None
    return kind not in PAGING or sent.is_sync or sent.is_teller_page
