"""Random words that stand for a right, and what of them is stored.

Belongs here: making and hashing. The words have 256 random bits, so that a plain hash cannot be turned
around. Does not belong here: where the hashes are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

_BYTES = 32


def new_token() -> str:
    """A word nobody can guess, fit for addresses and headers."""
    return secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> bytes:
    """What is stored of a word."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def is_token(token: str, stored: bytes) -> bool:
    """Whether this is the word whose hash was stored, in constant time."""
    return hmac.compare_digest(hash_token(token), stored)


def form_token(session_token: str) -> str:
    """The word that forms of a session carry: whoever knows it has seen a page of that session."""
    return hashlib.sha256(f"form:{session_token}".encode("utf-8", "replace")).hexdigest()
