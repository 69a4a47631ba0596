"""Where providers call back: verify the bytes, store them in one statement, say so. Nothing else.

Belongs here: from a request to a row of the inbox. Does not belong here: what an event leads to: it only says
that there is something to look at, so order cannot matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.events import WebhookEvent
from bank_sync.providers.plaid import webhooks as plaid
from bank_sync.providers.plaid.client import PlaidProvider
from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
from bank_sync.providers.teller import webhooks as teller
from bank_sync.providers.webhooks import WebhookKeysBusy, WebhookRefused
from bank_sync.services import Services
from bank_sync.storage import inbox
from bank_sync.storage.database import DatabaseError, transaction
from bank_sync.web.answers import error, unavailable

_BUSY_S = 60


@dataclass(slots=True)
class Receiver:
    """The webhooks of one process; `seen` counts outcomes by provider, for the metrics."""

    services: Services
    plaid_keys: PlaidWebhookKeys
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)

    def plaid(self, token: str | None, body: bytes) -> Response:
        """One call of Plaid's."""
        return self._answered(
            "plaid", lambda: plaid.verified(token, body, self.plaid_keys, self.services.clock())
        )

    def teller(self, signature: str | None, body: bytes) -> Response:
        """One call of Teller's."""
        settings = self.services.settings
        return self._answered(
            "teller",
            lambda: teller.verified(
                signature,
                body,
                settings.teller_webhook_secret_list(),
                environment=settings.environment,
                now=self.services.clock(),
            ),
        )

    def _answered(self, provider: str, verify: Callable[[], WebhookEvent]) -> Response:
        """2xx means that a durable row exists; a fault of ours is 503, never a mass of refusals."""
        outcome, answer = self._received(verify)
        self.seen[provider, outcome] += 1
        return answer

    def _received(self, verify: Callable[[], WebhookEvent]) -> tuple[str, Response]:
        try:
            event = verify()
            with transaction(self.services.engine) as db:
                is_new = inbox.receive(db, event, now=self.services.clock())
        except WebhookRefused:
            return "refused", error(401, "not_verified", "The signature does not prove this body.")
        except WebhookKeysBusy as busy:
            return "busy", error(429, "busy", str(busy), {"Retry-After": str(_BUSY_S)})
        except (ProviderError, DatabaseError, SQLAlchemyError):
            return "unavailable", unavailable("Not stored. Send it again.")
        return ("received" if is_new else "repeated"), JSONResponse({"status": "received"})


def make_receiver(services: Services) -> Receiver:
    """The receiver of this process; without Plaid's credentials its webhooks cannot be verified."""
    provider = services.providers.get("plaid")
    fetch = provider.webhook_key if isinstance(provider, PlaidProvider) else _no_plaid
    return Receiver(services, PlaidWebhookKeys(fetch, services.clock))


def _no_plaid(_: str) -> None:
    """Nobody's key is known where Plaid is not configured."""
    return


def webhook_routes(receiver: Receiver) -> APIRouter:
    """The two addresses; signed, so that no session and no key is asked for."""
    router = APIRouter(prefix="/webhooks", include_in_schema=False)

    @router.post("/plaid")
    async def from_plaid(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(receiver.plaid, _single(request, plaid.HEADER), body)

    @router.post("/teller")
    async def from_teller(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(receiver.teller, _single(request, teller.HEADER), body)

    return router


def _single(request: Request, name: str) -> str | None:
    """A header that stands once: two proofs are none."""
    values = request.headers.getlist(name)
    return values[0] if len(values) == 1 else None
