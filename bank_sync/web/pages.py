"""The Connections page: what is connected, how it is, and what a person can do about it.

Belongs here: routes of a few lines. Does not belong here: connecting (`web.connecting`), words
(`web.rendering`).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from starlette.responses import RedirectResponse

from bank_sync.domain.errors import ProviderError
from bank_sync.services import Services
from bank_sync.storage import observations, overview, owned
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import waiting_connections
from bank_sync.storage.web_sessions import open_session
from bank_sync.sync.asking import Asked, AskOutcome, ask
from bank_sync.sync.disconnecting import disconnect
from bank_sync.sync.settling import candidates, settle
from bank_sync.web.access import Kit, Refused
from bank_sync.web.rendering import ago, expiry_in_words, page, state_in_words
from bank_sync.web.sessions import AnyVisit, Form, Visit, set_cookie
from bank_sync.web.speaking import account_body, connection_body

router = APIRouter(include_in_schema=False)

Id = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]

RENEWAL_HEADER = "x-renewal"
"""What our script sends when it asks for the page again."""

_NOTES = {
    "asked": "A new reading has been asked for.",
    "later": "The bank allows no more readings just now; the next one comes by itself.",
    "needs_repair": "Reconnect first: the bank asks for a new login.",
    "ended": "This connection has ended.",
    "disconnected": "Disconnected. The bank has been told; what was read stays.",
    "not_disconnected": "The bank's side did not answer, so nothing was changed. Try again.",
    "connected": "Connected. The first reading begins by itself.",
    "repaired": "Repaired. It is read again by itself.",
    "unclear": "Connected. Please say below whether it is a bank you had connected before.",
    "settled": "Thank you. It is read by itself now.",
}


@router.get("/open/{word}")
def open_page(services: Kit, word: Annotated[str, Path(max_length=100)]) -> Response:
    """The address an application gave to a person: good once, for minutes."""
    with transaction(services.engine) as db:
        opened = open_session(db, word, now=services.clock())
    if opened is None:
        raise Refused(
            410, "link_spent", "This link was used or is too old. Ask your application for a new one."
        )
    cookie, purpose = opened
    response = RedirectResponse(f"/{purpose}", 303)
    set_cookie(response, services, cookie)
    return response


@router.get("/connections")
def connections(request: Request, services: Kit, visit: AnyVisit) -> Response:
    """All connections of the person; the page asks for itself again, more often while something moves."""
    if RENEWAL_HEADER not in request.headers:  # a page that was left open is nobody who looks
        with transaction(services.engine) as db:
            observations.note_look(db, visit.session.user_id, now=services.clock())
    shown = [_shown(services, one) for one in _bodies(services, visit)]
    note = _NOTES.get(request.query_params.get("note", ""), "")
    moving = any(one["tone"] == "busy" for one in shown)
    return page(
        "connections.html",
        here="connections",
        connections=shown,
        note=note,
        refresh_s=2 if moving else 30,
        form_token=visit.form_token,
        has_session=True,
    )


@router.post("/connections/{connection_id}/sync")
def sync_now(services: Kit, visit: AnyVisit, _: Form, connection_id: Id) -> Response:
    """Ask for a sync."""
    with transaction(services.engine) as db:
        connection = owned.owned_connection(db, visit.session.user_id, connection_id)
    return _back(_note_of(ask(services, connection, by=visit.session.user_id)))


@router.post("/connections/{connection_id}/settle")
def settle_unclear(services: Kit, visit: AnyVisit, form: Form, connection_id: Id) -> Response:
    """The person says what a new link is."""
    with transaction(services.engine) as db:
        unclear = owned.owned_connection(db, visit.session.user_id, connection_id)
    settle(services, unclear, renews=form.get("renews") or None, by=visit.session.user_id)
    return _back("settled")


@router.post("/connections/{connection_id}/disconnect")
def end(services: Kit, visit: AnyVisit, _: Form, connection_id: Id) -> Response:
    """End a connection at the provider and here."""
    with transaction(services.engine) as db:
        connection = owned.owned_connection(db, visit.session.user_id, connection_id)
    try:
        disconnect(services, connection, by=visit.session.user_id)
    except ProviderError:
        return _back("not_disconnected")
    return _back("disconnected")


def _note_of(asked: Asked) -> str:
    queued = asked.outcome in (AskOutcome.QUEUED, AskOutcome.ALREADY_QUEUED)
    return "asked" if queued else asked.outcome.value


def _back(note: str) -> Response:
    return RedirectResponse(f"/connections?note={note}", 303)


def _bodies(services: Services, visit: Visit) -> list[dict[str, Any]]:
    user_id = visit.session.user_id
    with transaction(services.engine) as db:
        found = owned.owned_connections(db, user_id)
        waiting = waiting_connections(db, user_id)
        counts = owned.transactions_by_connection(db, user_id)
        return [
            {
                "body": connection_body(one, waiting, counts),
                "may_be": _may_be(services, one),
                "accounts": [account_body(each) for each in overview.accounts_of(db, one.connection_id)],
            }
            for one in found
        ]


def _may_be(services: Services, one: StoredConnection) -> list[dict[str, Any]]:
    """What an unclear link may renew, told apart by its accounts."""
    found = candidates(services, one)
    with transaction(services.engine) as db:
        return [
            {"connection_id": each.connection_id, "accounts": overview.accounts_of(db, each.connection_id)}
            for each in found
        ]


def _shown(services: Services, one: dict[str, Any]) -> dict[str, Any]:
    body, now = one["body"], services.clock()
    tone, sentence = state_in_words(body)
    return {
        **one,
        "tone": tone,
        "sentence": sentence,
        "synced": ago(body.last_synced_at, now),
        "next": ago(body.next_sync_at, now) if body.next_sync_at and body.next_sync_at > now else "soon",
        "expiry": expiry_in_words(body.consent_expires_at, now),
    }
