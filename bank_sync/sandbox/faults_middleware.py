"""Doing to a request what the plan of faults says, between the socket and the protocols.

Here: the order of things, and answers that arrive oddly or not at all. Not here: which request is met
(`faults`) or how a broken answer looks (`faults_answers`, `faults_damage`, `faults_paging`).
"""

import asyncio
import zlib
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from bank_sync.sandbox import faults_paging as paging
from bank_sync.sandbox.faults import FaultPlan
from bank_sync.sandbox.faults_answers import html_page, paging_mutation, refused
from bank_sync.sandbox.faults_damage import damaged
from bank_sync.sandbox.faults_kinds import BROKEN, DAMAGED, REFUSALS, Fault
from bank_sync.sandbox.plaid.cursors import is_within_loop
from bank_sync.sandbox.wire import PROVIDERS, Answer, Sent, ask, read, text_answer

_SLOW_S, _DRIP_S = 5.0, 0.1
_GZIP = 31  # zlib's word for its largest window in a gzip wrapping
_CHUNK = b" " * 65_536  # spaces before JSON are JSON: only its size is wrong
_CUT = b'{"request_id":"'
_ENDLESS = Fault("endless_pages")


class Faults:
    """The application, faults in front of it; the sandbox's own paths are never touched."""

    def __init__(self, app: ASGIApp, plan: FaultPlan, on_bank_error: Callable[[Sent], None]) -> None:
        self._app = app
        self._plan = plan
        self._on_bank_error = on_bank_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the protocols would, or worse."""
        if scope["type"] != "http" or scope["path"].split("/", 2)[1] not in PROVIDERS:
            await self._app(scope, receive, send)
            return
        sent = await read(scope, receive)
        sent = paging.resumed(sent) if paging.is_resumed(sent) else sent
        fault = self._plan.draw(sent)
        if fault is not None and fault.kind in REFUSALS | BROKEN | {"html_200"}:
            await self._instead(fault, sent, scope, receive, send)
        else:
            await self._upon(fault, sent, scope, receive, send)

    async def _instead(self, fault: Fault, sent: Sent, scope: Scope, receive: Receive, send: Send) -> None:
        """Another answer than the real one, which is not even worked out unless the fault comes after."""
        answer = await ask(self._app, scope, sent) if fault.is_after else None
        self._plan.struck(fault)
        if fault.kind == "refuse":
            await _hang_up(receive, send)
        elif fault.kind == "reset":
            await _break_off(answer or text_answer(200, _CUT * 2, "application/json"), receive, send)
        elif fault.kind == "html_200":
            await _say(html_page(), send)
        else:
            if fault.kind == "http_500":
                self._on_bank_error(sent)
            await _say(refused(fault, sent), send)

    async def _upon(
        self, fault: Fault | None, sent: Sent, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The real answer, after what the fault does to it."""
        answer = await self._paged(fault, sent, scope)
        if fault is not None and fault.kind in DAMAGED and answer.is_good:
            worse = damaged(fault.kind, sent, answer)
            if worse is not None:
                self._plan.struck(fault)
            answer = worse or answer
        if fault is not None and fault.kind in _DELIVERIES:
            self._plan.struck(fault)
            await _DELIVERIES[fault.kind](fault, answer, receive, send)
            return
        await _say(answer, send)

    async def _paged(self, fault: Fault | None, sent: Sent, scope: Scope) -> Answer:
        """The answer as far as pages are concerned."""
        if paging.is_endless(sent):
            return await self._changed(_ENDLESS, paging.endless, sent, paging.from_the_start(sent), scope)
        if fault is not None and fault.kind == "mutation" and is_within_loop(_cursor(sent)):
            self._plan.struck(fault)
            return paging_mutation()
        if fault is not None and fault.kind == "endless_pages":
            return await self._changed(fault, paging.endless, sent, sent, scope)
        if fault is not None and fault.kind == "empty_pages":
            return await self._changed(fault, paging.empty, sent, sent, scope)
        if fault is not None and fault.kind == "repeated_cursor" and (sent.is_sync or _goes_on(sent)):
            asked = sent if sent.is_sync else paging.from_the_start(sent)
            return await self._changed(fault, paging.repeated, sent, asked, scope)
        return await ask(self._app, scope, sent)

    async def _changed(
        self,
        fault: Fault,
        change: Callable[[Sent, Answer], Answer | None],
        sent: Sent,
        asked: Sent,
        scope: Scope,
    ) -> Answer:
        answer = await ask(self._app, scope, asked)
        changed = change(sent, answer) if answer.is_good else None
        if changed is not None:
            self._plan.struck(fault)
        return changed or answer


def _cursor(sent: Sent) -> str:
    return str(sent.fields().get("cursor") or "")


def _goes_on(sent: Sent) -> bool:
    return "from_id" in sent.parameters()


async def _say(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a word: ASGI has no message for that, so the transport is asked."""
    send.__self__.transport.abort()  # type: ignore[attr-defined] # uvicorn's cycle, which `send` is bound to
    await receive()


async def _break_off(answer: Answer, receive: Receive, send: Send) -> None:
    """Promise the whole answer, send half of it, and close."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    send.__self__.transport.close()  # type: ignore[attr-defined] # as above
    await receive()


async def _late(fault: Fault, answer: Answer, receive: Receive, send: Send) -> None:
    if not await _gone(receive, _SLOW_S if fault.delay_s is None else fault.delay_s):
        await _say(answer, send)


async def _dripped(fault: Fault, answer: Answer, receive: Receive, send: Send) -> None:
    """One byte at a time, until the caller gives up."""
    await send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
    for place in range(len(answer.body)):
        if await _gone(receive, _DRIP_S if fault.delay_s is None else fault.delay_s):
            return
        byte = answer.body[place : place + 1]
        await send({"type": "http.response.body", "body": byte, "more_body": place + 1 < len(answer.body)})


async def _huge(fault: Fault, answer: Answer, receive: Receive, send: Send) -> None:
    """The answer after so many bytes of nothing, until the caller gives up; packed small if told so."""
    headers = [each for each in answer.headers if each[0].lower() != b"content-length"]
    packing = zlib.compressobj(wbits=_GZIP) if fault.is_gzipped else None
    if packing is not None:
        headers.append((b"content-encoding", b"gzip"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    for _ in range(fault.size_bytes // len(_CHUNK) + 1):
        chunk = packing.compress(_CHUNK) if packing else _CHUNK
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if await _gone(receive, 0):
            return
    end = packing.compress(answer.body) + packing.flush() if packing else answer.body
    await send({"type": "http.response.body", "body": end})


async def _gone(receive: Receive, within_s: float) -> bool:
    """Wait that long; True at once when the caller hangs up."""
    try:
        message = await asyncio.wait_for(receive(), within_s or 0.000_1)  # 0 would not look at all
    except TimeoutError:
        return False
    return bool(message["type"] == "http.disconnect")


_DELIVERIES = {"slow": _late, "dripped": _dripped, "huge": _huge}
