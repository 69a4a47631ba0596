"""The one application: the three protocols under their prefixes, the admin door, and the front page.

Around them, outermost first: the count of calls, then the faults, so that what goes wrong counts as a call.
"""

from collections.abc import Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from bank_sync.sandbox import admin, faults, gocardless, home, plaid, requests, teller
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.context import new_context
from bank_sync.sandbox.faults import FaultPlan
from bank_sync.sandbox.faults_middleware import Faults
from bank_sync.sandbox.requests import RequestLog


def create_app(config: SandboxConfig, clock: Callable[[], datetime] | None = None) -> ASGIApp:
    """The whole sandbox as one ASGI application; `clock` is the real clock under the virtual one."""
    context = new_context(config, clock)
    plan, limits = FaultPlan(), gocardless.Limits(context)
    doors = [
        *faults.routes(plan),
        *requests.routes(lambda: log.counts, limits.successes),
        *admin.routes(context),
    ]
    banks = Starlette(
        routes=[
            Route("/", home.show, methods=["GET"]),
            Mount("/_sandbox", routes=doors),
            Mount("/plaid", routes=plaid.routes(context)),
            Mount("/teller", routes=teller.routes(context)),
            Mount("/gocardless/api/v2", routes=gocardless.api_routes(context, limits)),
            Mount("/gocardless/psd2", routes=gocardless.consent_routes(context)),
        ],
    )
    log = RequestLog(Faults(banks, plan, lambda sent: limits.failed_at_bank(sent.path)))
    return log
