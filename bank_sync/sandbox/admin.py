"""The door for tests and demos: the truth behind a link, commands, the virtual clock, logins that break.

Not here: anything a real provider would answer.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox import commands, links, truth
from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid.records import items
from bank_sync.sandbox.teller.records import enrollments
from bank_sync.sandbox.world.book import BookError


def routes(context: Context) -> list[Route]:
    """The admin paths below their prefix."""

    async def show_truth(request: Request) -> Response:
        query = request.query_params
        link = links.find(context, query.get("provider", ""), query.get("token", ""))
        if link is None:
            return _refusal(
                404, "No such link: send provider (plaid, teller, gocardless) and a living token."
            )
        now = context.now()
        return JSONResponse({"now": now.isoformat(), "accounts": truth.of(link, now)})

    async def command(request: Request) -> Response:
        try:
            return JSONResponse(commands.obey(context, await _json(request)))
        except BookError as refused:
            return _refusal(refused.status, str(refused))

    async def show_clock(_: Request) -> Response:
        return JSONResponse({"now": context.now().isoformat()})

    async def move_clock(request: Request) -> Response:
        instant = _wanted_instant(context, await _json(request))
        if instant is None:
            return _refusal(400, "Send now (ISO 8601 with a zone), advance_s or advance_days.")
        context.set_now(instant)
        return JSONResponse({"now": context.now().isoformat()})

    async def set_login(request: Request) -> Response:
        is_broken = request.url.path.endswith("/break")
        body = await _json(request)
        found = _set_login(
            context, request.path_params["token"], is_broken=is_broken, reason=body.get("reason")
        )
        if not found:
            return _refusal(404, "No such link: send a living Plaid or Teller access token, or their ids.")
        return JSONResponse({"is_login_required": is_broken})

    return [
        Route("/truth", show_truth, methods=["GET"]),
        Route("/book", command, methods=["POST"]),
        Route("/clock", show_clock, methods=["GET"]),
        Route("/clock", move_clock, methods=["POST"]),
        Route("/links/{token}/break", set_login, methods=["POST"]),
        Route("/links/{token}/repair", set_login, methods=["POST"]),
    ]


def _set_login(context: Context, token: str, *, is_broken: bool, reason: str | None) -> bool:
    """Break or repair the login behind an access token, Item id or enrollment id; False if there is none."""
    for item in items(context):
        if token in {item.access_token, item.item_id}:
            items(context).put(item.access_token, replace(item, is_login_required=is_broken))
            return True
    for enrollment in enrollments(context):
        if token in {enrollment.access_token, enrollment.enrollment_id}:
            state = (reason or "") if is_broken else None
            enrollments(context).put(enrollment.access_token, replace(enrollment, disconnected=state))
            return True
    return False


def _wanted_instant(context: Context, wish: Mapping[str, Any]) -> datetime | None:
    try:
        if "now" in wish:
            instant = datetime.fromisoformat(wish["now"])
            return instant.astimezone(UTC) if instant.tzinfo else None
        if "advance_days" in wish or "advance_s" in wish:
            step = timedelta(days=float(wish.get("advance_days", 0)), seconds=float(wish.get("advance_s", 0)))
            return context.now() + step
    except (TypeError, ValueError, OverflowError):
        return None
    return None


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
