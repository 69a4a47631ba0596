"""The Connect page: choose a bank, log in at the provider's own window, come back.

Belongs here: routes of a few lines. Does not belong here: what a link is (`sync.linking`).
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse

from bank_sync.domain.errors import NotFound, ProviderError, Recovery
from bank_sync.security.tokens import hash_token, new_token
from bank_sync.services import Services
from bank_sync.storage import link_attempts, owned
from bank_sync.storage.database import transaction
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.sync import linking
from bank_sync.sync.link_wishes import LinkWish, repair_wish
from bank_sync.sync.onboarding import LinkUnclear
from bank_sync.web.access import Kit, Refused
from bank_sync.web.countries import COUNTRIES
from bank_sync.web.institutions import find_institutions
from bank_sync.web.rendering import page
from bank_sync.web.sessions import AnyVisit, Form, Visit
from bank_sync.web.widgets import script_of

router = APIRouter(include_in_schema=False)

Id = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]

_REDIRECTING = frozenset({"gocardless"})
_POLL_S = 3
_LONGEST_FIELD = 4_000
_START = ("kind", "token", "url", "nonce", "enrollment_id")
_PROOF = ("public_token", "access_token", "enrollment_id", "user_id", "institution_name", "signatures")


@router.get("/connect")
def choose(
    services: Kit,
    visit: AnyVisit,
    country: Annotated[str, Query(pattern=r"^[A-Z]{2}$")] = "US",
    query: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Banks to choose from."""
    try:
        found, failed = find_institutions(services, country, query.replace("\x00", "")), False
    except ProviderError:
        found, failed = [], True
    return page(
        "connect.html",
        here="connect",
        countries=COUNTRIES,
        country=country,
        query=query,
        institutions=found,
        failed=failed,
        form_token=visit.form_token,
        has_session=True,
    )


@router.post("/connect")
def begin(services: Kit, visit: AnyVisit, form: Form) -> Response:
    """Begin at the chosen bank; one that is connected already is shown for repair instead."""
    provider = form.get("provider", "")
    redirect_url, state = _way_back(services, provider)
    wish = LinkWish(
        provider=provider,
        country=form.get("country", "US")[:2],
        institution_id=form.get("institution_id") or None,
        institution_name=form.get("institution_name", "")[:200] or None,
        redirect_url=redirect_url,
        state=state,
        session_id=visit.session.session_id,
        allow_another=form.get("another") == "yes",
    )
    try:
        attempt = linking.start_new(services, visit.session.user_id, wish)
    except linking.AlreadyLinked as twice:
        ids = twice.connection_ids
        return page(
            "already.html", wish=wish, connection_id=ids[0], form_token=visit.form_token, has_session=True
        )
    return RedirectResponse(f"/connect/{attempt.attempt_id}", 303)


@router.post("/connections/{connection_id}/reconnect")
def reconnect(services: Kit, visit: AnyVisit, _: Form, connection_id: Id) -> Response:
    """Begin to repair a connection."""
    with transaction(services.engine) as db:
        connection = owned.owned_connection(db, visit.session.user_id, connection_id)
    redirect_url, state = _way_back(services, connection.provider)
    wish = repair_wish(
        connection, redirect_url=redirect_url, state=state, session_id=visit.session.session_id
    )
    attempt = linking.start_repair(services, connection, wish)
    return RedirectResponse(f"/connect/{attempt.attempt_id}", 303)


@router.get("/connect/return")
def come_back(request: Request, services: Kit, visit: AnyVisit) -> Response:
    """From the bank: the word must be of this session and unused; nothing else there is trusted."""
    word = request.query_params.get("state", "")
    with transaction(services.engine) as db:
        attempt_id = link_attempts.take_state(
            db, hash_token(word), session_id=visit.session.session_id, now=services.clock()
        )
    if attempt_id is None:
        raise Refused(403, "state", "This way back was used before, or is of another session. Begin again.")
    return RedirectResponse(f"/connect/{attempt_id}?back=1", 303)


@router.get("/connect/{attempt_id}")
def show(request: Request, services: Kit, visit: AnyVisit, attempt_id: Id) -> Response:
    """The page that opens the provider's window, or finishes what was done there."""
    attempt = _own(services, visit, attempt_id)
    if attempt.state != "open":
        return RedirectResponse("/connections", 303)
    settings = services.settings
    return page(
        "linking.html",
        attempt=attempt,
        start={name: attempt.start.get(name, "") for name in _START},
        is_back=request.query_params.get("back") == "1",
        script=script_of(settings, attempt.start.get("kind", "")),
        environment="production" if settings.environment == "production" else "sandbox",
        form_token=visit.form_token,
        has_session=True,
    )


@router.post("/connect/{attempt_id}/finish")
async def finish(request: Request, services: Kit, visit: AnyVisit, _: Form, attempt_id: Id) -> Response:
    """What the provider's window handed to our page."""
    return await run_in_threadpool(_finished, services, visit, attempt_id, await request.body())


@router.post("/connect/{attempt_id}/leave")
def leave(services: Kit, visit: AnyVisit, _: Form, attempt_id: Id) -> Response:
    """The person closed the provider's window."""
    linking.give_up(services, _own(services, visit, attempt_id), "left")
    return JSONResponse({"next": "/connect"})


def _finished(services: Services, visit: Visit, attempt_id: str, body: bytes) -> Response:
    attempt = _own(services, visit, attempt_id)
    proof = _proof(body)
    try:
        linking.finish(services, attempt, user_reference=visit.session.user_reference, proof=proof)
    except LinkUnclear:
        return JSONResponse({"next": "/connections?note=unclear"})
    except ProviderError as error:
        if error.recovery is not Recovery.RETRY_AT:
            raise
        return JSONResponse({"retry_after_s": math.ceil(error.retry_after_s or _POLL_S)}, 202)
    return JSONResponse({"next": f"/connections?note={'repaired' if attempt.connection_id else 'connected'}"})


def _own(services: Services, visit: Visit, attempt_id: str) -> LinkAttempt:
    """The try, begun by this very session."""
    with transaction(services.engine) as db:
        attempt = link_attempts.get_attempt(db, attempt_id, user_id=visit.session.user_id)
    if attempt.session_id != visit.session.session_id:
        raise NotFound("There is no such link.")
    return attempt


def _proof(body: bytes) -> dict[str, str]:
    """The fields we know, as text."""
    try:
        value: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(400, "bad_request", "The body is not JSON.") from None
    if not isinstance(value, dict):
        raise Refused(400, "bad_request", "The body is not an object.")
    return {
        name: value[name]
        for name in _PROOF
        if isinstance(value.get(name), str) and len(value[name]) <= _LONGEST_FIELD
    }


def _way_back(services: Services, provider: str) -> tuple[str | None, str | None]:
    """Where the browser comes back to, and the one-time word in it; none where a window opens over our page.

    Plaid must not be given it: it takes only addresses that stand in its dashboard, without a word.
    """
    if provider not in _REDIRECTING:
        return None, None
    state = new_token()
    return f"{services.settings.public_url}/connect/return?state={state}", state
