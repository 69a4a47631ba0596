"""Bounds on every request: bytes of its body, seconds to send it, seconds to answer it, requests a minute.

Belongs here: ASGI middleware. Does not belong here: seconds until the headers are complete, which the server
below watches (`web.serving`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bank_sync.web.answers import RETRY_AFTER_S, refuse

_MOST_CALLERS = 10_000
_MINUTE_S = 60.0
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Bound:
    """What one part of the site allows: the longest prefix of the path decides.

    Attributes:
        bytes_most: of a body, as it is sent; compressed bodies are refused.
        body_s: seconds for the whole body to arrive.
        answer_s: seconds until the answer must have begun.
        per_minute: requests of one caller, evenly spaced, with a burst of a quarter of them.
    """

    prefix: str
    bytes_most: int
    body_s: float
    answer_s: float
    per_minute: int


BOUNDS = (
    Bound("/", 65_536, 10.0, 30.0, 600),
    Bound("/api/", 65_536, 10.0, 30.0, 1_200),
    # a provider waits ten seconds and counts what we refuse; all of its calls come from few addresses
    Bound("/webhooks/", 1_048_576, 8.0, 8.0, 60_000),
)


class Bounds:
    """Holds every request to the bound of its path.

    Args:
        app: what is bounded.
        bounds: one per prefix; `/` must be among them.
        monotonic: clock for the rates, in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        bounds: Iterable[Bound] = BOUNDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._bounds = sorted(bounds, key=lambda bound: len(bound.prefix), reverse=True)
        self._rates = Rates(monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass the request on with its body read."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets here
        bound = next(one for one in self._bounds if scope["path"].startswith(one.prefix))
        refusal = self._refusal(scope, bound)
        if refusal is None:
            body = await _body(receive, bound)
            if isinstance(body, bytes):
                await self._answer(scope, receive, send, bound, body)
                return
            refusal = body
        if refusal.status:
            await refuse(send, refusal.status, refusal.code, refusal.message, **refusal.headers)

    def _refusal(self, scope: Scope, bound: Bound) -> _Refusal | None:
        """What can be said before the body is read."""
        headers = dict(scope["headers"])
        if scope["method"] not in _METHODS:
            return _Refusal(405, "method_not_allowed", "This method is not offered here.")
        caller = (scope.get("client") or ("", 0))[0]
        wait_s = self._rates.take(f"{bound.prefix} {caller}", bound.per_minute)
        if wait_s:
            return _Refusal(429, "too_many_requests", "Too many requests.", retry_after=str(int(wait_s) + 1))
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return _Refusal(415, "encoding_not_supported", "Send the body as it is, not compressed.")
        declared = headers.get(b"content-length", b"0")
        if not declared.isdigit() or len(declared) > 12 or int(declared) > bound.bytes_most:  # noqa: PLR2004 - digits of a terabyte
            return _too_large(bound)
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send, bound: Bound, body: bytes) -> None:
        """Run the application on the body, and answer for it when it does not begin in time."""
        began = False
        rest: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return rest.pop() if rest else await receive()

        async def note(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            async with asyncio.timeout(bound.answer_s):
                await self._app(scope, replay, note)
        except TimeoutError:
            if not began:
                await refuse(
                    send, 503, "too_slow", "This took too long. Try again.", retry_after=str(RETRY_AFTER_S)
                )


class Rates:
    """Requests a minute by caller, the longest unseen forgotten first (GCRA)."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._due: OrderedDict[str, float] = OrderedDict()

    def take(self, caller: str, per_minute: int) -> float:
        """Count a request; 0, or the seconds after which the next one is let through."""
        now, step_s = self._monotonic(), _MINUTE_S / per_minute
        due = max(self._due.pop(caller, now), now)
        burst_s = _MINUTE_S / 4
        wait_s = due - now - burst_s
        self._due[caller] = due if wait_s > 0 else due + step_s
        if len(self._due) > _MOST_CALLERS:
            self._due.popitem(last=False)
        return max(0.0, wait_s)


class _Refusal:
    """An answer given without the application; status 0 where nobody listens any more."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        self.status, self.code, self.message, self.headers = status, code, message, headers


def _too_large(bound: Bound) -> _Refusal:
    return _Refusal(413, "too_large", f"The body may have {bound.bytes_most:,} bytes.")


async def _body(receive: Receive, bound: Bound) -> bytes | _Refusal:
    """The whole body, or why it was not read to its end."""
    body = bytearray()
    try:
        async with asyncio.timeout(bound.body_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return _Refusal(0, "gone", "")
                body += message.get("body", b"")
                if len(body) > bound.bytes_most:
                    return _too_large(bound)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return _Refusal(408, "too_slow", "The request took too long to arrive.")
