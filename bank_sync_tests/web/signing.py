"""Signatures made by hand, for what a real provider would never send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

KEY_ID = "11111111-2222-4333-8444-555555555555"
PRIVATE = ec.derive_private_key(7, ec.SECP256R1())


def encoded(content: bytes) -> str:
    """Base64 as JWT has it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def jwk(private: ec.EllipticCurvePrivateKey = PRIVATE, **more: object) -> dict[str, object]:
    """The public key as Plaid tells it."""
    point = private.public_key().public_numbers()
    numbers = {"x": encoded(point.x.to_bytes(32)), "y": encoded(point.y.to_bytes(32))}
    return {"alg": "ES256", "crv": "P-256", "kid": KEY_ID, "kty": "EC", "use": "sig", **numbers, **more}


def plaid_token(
    body: bytes,
    at: float,
    *,
    private: ec.EllipticCurvePrivateKey = PRIVATE,
    header: dict[str, Any] | None = None,
    claims: dict[str, Any] | None = None,
) -> str:
    """A token as Plaid makes it; `header` and `claims` change single fields, None takes one out."""
    told = {"alg": "ES256", "kid": KEY_ID, "typ": "JWT", **(header or {})}
    said = {"iat": int(at), "request_body_sha256": hashlib.sha256(body).hexdigest(), **(claims or {})}
    parts = [
        json.dumps({key: value for key, value in one.items() if value is not None}) for one in (told, said)
    ]
    signed = ".".join(encoded(part.encode()) for part in parts)
    r, s = decode_dss_signature(private.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def teller_signature(body: bytes, at: object, *secrets: str) -> str:
    """A header as Teller makes it, once for each secret."""
    proofs = [hmac.new(one.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest() for one in secrets]
    return ",".join([f"t={at}", *(f"v1={proof}" for proof in proofs)])
