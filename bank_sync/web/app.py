"""The one application of `bank-sync serve`.

Belongs here: putting the parts together. Does not belong here: any route of the product.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from bank_sync.services import Services
from bank_sync.storage.database import DatabaseError, transaction
from bank_sync.web import answers
from bank_sync.web.bounds import BOUNDS, Bound, Bounds
from bank_sync.web.headers import SafeHeaders
from bank_sync.web.webhooks import make_receiver, webhook_routes

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def create_app(
    services: Services,
    *,
    bounds: Iterable[Bound] = BOUNDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Webhooks, API and pages behind their bounds and headers."""
    app = FastAPI(title="bank_sync", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(webhook_routes(make_receiver(services)))
    app.include_router(_health(services))
    _add_error_answers(app)
    settings = services.settings
    public = urlsplit(settings.public_url)
    hosts = {public.hostname or "", *(_LOOPBACK if settings.environment != "production" else ())}
    return SafeHeaders(
        Bounds(app, bounds, monotonic),
        hosts=hosts,
        script_hosts=(),
        is_https=public.scheme == "https",
    )


def _health(services: Services) -> APIRouter:
    """For whoever runs this process: alive, and able to store."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def alive() -> Response:
        return JSONResponse({"status": "alive"})

    @router.get("/readyz")
    def ready() -> Response:
        with transaction(services.engine) as db:
            db.execute(text("SELECT 1"))
        return JSONResponse({"status": "ready"})

    return router


def _add_error_answers(app: FastAPI) -> None:
    """Every refusal in one shape, without a word of what was sent."""

    @app.exception_handler(HTTPException)
    async def refused(_: Request, refusal: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(refusal.status_code, "refused")
        return answers.error(refusal.status_code, code, str(refusal.detail), refusal.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, mistake: RequestValidationError) -> Response:
        found = [
            {"field": ".".join(str(part) for part in one["loc"]), "problem": str(one["type"])}
            for one in mistake.errors()
        ]
        return JSONResponse(
            answers.error_body("invalid", "Some fields are missing or wrong.", fields=found), 422
        )

    @app.exception_handler(DatabaseError)
    @app.exception_handler(SQLAlchemyError)
    async def no_database(_: Request, __: Exception) -> Response:
        return answers.unavailable()
