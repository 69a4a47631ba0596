"""From an error of any layer to an answer: JSON for programs, a page for people.

Belongs here: that table. Does not belong here: what nobody expected (`web.headers` answers 500).
"""

from __future__ import annotations

import math
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from bank_sync.domain.errors import NotFound, ProviderError, Recovery, SettingsError
from bank_sync.storage.database import DatabaseError
from bank_sync.sync.linking import AlreadyLinked, LinkEnded
from bank_sync.sync.onboarding import LinkUnclear
from bank_sync.web.access import Refused
from bank_sync.web.answers import RETRY_AFTER_S, error_body
from bank_sync.web.models import ErrorBody
from bank_sync.web.rendering import error_page

_CODES = {404: "not_found", 405: "method_not_allowed", 400: "bad_request"}

_DOCUMENTED = {
    400: "No person named, or a body that is not JSON.",
    401: "No living key.",
    403: "The key lacks the scope.",
    404: "No such thing of this person.",
    405: "Not offered here.",
    408: "The request took too long to arrive.",
    409: "It is connected already, over, or unclear.",
    413: "The body is too large.",
    415: "The body is compressed.",
    422: "Fields are missing or wrong, or the provider refused them.",
    429: "Too many requests.",
    502: "The provider refuses our credentials.",
    503: "Not possible just now.",
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": why} for status, why in _DOCUMENTED.items()
}
"""What any route of the API may answer in place of its own answer, for its document."""


def add_error_answers(app: FastAPI) -> None:
    """Every refusal in one shape, without a word of what was sent."""

    @app.exception_handler(HTTPException)
    async def refused(request: Request, mistake: HTTPException) -> Response:
        code = _CODES.get(mistake.status_code, "refused")
        return _answer(request, mistake.status_code, code, str(mistake.detail), dict(mistake.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, mistake: RequestValidationError) -> Response:
        found = [
            {"field": ".".join(str(part) for part in one["loc"][:4])[:100], "problem": str(one["type"])}
            for one in mistake.errors()
        ]
        return JSONResponse(error_body("invalid", "Some fields are missing or wrong.", fields=found), 422)

    @app.exception_handler(Refused)
    async def not_let_in(request: Request, refusal: Refused) -> Response:
        return _answer(request, refusal.status, refusal.code, refusal.message, refusal.headers)

    @app.exception_handler(DatabaseError)
    @app.exception_handler(SQLAlchemyError)
    async def no_database(request: Request, _: Exception) -> Response:
        message = "Not possible just now. Try again in a moment."
        return _answer(request, 503, "unavailable", message, {"Retry-After": str(RETRY_AFTER_S)})

    _add_answers_of_the_product(app)


def _add_answers_of_the_product(app: FastAPI) -> None:
    @app.exception_handler(NotFound)
    async def unknown(request: Request, _: NotFound) -> Response:
        return _answer(request, 404, "not_found", "There is no such thing here.")

    @app.exception_handler(AlreadyLinked)
    async def twice(_: Request, mistake: AlreadyLinked) -> Response:
        ids = list(mistake.connection_ids)
        return JSONResponse(error_body("already_linked", str(mistake), connection_ids=ids), 409)

    @app.exception_handler(LinkUnclear)
    async def unclear(_: Request, mistake: LinkUnclear) -> Response:
        message = "The new link shares accounts with a connection; somebody has to say what it is."
        ids = [mistake.connection_id, *mistake.candidates]
        return JSONResponse(error_body("link_unclear", message, connection_ids=ids), 409)

    @app.exception_handler(LinkEnded)
    async def over(request: Request, mistake: LinkEnded) -> Response:
        return _answer(request, 409, "link_over", str(mistake))

    @app.exception_handler(SettingsError)
    async def not_offered(request: Request, _: SettingsError) -> Response:
        return _answer(request, 422, "provider_not_offered", "This provider is not offered here.")

    @app.exception_handler(ProviderError)
    async def provider(request: Request, mistake: ProviderError) -> Response:
        if mistake.is_transient:
            wait = str(math.ceil(mistake.retry_after_s or RETRY_AFTER_S))
            return _answer(
                request,
                503,
                mistake.code[:100],
                "The bank's side is not reachable just now.",
                {"Retry-After": wait},
            )
        if mistake.recovery is Recovery.OPERATOR:  # our credentials or contract: nothing the caller can mend
            return _answer(request, 502, mistake.code[:100], "The bank's side refuses us. It has been noted.")
        return _answer(request, 422, mistake.code[:100], "The bank's side refused this. Begin again.")


def _answer(
    request: Request, status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """A page where a person looks, else JSON."""
    wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    if wants_page:
        return error_page(status, code, message, headers)
    return JSONResponse(error_body(code, message), status, headers=headers)
