"""The client certificate Teller asks for outside its sandbox.

Belongs here: loading it, and refusing a key that others on the machine could read.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from bank_sync.domain.errors import SettingsError

_OTHERS_MAY = 0o077


def client_certificate(certificate: Path, private_key: Path) -> ssl.SSLContext:
    """A TLS context for `ProviderHttp` that verifies Teller and shows our certificate.

    Raises:
        SettingsError: a file is missing, not PEM, not a pair, or the key is readable by others.
    """
    try:
        mode = private_key.stat().st_mode
    except OSError:
        raise SettingsError("The private key for Teller cannot be read: check its path.") from None
    if mode & _OTHERS_MAY:
        raise SettingsError("The private key for Teller is open to other users: run `chmod 600` on it.")
    context = ssl.create_default_context()
    try:
        context.load_cert_chain(certificate, private_key)
    except (OSError, ssl.SSLError):
        raise SettingsError(
            "The certificate for Teller and its private key cannot be loaded: check that both are "
            "the PEM files of Teller's dashboard."
        ) from None
    return context
