"""What was asked of the pretend banks: calls by method and path, and GoCardless's good answers by day.

Here: counting and the admin path that tells. Not here: limits, which count for themselves.
"""

import re
from collections import Counter
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bank_sync.sandbox.wire import PROVIDERS

# what in a path names one thing, by provider: the word before it, and the id itself
_IDS = (
    (re.compile(r"^(/teller/accounts/)[^/]+"), r"\1{account_id}"),
    (re.compile(r"^(/teller/accounts/[^/]+/transactions/)[^/]+"), r"\1{transaction_id}"),
    (re.compile(r"^(/gocardless/api/v2/(?:accounts|requisitions|institutions)/)[^/]+"), r"\1{id}"),
    (re.compile(r"^(/gocardless/api/v2/agreements/enduser/)[^/]+"), r"\1{id}"),
    (re.compile(r"^(/gocardless/psd2/start/).+"), r"\1{id}"),
    (re.compile(r"^(/plaid/hosted/).+"), r"\1{link_token}"),
)


class RequestLog:
    """The application, every call to a provider counted in front of it, whatever comes of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.counts: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, and let the call through."""
        if scope["type"] == "http" and scope["path"].split("/", 2)[1] in PROVIDERS:
            self.counts[f"{scope['method']} {template(scope['path'])}"] += 1
        await self._app(scope, receive, send)


def template(path: str) -> str:
    """The path without a final slash, ids replaced by what they are ids of."""
    path = path.rstrip("/")
    for pattern, replacement in _IDS:
        path = pattern.sub(replacement, path)
    return path


def routes(
    counts: Callable[[], Counter[str]], successes: Callable[[], list[dict[str, object]]]
) -> list[Route]:
    """The admin path below its prefix."""

    async def show(_: Request) -> Response:
        told = dict(sorted(counts().items()))
        return JSONResponse({"counts": told, "successful_account_calls": successes()})

    return [Route("/requests", show, methods=["GET"])]
