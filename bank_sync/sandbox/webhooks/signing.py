"""The signatures by which an application knows who speaks: Plaid's JWT and Teller's HMAC, and changing keys.

Here: keys that follow from the seed, so that a replay signs alike. Not here: when anything is signed.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bank_sync.sandbox.world.dice import HEXADECIMAL, code, digest, uuid_of

_HALF = 32  # bytes of r, of s, and of a coordinate on P-256
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class _Key:
    """One of Plaid's keys."""

    kid: str
    private: ec.EllipticCurvePrivateKey
    created_at: datetime
    expired_at: datetime | None = None


class PlaidKeys:
    """Plaid's keys: the newest signs, all of them can be looked up."""

    def __init__(self, seed: str, now: datetime) -> None:
        self._seed = seed
        self._keys: list[_Key] = []
        self.rotate(now)

    def rotate(self, now: datetime) -> str:
        """Sign with a new key from now on; those before stay good until they expire. Gives the new kid."""
        place = len(self._keys)
        number = int.from_bytes(digest(self._seed, "plaid webhook key", place)) % (_ORDER - 1) + 1
        kid = uuid_of(self._seed, "plaid webhook kid", place)
        self._keys.append(_Key(kid, ec.derive_private_key(number, ec.SECP256R1()), now))
        return kid

    def expire(self, now: datetime) -> None:
        """Every key but the newest is no longer good."""
        self._keys[:-1] = [replace(each, expired_at=each.expired_at or now) for each in self._keys[:-1]]

    def jwk(self, kid: str) -> dict[str, object] | None:
        """The public half of a key as Plaid tells it, None if there is none."""
        key = next((each for each in self._keys if each.kid == kid), None)
        if key is None:
            return None
        point = key.private.public_key().public_numbers()
        return {
            "alg": "ES256",
            "crv": "P-256",
            "kid": key.kid,
            "kty": "EC",
            "use": "sig",
            "x": _encoded(point.x.to_bytes(_HALF)),
            "y": _encoded(point.y.to_bytes(_HALF)),
            "created_at": int(key.created_at.timestamp()),
            "expired_at": None if key.expired_at is None else int(key.expired_at.timestamp()),
        }

    def headers(self, body: bytes, now: datetime) -> dict[str, str]:
        """The header that proves the body."""
        key = self._keys[-1]
        header = {"alg": "ES256", "kid": key.kid, "typ": "JWT"}
        claims = {"iat": int(now.timestamp()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
        signed = ".".join(_encoded(json.dumps(each).encode()) for each in (header, claims))
        r, s = decode_dss_signature(key.private.sign(signed.encode(), ec.ECDSA(SHA256())))
        return {"Plaid-Verification": f"{signed}.{_encoded(r.to_bytes(_HALF) + s.to_bytes(_HALF))}"}


class TellerSecrets:
    """Teller's signing secrets, the newest first: one, or two while they are being changed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._made = 0
        self.live: list[str] = []
        self.rotate()

    def rotate(self) -> None:
        """Sign with a new secret too; of the old ones the last stays."""
        self._made += 1
        secret = f"sim_secret_{code(HEXADECIMAL, 32, self._seed, 'teller webhook secret', self._made)}"
        self.live = [secret, *self.live[:1]]

    def retire(self) -> None:
        """Sign with the newest secret alone."""
        self.live = self.live[:1]

    def headers(self, body: bytes, now: datetime) -> dict[str, str]:
        """The header that proves the body, once for each live secret."""
        at = int(now.timestamp())
        proofs = [
            hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
            for secret in self.live
        ]
        return {"Teller-Signature": ",".join([f"t={at}", *(f"v1={each}" for each in proofs)])}


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
