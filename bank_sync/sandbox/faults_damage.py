"""Good answers made bad: cut, in the wrong letters, or of a shape the documents do not promise.

Here: pure functions from a whole answer to a damaged one, None where there is nothing to damage. Not here:
answers that never end (`faults_paging`) or arrive oddly (`faults_middleware`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bank_sync.sandbox.wire import Answer, Sent, encoded, with_headers

# what a client cannot do without, the best place to hurt first
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "plaid": ("amount", "balances", "next_cursor", "access_token", "public_token", "link_token", "item_id"),
    "teller": ("amount", "id", "ledger", "account_number", "accessToken"),
    "gocardless": (
        "transactionAmount",
        "balanceAmount",
        "transactions",
        "balances",
        "account",
        "access",
        "id",
    ),
}
_OPTIONAL: Mapping[str, frozenset[str]] = {
    "plaid": frozenset(
        {
            "merchant_name",
            "merchant_entity_id",
            "logo_url",
            "website",
            "counterparties",
            "personal_finance_category",
            "personal_finance_category_icon_url",
            "authorized_date",
            "location",
            "payment_meta",
            "official_name",
            "mask",
            "transaction_code",
        }
    ),
    "teller": frozenset({"running_balance", "details", "last_four"}),
    "gocardless": frozenset(
        {
            "valueDate",
            "bankTransactionCode",
            "proprietaryBankTransactionCode",
            "creditorName",
            "debtorName",
            "balanceAfterTransaction",
            "merchantCategoryCode",
            "product",
            "ownerName",
        }
    ),
}
# a word from a closed list, and a key that stands beside it where it is meant
_ENUMS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "plaid": (
        ("payment_channel", "amount"),
        ("confidence_level", "primary"),
        ("subtype", "balances"),
        ("transactions_update_status", "added"),
    ),
    "teller": (("type", "amount"), ("category", "counterparty"), ("subtype", "last_four")),
    "gocardless": (
        ("balanceType", "balanceAmount"),
        ("cashAccountType", "currency"),
        ("bankTransactionCode", "transactionAmount"),
    ),
}
_NEW_WORD = "NEVER_SEEN_BEFORE"


def damaged(kind: str, sent: Sent, answer: Answer) -> Answer | None:
    """The answer after a fault of that kind; None if this answer offers nothing to damage."""
    if kind in _BYTES:
        return _BYTES[kind](answer)
    value = answer.value()
    return answer.saying(encoded(value)) if _SHAPES[kind](sent.provider, value) else None


def _truncated(answer: Answer) -> Answer | None:
    return answer.saying(answer.body[: len(answer.body) // 2]) if answer.value() else None


def _wrong_charset(answer: Answer) -> Answer | None:
    """Latin-1 letters in the first text, under a header that promises UTF-8."""
    before, quote, after = answer.body.partition(b':"')
    if not quote or not answer.value():
        return None
    headers = tuple(each for each in answer.headers if each[0].lower() != b"content-type")
    spoken = answer.saying(before + quote + "Zürich é".encode("latin-1") + after)
    promised = (b"content-type", b"application/json; charset=utf-8")
    return Answer(spoken.status, with_headers((*headers, promised), length=len(spoken.body)), spoken.body)


def _duplicate_keys(answer: Answer) -> Answer | None:
    """The first object with text or a number in it says the first of them twice, and not the same."""
    value = answer.value()
    target = next((each for each in _objects(value) if _first_plain(each)), None)
    if target is None:
        return None
    name = _first_plain(target)
    marker = "\x00twice"
    target[marker] = None
    body = encoded(value).replace(encoded(marker) + b":null", encoded(name) + b":" + encoded("another"))
    return answer.saying(body)


def _first_plain(value: Mapping[str, Any]) -> str | None:
    return next((name for name, each in value.items() if isinstance(each, str | int | float)), None)


def _with_extra(_: str, value: object) -> bool:
    targets = list(_objects(value))
    for each in targets:
        each["added_next_year"] = {"nested": ["new"], "count": 1}
    return bool(targets)


def _with_new_words(provider: str, value: object) -> bool:
    found = False
    for each in _objects(value):
        for name, beside in _ENUMS[provider]:
            if isinstance(each.get(name), str) and beside in each:
                each[name], found = _NEW_WORD, True
    return found


def _without_optional(provider: str, value: object) -> bool:
    found = False
    for each in _objects(value):
        for name in _OPTIONAL[provider] & set(each):
            del each[name]
            found = True
    return found


def _without_required(provider: str, value: object) -> bool:
    target, name = _required(provider, value)
    if target is None:
        return False
    del target[name]
    return True


def _of_other_type(provider: str, value: object) -> bool:
    target, name = _required(provider, value)
    if target is None:
        return False
    target[name] = [{"value": target[name]}]
    return True


def _required(provider: str, value: object) -> tuple[dict[str, Any] | None, str]:
    """The first object with the most important required key there is: one bad among many good."""
    every = list(_objects(value))
    for name in _REQUIRED[provider]:
        for each in every:
            if name in each:
                return each, name
    return None, ""


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """Every object in the value, outer ones first."""
    if isinstance(value, dict):
        yield value
        for each in list(value.values()):
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


_BYTES: Mapping[str, Callable[[Answer], Answer | None]] = {
    "truncated_json": _truncated,
    "wrong_charset": _wrong_charset,
    "duplicate_keys": _duplicate_keys,
}
_SHAPES: Mapping[str, Callable[[str, object], bool]] = {
    "drift_extra": _with_extra,
    "drift_enum": _with_new_words,
    "drift_optional_gone": _without_optional,
    "drift_required_gone": _without_required,
    "drift_type": _of_other_type,
}
