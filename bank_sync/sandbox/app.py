"""The one application: the three protocols under their prefixes, the admin door, and the front page."""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bank_sync.sandbox import admin, gocardless, home, plaid, teller
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.context import new_context


def create_app(config: SandboxConfig, clock: Callable[[], datetime] | None = None) -> Starlette:
    """The whole sandbox as one ASGI application; `clock` is the real clock under the virtual one."""
    context = new_context(config, clock)
    return Starlette(
        routes=[
            Route("/", home.show, methods=["GET"]),
            Mount("/_sandbox", routes=admin.routes(context)),
            Mount("/plaid", routes=plaid.routes(context)),
            Mount("/teller", routes=teller.routes(context)),
            Mount("/gocardless/api/v2", routes=gocardless.api_routes(context)),
            Mount("/gocardless/psd2", routes=gocardless.consent_routes(context)),
        ],
    )
