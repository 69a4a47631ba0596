"""Sealing of provider credentials with AES-256-GCM, bound to the row they belong to.

Belongs here: the keyring and the cipher. Does not belong here: where sealed bytes are stored
(`storage.connections`).

The associated data is provider + connection id, so that a ciphertext moved to another row does not open.
The id of the key is stored beside it, so that keys can be rotated: the first key of the ring seals, all open.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bank_sync.domain.errors import BankSyncError, SettingsError

_KEY_BYTES = 32
_NONCE_BYTES = 12


class CredentialUnreadable(BankSyncError):
    """A sealed credential does not open: it was moved, changed, or its key is gone."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as stored: nonce, ciphertext with its tag, and the id of the key that opens it."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Cipher:
    """Seals with `active_key_id`, opens with any key of the ring."""

    active_key_id: str
    keys: Mapping[str, bytes] = field(repr=False)

    def seal(self, secret: str, *, provider: str, connection_id: str) -> Sealed:
        """Encrypt a secret for one connection."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key = AESGCM(self.keys[self.active_key_id])
        text = key.encrypt(nonce, secret.encode(), _associated(provider, connection_id))
        return Sealed(self.active_key_id, nonce, text)

    def open(self, sealed: Sealed, *, provider: str, connection_id: str) -> str:
        """Decrypt a secret of one connection.

        Raises:
            CredentialUnreadable: unknown key, altered bytes, or sealed for another connection.
        """
        key = self.keys.get(sealed.key_id)
        if key is None:
            raise CredentialUnreadable(
                f"The credential of {connection_id} was sealed with key {sealed.key_id}, which is not in "
                "BANK_SYNC_ENCRYPTION_KEYS. Add that key again."
            )
        try:
            plain = AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, _associated(provider, connection_id))
        except InvalidTag:
            raise CredentialUnreadable(
                f"The credential of {connection_id} does not open: it was altered or belongs to another "
                "connection. Connect the bank again."
            ) from None
        return plain.decode()


def _associated(provider: str, connection_id: str) -> bytes:
    return f"{provider}\x00{connection_id}".encode()


def parse_keyring(text: str) -> Cipher:
    """A cipher from `id:base64key[,id:base64key…]`; the first key seals.

    Raises:
        SettingsError: empty, malformed, a repeated id, or a key that is not 32 random-looking bytes.
    """
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        key_id, separator, encoded = entry.partition(":")
        if not separator or not key_id or key_id in keys:
            raise SettingsError("BANK_SYNC_ENCRYPTION_KEYS must be a list of id:base64key with distinct ids.")
        keys[key_id] = _decoded_key(key_id, encoded)
    if not keys:
        raise SettingsError("BANK_SYNC_ENCRYPTION_KEYS is empty. Make a key with `bank-sync keyring new`.")
    return Cipher(active_key_id=next(iter(keys)), keys=keys)


def _decoded_key(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    # A key of few distinct bytes was typed by a person, not drawn at random.
    if len(key) != _KEY_BYTES or len(set(key)) < _KEY_BYTES // 4:
        raise SettingsError(
            f"Key {key_id} in BANK_SYNC_ENCRYPTION_KEYS is not 32 random bytes in base64. "
            "Make one with `bank-sync keyring new`."
        )
    return key


def new_key_entry(key_id: str) -> str:
    """One fresh `id:base64key` entry for the keyring."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def keyring_file(path: Path) -> str:
    """The keyring text kept in a 0600 file, made on first use; several processes may ask at once.

    Raises:
        SettingsError: the file may be read by others.
    """
    if not path.exists():
        _create_once(path, new_key_entry("k1"))
    if path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} may be read by others. Run: chmod 600 {path}")
    return path.read_text().strip()


def _create_once(path: Path, text: str) -> None:
    """Write beside, then link into place: the first process wins and nobody reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 0600
    beside = Path(name)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    try:
        os.link(beside, path)
    except FileExistsError:
        return  # another process made it first; its key is the one
    finally:
        beside.unlink()
