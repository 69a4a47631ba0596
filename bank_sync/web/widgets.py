"""The providers' own scripts on our pages, and the origins they come from.

Belongs here: addresses. Outside production, where a provider has no credentials, the pretend banks serve
stand-ins that speak the same JavaScript.
"""

from __future__ import annotations

from bank_sync.settings import Settings

_PLAID_SCRIPT = "https://cdn.plaid.com/link/v2/stable/link-initialize.js"
_TELLER_SCRIPT = "https://cdn.teller.io/connect/connect.js"


def script_of(settings: Settings, kind: str) -> str | None:
    """The script that a link of this kind needs; None for one that only redirects."""
    if kind == "plaid_link":
        return (
            _PLAID_SCRIPT if settings.plaid_client_id else f"{settings.sandbox_url}/plaid/link-initialize.js"
        )
    if kind == "teller_connect":
        pretend = f"{settings.sandbox_url}/teller/connect/connect.js"
        return _TELLER_SCRIPT if settings.teller_application_id else pretend
    return None


def script_hosts(settings: Settings) -> list[str]:
    """The origins that scripts and frames of these providers come from."""
    hosts = []
    if settings.plaid_client_id:
        hosts += ["https://cdn.plaid.com", f"https://{settings.plaid_environment}.plaid.com"]
    if settings.teller_application_id:
        hosts += ["https://cdn.teller.io", "https://teller.io"]
    if settings.environment != "production":
        hosts.append(settings.sandbox_url)
    return hosts
