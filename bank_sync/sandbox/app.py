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
from bank_sync.sandbox.context import Context, new_context
from bank_sync.sandbox.faults import FaultPlan
from bank_sync.sandbox.faults_middleware import Faults
from bank_sync.sandbox.plaid import notices as plaid_notices
from bank_sync.sandbox.plaid.log import LogBook
from bank_sync.sandbox.requests import RequestLog
from bank_sync.sandbox.teller import notices as teller_notices
from bank_sync.sandbox.webhooks import routes as webhooks
from bank_sync.sandbox.webhooks.outbox import Outbox
from bank_sync.sandbox.webhooks.signing import PlaidKeys, TellerSecrets
from bank_sync.sandbox.webhooks.watch import Watch


def create_app(config: SandboxConfig, clock: Callable[[], datetime] | None = None) -> ASGIApp:
    """The whole sandbox as one ASGI application; `clock` is the real clock under the virtual one."""
    context = new_context(config, clock)
    plan, limits, watch = FaultPlan(), gocardless.Limits(context), _watch(context)
    doors = [
        *faults.routes(plan),
        *requests.routes(lambda: log.counts, limits.successes),
        *webhooks.routes(context, watch),
        *admin.routes(context),
    ]
    banks = Starlette(
        routes=[
            Route("/", home.show, methods=["GET"]),
            Mount("/_sandbox", routes=doors),
            Mount("/plaid", routes=plaid.routes(context, watch.plaid)),
            Mount("/teller", routes=teller.routes(context)),
            Mount("/gocardless/api/v2", routes=gocardless.api_routes(context, limits)),
            Mount("/gocardless/psd2", routes=gocardless.consent_routes(context)),
        ],
    )
    log = RequestLog(Faults(banks, plan, lambda sent: limits.failed_at_bank(sent.path)))
    return log


def _watch(context: Context) -> Watch:
    """One queue for all webhooks, and each provider's own way of signing."""
    outbox, seed = Outbox(), context.world.seed
    return Watch(
        context,
        plaid_notices.Notices(outbox, PlaidKeys(seed, context.now()), LogBook()),
        teller_notices.Notices(outbox, TellerSecrets(seed)),
    )
