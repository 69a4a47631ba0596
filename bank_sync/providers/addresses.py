"""Where calls may go.

Belongs here: checks of base URLs and paths. Does not belong here: the calls (`providers.http`).
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit

from bank_sync.domain.errors import SettingsError

_SAFE_PATH = re.compile(r"(/[A-Za-z0-9._~%-]+)+/?")


def check_base_url(provider: str, base_url: str) -> bool:
    """Whether the base URL is plain HTTP on this machine.

    Raises:
        SettingsError: it is not absolute, carries credentials, or is plain HTTP to anywhere else.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise SettingsError(f"The base URL of {provider} must look like https://host/path, nothing more.")
    is_local = parts.scheme == "http" and _is_loopback(parts.hostname)
    if parts.scheme == "http" and not is_local:
        raise SettingsError(f"The base URL of {provider} must begin with https:// unless it is this machine.")
    return is_local


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_safe_path(path: str) -> bool:
    """Below the base URL whatever the ids in it are: no host, no query, no way up."""
    return _SAFE_PATH.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))


def segment(text: str) -> str:
    """One path segment made of a provider's id, whatever characters the id has."""
    return quote(text, safe="")
