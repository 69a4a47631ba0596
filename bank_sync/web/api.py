"""The JSON API of the embedding application, below `/api/v1`.

Belongs here: routes of a few lines. Does not belong here: what they do (`sync`), who may call (`web.access`),
what concerns the person as a whole (`web.people`).
Every id is looked up together with its owner: somebody else's is 404, like one that never was.
"""

from __future__ import annotations

import math
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.responses import JSONResponse

from bank_sync.categorization import taxonomy
from bank_sync.domain.errors import NotFound, ProviderError, Recovery
from bank_sync.services import Services
from bank_sync.storage import link_attempts, observations, overlays, overview, owned
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import waiting_connections
from bank_sync.sync import linking
from bank_sync.sync.asking import ask, may_be_asked_at
from bank_sync.sync.disconnecting import disconnect
from bank_sync.sync.link_wishes import LinkWish, repair_wish
from bank_sync.sync.settling import settle
from bank_sync.web.access import AnyCaller, Caller, Kit, Refused
from bank_sync.web.institutions import find_institutions
from bank_sync.web.models import (
    AccountBody,
    AskedBody,
    ConnectionBody,
    EditBody,
    EditWish,
    InstitutionBody,
    LinkBody,
    LinkProof,
    NewLinkWish,
    PendingBody,
    RepairWish,
    SettleWish,
    SyncBody,
)
from bank_sync.web.refusals import REFUSALS
from bank_sync.web.speaking import account_body, asked_body, connection_body, link_body, sync_body

_DEFAULT_POLL_S = 5
router = APIRouter(prefix="/api/v1", responses=REFUSALS)

Id = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]


@router.get("/institutions")
def institutions(
    services: Kit,
    _: AnyCaller,
    country: Annotated[str, Query(pattern=r"^[A-Z]{2}$")] = "US",
    query: Annotated[str, Query(max_length=100, pattern=r"^[^\x00-\x1f]*$")] = "",
) -> list[InstitutionBody]:
    """Banks of a country by a part of their name, of every provider."""
    found = find_institutions(services, country, query)
    return [InstitutionBody.model_validate(one, from_attributes=True) for one in found]


@router.post("/links", status_code=201)
def begin_link(services: Kit, caller: AnyCaller, wish: NewLinkWish) -> LinkBody:
    """Begin a link that your own application walks the person through."""
    attempt = linking.start_new(services, caller.owner, LinkWish(**wish.model_dump()))
    return link_body(attempt)


@router.post(
    "/links/{link_id}/finish", responses={202: {"model": PendingBody}}, response_model=ConnectionBody
)
def finish_link(services: Kit, caller: AnyCaller, link_id: Id, proof: LinkProof) -> object:
    """Hand over what the browser brought back; 202 while the person is still at the bank."""
    with transaction(services.engine) as db:
        attempt = link_attempts.get_attempt(db, link_id, user_id=caller.owner)
    told = {
        name: value for name, value in proof.model_dump(exclude_none=True).items() if isinstance(value, str)
    }
    told["signatures"] = " ".join(proof.signatures)
    try:
        connection_id = linking.finish(services, attempt, user_reference=caller.reference, proof=told)
    except ProviderError as error:
        if error.recovery is not Recovery.RETRY_AT:
            raise
        wait_s = math.ceil(error.retry_after_s or _DEFAULT_POLL_S)
        return JSONResponse(PendingBody(retry_after_s=wait_s).model_dump(), 202)
    return _told(services, caller, connection_id)


@router.get("/connections")
def list_connections(services: Kit, caller: AnyCaller) -> list[ConnectionBody]:
    """The person's connections, without those the person ended."""
    with transaction(services.engine) as db:
        observations.note_look(db, caller.owner, now=services.clock())
        found = owned.owned_connections(db, caller.owner)
        waiting = waiting_connections(db, caller.owner)
        counts = owned.transactions_by_connection(db, caller.owner)
    return [connection_body(one, waiting, counts) for one in found]


@router.get("/connections/{connection_id}")
def show_connection(services: Kit, caller: AnyCaller, connection_id: Id) -> ConnectionBody:
    """One connection and how its sync stands."""
    return _told(services, caller, connection_id)


@router.get("/connections/{connection_id}/accounts")
def list_accounts(services: Kit, caller: AnyCaller, connection_id: Id) -> list[AccountBody]:
    """The accounts of a connection."""
    with transaction(services.engine) as db:
        owned.owned_connection(db, caller.owner, connection_id)
        observations.note_look(db, caller.owner, now=services.clock())
        found = overview.accounts_of(db, connection_id)
    return [account_body(one) for one in found]


