"""A sealed credential opens only in the row, and with the key, it was sealed for."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bank_sync.domain.errors import SettingsError
from bank_sync.security.cipher import (
    CredentialUnreadable,
    Sealed,
    keyring_file,
    new_key_entry,
    parse_keyring,
)

SECRET = "access-canary-7f3a"
ROW = {"provider": "plaid", "connection_id": "conn_1"}


def test_round_trip() -> None:
    """What was sealed comes back; the stored bytes and the repr do not show it."""
    cipher = parse_keyring(new_key_entry("k1"))
    sealed = cipher.seal(SECRET, **ROW)
    assert cipher.open(sealed, **ROW) == SECRET
    assert SECRET.encode() not in sealed.ciphertext
    assert base64.b64encode(next(iter(cipher.keys.values()))).decode() not in repr(cipher)


@pytest.mark.parametrize("changed", [{"connection_id": "conn_2"}, {"provider": "teller"}])
def test_moved_to_another_row(changed: dict[str, str]) -> None:
    """A ciphertext copied to another connection or provider does not open."""
    cipher = parse_keyring(new_key_entry("k1"))
    sealed = cipher.seal(SECRET, **ROW)
    with pytest.raises(CredentialUnreadable):
        cipher.open(sealed, **{**ROW, **changed})


def test_any_byte_changed() -> None:
    """Every single byte of nonce and ciphertext matters."""
    cipher = parse_keyring(new_key_entry("k1"))
    sealed = cipher.seal(SECRET, **ROW)
    for position in range(len(sealed.nonce) + len(sealed.ciphertext)):
        whole = bytearray(sealed.nonce + sealed.ciphertext)
        whole[position] ^= 1
        altered = Sealed("k1", bytes(whole[:12]), bytes(whole[12:]))
        with pytest.raises(CredentialUnreadable) as refusal:
            cipher.open(altered, **ROW)
        assert SECRET not in str(refusal.value)


def test_rotation() -> None:
    """The first key seals, all open; once a key is gone its rows say which key they need."""
    old, new = new_key_entry("k1"), new_key_entry("k2")
    sealed = parse_keyring(old).seal(SECRET, **ROW)
    both = parse_keyring(f"{new},{old}")
    assert both.open(sealed, **ROW) == SECRET
    assert both.seal(SECRET, **ROW).key_id == "k2"
    with pytest.raises(CredentialUnreadable, match="k1"):
        parse_keyring(new).open(sealed, **ROW)


@pytest.mark.parametrize(
    "text",
    ["", "k1", "k1:", "k1:short", f"k1:{base64.b64encode(bytes(32)).decode()}", "k1:not base64 at all!"],
)
def test_bad_keyring(text: str) -> None:
    """Empty, malformed, short and typed-by-hand keys are refused without being repeated."""
    with pytest.raises(SettingsError) as refusal:
        parse_keyring(text)
    assert "BANK_SYNC_ENCRYPTION_KEYS" in str(refusal.value)


def test_repeated_key_id() -> None:
    """Two keys under one id would make a row's key a guess."""
    with pytest.raises(SettingsError):
        parse_keyring(f"{new_key_entry('k1')},{new_key_entry('k1')}")


def test_keyring_file_made_once(tmp_path: Path) -> None:
    """Many at once get one key, in a file only its owner may read."""
    path = tmp_path / "home" / "keyring"
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _number: keyring_file(path), range(16)))
    assert len(found) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["keyring"]


def test_keyring_file_open_to_others(tmp_path: Path) -> None:
    """A key that others may read is refused with the command that mends it."""
    path = tmp_path / "keyring"
    keyring_file(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        keyring_file(path)
