"""The one application of `bank-sync serve`.

Belongs here: putting the parts together. Does not belong here: any route of the product.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import text
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bank_sync.services import Services
from bank_sync.storage.database import transaction
from bank_sync.web import api, connecting, pages, people
from bank_sync.web.bounds import BOUNDS, Bound, Bounds
from bank_sync.web.headers import SafeHeaders
from bank_sync.web.metrics import metrics_routes
from bank_sync.web.refusals import add_error_answers
from bank_sync.web.webhooks import Receiver, make_receiver, webhook_routes
from bank_sync.web.widgets import script_hosts

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def create_app(
    services: Services,
    *,
    bounds: Iterable[Bound] = BOUNDS,
    monotonic: Callable[[], float] = time.monotonic,
    receiver: Receiver | None = None,
) -> ASGIApp:
    """Webhooks, API and pages behind their bounds and headers; `receiver` in place of the usual one."""
    app = FastAPI(
        title="bank_sync",
        version=version("bank-sync"),
        description="Connect people's banks and keep them connected.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.services = services
    receiver = receiver or make_receiver(services)
    app.include_router(webhook_routes(receiver))
    app.include_router(metrics_routes(services, receiver.seen))
    app.include_router(api.router)
    app.include_router(people.router)
    app.include_router(pages.router)
    app.include_router(connecting.router)
    app.mount("/static", StaticFiles(packages=[("bank_sync.web", "static")]), name="static")
    app.include_router(_health(services))
    add_error_answers(app)
    settings = services.settings
    public = urlsplit(settings.public_url)
    hosts = {public.hostname or "", *(_LOOPBACK if settings.environment != "production" else ())}
    return SafeHeaders(
        Bounds(app, bounds, monotonic),
        hosts=hosts,
        script_hosts=script_hosts(settings),
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