@router.get("/connections/{connection_id}/sync")
def sync_status(services: Kit, caller: AnyCaller, connection_id: Id) -> SyncBody:
    """How the sync of a connection stands: part by part, when the next one is due and why."""
    told = _told(services, caller, connection_id)
    connection = _owned(services, caller, connection_id)
    with transaction(services.engine) as db:
        parts = overview.newest_attempts(db, connection_id)
    return sync_body(told, connection, parts, may_be_asked_at(services, connection))


@router.post("/connections/{connection_id}/sync", status_code=202)
def sync_now(services: Kit, caller: AnyCaller, connection_id: Id) -> AskedBody:
    """Ask for a sync now; answers at once with what was queued, or when it can be asked again."""
    return asked_body(ask(services, _owned(services, caller, connection_id), by=caller.owner))


@router.post("/sync", status_code=202)
def sync_all(services: Kit, caller: AnyCaller) -> list[AskedBody]:
    """Ask for a sync of every connection of the person; their runs keep to the providers' limits."""
    with transaction(services.engine) as db:
        found = owned.owned_connections(db, caller.owner)
    return [asked_body(ask(services, one, by=caller.owner)) for one in found]


@router.post("/connections/{connection_id}/repair", status_code=201)
def begin_repair(services: Kit, caller: AnyCaller, connection_id: Id, wish: RepairWish) -> LinkBody:
    """Begin to make a broken login work again (Plaid's update mode and the like)."""
    connection = _owned(services, caller, connection_id)
    again = repair_wish(connection, redirect_url=wish.redirect_url, android_package=wish.android_package)
    attempt = linking.start_repair(services, connection, again)
    return link_body(attempt)


@router.post("/connections/{connection_id}/settle")
def settle_unclear(services: Kit, caller: AnyCaller, connection_id: Id, wish: SettleWish) -> ConnectionBody:
    """Say what a new link is that shares accounts with a stored connection (`link_unclear`)."""
    unclear = _owned(services, caller, connection_id)
    settled = settle(services, unclear, renews=wish.renews, by=caller.owner)
    return _told(services, caller, settled)


@router.delete("/connections/{connection_id}", status_code=204)
def end_connection(services: Kit, caller: AnyCaller, connection_id: Id) -> Response:
    """Revoke at the provider and destroy the secret; what was read stays."""
    disconnect(services, _owned(services, caller, connection_id), by=caller.owner)
    return Response(status_code=204)


@router.patch("/transactions/{transaction_id}")
def edit_transaction(services: Kit, caller: AnyCaller, transaction_id: Id, wish: EditWish) -> EditBody:
    """Correct the category of a transaction, put a note beside it, hide it."""
    _check_category(wish)
    sent, whose, now = wish.model_fields_set, caller.reference, services.clock()
    with transaction(services.engine) as db:
        if overlays.owner_of(db, transaction_id) != whose:
            raise NotFound("There is no such transaction.")
        if {"category_primary", "category_detailed"} & sent:
            overlays.set_category(
                db,
                transaction_id,
                wish.category_primary,
                wish.category_detailed,
                user_reference=whose,
                now=now,
            )
        if "note" in sent:
            overlays.set_note(db, transaction_id, wish.note, user_reference=whose, now=now)
        if wish.is_hidden is not None:
            (overlays.hide if wish.is_hidden else overlays.unhide)(
                db, transaction_id, user_reference=whose, now=now
            )
        stands = overlays.effective_overlays(db, [transaction_id]).get(transaction_id)
    told = stands or overlays.Overlay(transaction_id, transaction_id)
    return EditBody.model_validate(told, from_attributes=True)


def _check_category(wish: EditWish) -> None:
    """A category of the taxonomy, or none."""
    primary, detailed = wish.category_primary, wish.category_detailed
    fits = detailed is None or taxonomy.primary_of(detailed) == primary
    if not fits or (primary is not None and primary not in taxonomy.PRIMARIES):
        raise Refused(
            422, "unknown_category", "Send category_primary and category_detailed of PFC version 2."
        )


def _owned(services: Services, caller: Caller, connection_id: str) -> StoredConnection:
    with transaction(services.engine) as db:
        return owned.owned_connection(db, caller.owner, connection_id)


def _told(services: Services, caller: Caller, connection_id: str) -> ConnectionBody:
    with transaction(services.engine) as db:
        found = owned.owned_connection(db, caller.owner, connection_id)
        waiting = waiting_connections(db, caller.owner)
        counts = owned.transactions_by_connection(db, caller.owner)
    return connection_body(found, waiting, counts)
