"""Pages from templates, every value escaped, and the words of states and times.

Belongs here: rendering. Does not belong here: what a page shows (`web.pages`, `web.connecting`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import humanize
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from bank_sync.domain.money import minor_units
from bank_sync.storage.connections import LINK_UNCLEAR
from bank_sync.web.models import ConnectionBody

_SOON_DAYS = 14

_environment = Environment(
    loader=PackageLoader("bank_sync.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


_UNSET = {"form_token": "", "has_session": False, "here": ""}

_PROVIDERS = {"plaid": "Plaid", "teller": "Teller", "gocardless": "GoCardless"}


def money(amount: Decimal | None, currency: str) -> str:
    """An amount with as many decimals as its currency has."""
    if amount is None:
        return "unknown"
    return f"{amount:,.{minor_units(currency)}f} {currency}".replace("-", "\N{MINUS SIGN}")


_environment.filters |= {"provider_name": lambda name: _PROVIDERS.get(name, name)}
_environment.globals |= {"money": money}


def page(
    template: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """A whole page."""
    html = _environment.get_template(template).render(**{**_UNSET, **values})
    return HTMLResponse(html, status, headers=dict(headers or {}))


def error_page(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """What went wrong and what to do."""
    return page("error.html", status, headers, code=code, message=message)


def ago(moment: datetime | None, now: datetime) -> str:
    """`5 minutes ago`, `in 3 hours`, `never`."""
    if moment is None:
        return "never"
    return (
        humanize.naturaltime(now - moment) if moment <= now else f"in {humanize.naturaldelta(moment - now)}"
    )


def state_in_words(one: ConnectionBody) -> tuple[str, str]:
    """The tone (good, busy, warn, bad) and the sentence of a connection's state."""
    if one.error_code == LINK_UNCLEAR:
        return "warn", "Is this a bank you connected before? It is read once you have said so"
    if one.state in _BY_STATE:
        return _BY_STATE[one.state]
    if one.first_synced_at is None and one.sync_state in ("idle", "completed"):
        return "busy", "Connected; the first reading begins soon"
    return _BY_SYNC.get(one.sync_state, ("good", "Connected"))


_BY_STATE = {
    "disconnected": ("bad", "Reconnect needed: the bank asks you to log in again"),
    "error": ("bad", "Something is wrong on our side; it has been noted"),
    "pending_refresh": ("busy", "Repaired; it is read again soon"),
    "revoked": ("warn", "Disconnected"),
}

_BY_SYNC = {
    "in_progress": ("busy", "Reading your bank …"),
    "queued": ("busy", "Starting …"),
    "failed": ("warn", "The last reading did not come through; it is tried again by itself"),
}


def expiry_in_words(ends_at: datetime | None, now: datetime) -> str | None:
    """When access ends, in days; None where it does not."""
    if ends_at is None:
        return None
    days = (ends_at - now).days
    if days < 0:
        return "has ended: reconnect to go on"
    soon = ": reconnect soon" if days <= _SOON_DAYS else ""
    return f"ends in {days} {'day' if days == 1 else 'days'}{soon}"
