"""Teller's client certificate.

Belongs here: what is refused before it is used.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from bank_sync.domain.errors import SettingsError
from bank_sync.providers.teller.certificate import client_certificate
from bank_sync_tests.providers.certificates import self_signed


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    return self_signed(tmp_path)


def test_a_good_pair(pair: tuple[Path, Path]) -> None:
    """It loads, and Teller's own certificate is still verified."""
    context = client_certificate(*pair)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_that_others_may_touch(pair: tuple[Path, Path], mode: int) -> None:
    """It is refused, and the message says how to mend it."""
    pair[1].chmod(mode)
    with pytest.raises(SettingsError, match="chmod 600"):
        client_certificate(*pair)


def test_files_that_are_no_pair(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """They are refused with a sentence, not with a library's error."""
    with pytest.raises(SettingsError, match="cannot be read"):
        client_certificate(pair[0], tmp_path / "nothing.pem")
    pair[0].write_text("no certificate")
    with pytest.raises(SettingsError, match="cannot be loaded"):
        client_certificate(*pair)
