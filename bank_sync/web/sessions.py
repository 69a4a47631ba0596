"""The session of a person's browser, and what guards its forms.

Belongs here: the cookie, the form token and the origin of a POST. Does not belong here: making sessions
(`storage.web_sessions`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from fastapi import Depends, Request, Response

from bank_sync.security.tokens import form_token
from bank_sync.services import Services
from bank_sync.storage.database import transaction
from bank_sync.storage.web_sessions import SESSION_GOOD_FOR, Session, find_session
from bank_sync.web.access import Kit, Refused

_NAME = "bank_sync_session"
_MOST_FIELDS = 50
FORM_HEADER = "x-form-token"


@dataclass(frozen=True, slots=True)
class Visit:
    """An open session and the token its forms carry."""

    session: Session
    form_token: str


def set_cookie(response: Response, services: Services, cookie: str) -> None:
    """Lax: the browser comes back from a bank by redirect and must still be known."""
    response.set_cookie(
        _name(services),
        cookie,
        max_age=int(SESSION_GOOD_FOR.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=_is_https(services),
        path="/",
    )


def _visit(request: Request, services: Kit) -> Visit:
    """The session of a page.

    Raises:
        Refused: there is none, or it is over.
    """
    cookie = request.cookies.get(_name(services), "")
    with transaction(services.engine) as db:
        session = find_session(db, cookie, now=services.clock()) if cookie else None
    if session is None:
        raise Refused(401, "no_session", "Open this page again from your application.")
    return Visit(session, form_token(cookie))


AnyVisit = Annotated[Visit, Depends(_visit)]


async def _form(request: Request, services: Kit, visit: AnyVisit) -> dict[str, str]:
    """The fields of a form that one of our own pages sent in this session.

    Raises:
        Refused: 403 for another origin, or without the session's form token.
    """
    _check_origin(request, services)
    body = await request.body()
    fields: dict[str, str] = {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refused(400, "bad_request", "The form cannot be read.") from None
        fields = dict(pairs)
    told = request.headers.get(FORM_HEADER) or fields.get("form_token", "")
    if not hmac.compare_digest(told.encode("utf-8", "replace"), visit.form_token.encode()):
        raise Refused(403, "form_token", "This form is of another session. Open the page again.")
    return fields


Form = Annotated[dict[str, str], Depends(_form)]


def _check_origin(request: Request, services: Services) -> None:
    """Browsers say where a POST comes from; one that says nothing, or another site, is refused."""
    origin = request.headers.get("origin", "")
    own = {origin_of(services.settings.public_url)}
    if services.settings.environment != "production":
        own.add(f"http://{request.headers.get('host', '')}")  # loopback names; the host was checked before
    if origin not in own:
        raise Refused(403, "origin", "This form was sent from another site.")


def origin_of(url: str) -> str:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _is_https(services: Services) -> bool:
    return services.settings.public_url.startswith("https://")


def _name(services: Services) -> str:
    """With the prefix, browsers refuse a cookie that another host or plain HTTP tries to set."""
    return f"__Host-{_NAME}" if _is_https(services) else _NAME
