"""What is taken out of a provider's answer before it is stored.

Belongs here: the one list of personal identifiers on the wires of all providers. Account numbers become a
fingerprint, which still recognises the account after a re-link, and their last four characters; names and
addresses of the account's owner are dropped. Does not belong here: counterparty names, which stay, because
merchants are recognised by them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

_NUMBER_KEYS = frozenset(
    {
        "iban", "bban", "pan", "maskedPan", "masked_pan", "scan", "resourceId",
        "account_number", "accountNumber", "sort_code", "sortCode",
    }
)  # fmt: skip
_DROPPED_KEYS = frozenset(
    {
        "numbers", "account_numbers", "routing_number", "routing_numbers", "msisdn",
        "owner", "owners", "owner_name", "ownerName", "account_owner",
        "ownerAddress", "ownerAddressStructured", "ownerAddressUnstructured", "linkedAccounts",
        "names", "addresses", "emails", "phone_numbers", "email", "phone_number",
    }
)  # fmt: skip
_FINGERPRINT_LENGTH = 32
_IBAN_IN_TEXT = re.compile(r"\b[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\b")


def minimise(value: object) -> object:
    """A decoded JSON value without numbers of accounts and without the owner's identity.

    `{"iban": "DE89..."}` becomes `{"iban": {"fingerprint": "...", "last4": "3000"}}`. IBANs inside free text
    are cut to their last four characters. Characters that PostgreSQL cannot store are removed from all text.
    Minimising twice gives the same as once.
    """
    if isinstance(value, Mapping):
        return {
            key: _number(item) if key in _NUMBER_KEYS else minimise(item)
            for key, item in value.items()
            if key not in _DROPPED_KEYS
        }
    if isinstance(value, list):
        return [minimise(item) for item in value]
    if isinstance(value, str):
        return _IBAN_IN_TEXT.sub(_without_iban, storable_text(value))
    return value


def fingerprint(*parts: str) -> str:
    """32 hex digits that stand for the parts; spaces and case do not matter."""
    normal = "\x1f".join(re.sub(r"\s", "", part).upper() for part in parts)
    return hashlib.sha256(normal.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def storable_text(text: str) -> str:
    """Text without NUL and without halves of surrogate pairs, neither of which PostgreSQL stores."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def _number(value: object) -> object:
    """An account number as fingerprint and last four; anything that is no text goes the ordinary way."""
    if not isinstance(value, str):
        return minimise(value)
    number = re.sub(r"\s", "", storable_text(value))
    return {"fingerprint": fingerprint(number), "last4": number[-4:]} if number else None


def _without_iban(match: re.Match[str]) -> str:
    """Only what passes the IBAN's own check digits is one; order numbers look alike."""
    candidate = match.group()
    digits = "".join(str(int(character, 36)) for character in candidate[4:] + candidate[:4])
    return f"IBAN*{candidate[-4:]}" if int(digits) % 97 == 1 else candidate
