"""Routes of the JSON API about the person as a whole: pages to open, messages, being forgotten.

Belongs here: routes of a few lines. Does not belong here: connections and what they hold (`web.api`).
"""

from __future__ import annotations

from fastapi import APIRouter

from bank_sync.notifications.preferences import KINDS, set_unwanted_kinds, unwanted_kinds
from bank_sync.storage.database import transaction
from bank_sync.storage.web_sessions import new_session_link
from bank_sync.sync.erasing import erase_person
from bank_sync.web.access import AnyCaller, Kit
from bank_sync.web.people_models import (
    ErasedBody,
    PreferencesBody,
    PreferencesWish,
    SessionBody,
    SessionWish,
)
from bank_sync.web.refusals import REFUSALS

router = APIRouter(prefix="/api/v1", responses=REFUSALS)


@router.post("/sessions", status_code=201)
def open_page(services: Kit, caller: AnyCaller, wish: SessionWish) -> SessionBody:
    """An address that opens the Connect page, or the Connections page, for this person."""
    with transaction(services.engine) as db:
        word, ends_at = new_session_link(db, caller.owner, wish.page, now=services.clock())
    return SessionBody(url=f"{services.settings.public_url}/open/{word}", expires_at=ends_at)


@router.get("/notifications/preferences")
def show_preferences(services: Kit, caller: AnyCaller) -> PreferencesBody:
    """Which kinds of messages the person does not want, and every kind there is."""
    return PreferencesBody(unwanted=unwanted_kinds(services, caller.owner), kinds=list(KINDS))


@router.put("/notifications/preferences")
def set_preferences(services: Kit, caller: AnyCaller, wish: PreferencesWish) -> PreferencesBody:
    """Say which kinds of messages the person does not want; no channel delivers them."""
    set_unwanted_kinds(services, caller.owner, wish.unwanted)
    return PreferencesBody(unwanted=unwanted_kinds(services, caller.owner), kinds=list(KINDS))


@router.delete("/user", status_code=202)
def erase_user(services: Kit, caller: AnyCaller) -> ErasedBody:
    """Forget the person: links are revoked and secrets destroyed now, all rows are deleted within minutes."""
    return ErasedBody(connections=erase_person(services, caller.owner, by=caller.owner))
