"""Linking at Teller: what the browser brings back from Teller Connect, and whether Teller signed it.

Belongs here: the signature of a token and the facts of an enrollment. Does not belong here: calls
(`teller.client`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import Linked
from bank_sync.providers.teller.wire import Account

_ENVIRONMENTS = ("sandbox", "development", "production")
_MOST_SIGNATURES = 8


def check_signature(keys: Sequence[str], proof: Mapping[str, str]) -> None:
    """Refuse a token that Teller did not hand out for our nonce; without keys nothing is checked.

    `proof` holds `nonce`, `access_token`, `user_id`, `enrollment_id` and `signatures` (with spaces between).
    Teller signs the message or its SHA-256 digest; its documents allow both readings.

    Raises:
        ProviderError: no signature of the proof is by one of the keys.
    """
    if not keys:
        return
    signed = proof.get("signatures", "").split()[:_MOST_SIGNATURES]
    named = [proof.get(name, "") for name in ("nonce", "access_token", "user_id", "enrollment_id")]
    for environment in _ENVIRONMENTS:
        message = ".".join([*named, environment]).encode()
        for text in (hashlib.sha256(message).digest(), message):
            if any(_is_by(key, one, text) for key in keys for one in signed):
                return
    raise ProviderError(provider="teller", code="token_not_signed", recovery=Recovery.RELINK)


def _is_by(key: str, signature: str, message: bytes) -> bool:
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), message)
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def linked(accounts: Sequence[Account], proof: Mapping[str, str], history_days: int) -> Linked:
    """What to store of an enrollment whose token opens these accounts.

    Raises:
        ProviderError: the token opens no account, or another enrollment than the browser named.
    """
    if not accounts:
        raise ProviderError(provider="teller", code="no_accounts", recovery=Recovery.RELINK)
    enrollment_id = proof.get("enrollment_id", accounts[0].enrollment_id)
    if any(account.enrollment_id != enrollment_id for account in accounts):
        raise ProviderError(provider="teller", code="enrollment_mismatch", recovery=Recovery.RELINK)
    institution = accounts[0].institution
    return Linked(
        provider_connection_id=enrollment_id,
        secret=proof.get("access_token", ""),
        institution_id=institution.id,
        institution_name=institution.name or proof.get("institution_name", ""),
        history_days=history_days,
    )
