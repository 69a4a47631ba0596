"""The admin paths of webhooks: what waits, delivering it, and the keys and addresses it goes by.

Not here: what is said (`watch`).
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.admin_json import json_body, refusal
from bank_sync.sandbox.context import Context
from bank_sync.sandbox.webhooks.delivery import Manner, deliver
from bank_sync.sandbox.webhooks.watch import Watch


def routes(context: Context, watch: Watch) -> list[Route]:
    """The admin paths below their prefix."""
    outbox, keys, secrets = watch.plaid.outbox, watch.plaid.keys, watch.teller.secrets
    sign = {"plaid": keys.headers, "teller": secrets.headers}

    async def show(request: Request) -> Response:
        watch.look(_site(request))
        waiting, done = ([each.shown() for each in some] for some in (outbox.waiting(), outbox.done))
        return JSONResponse({"waiting": waiting, "done": done})

    async def send_due(request: Request) -> Response:
        manner = _manner(await json_body(request))
        if manner is None:
            return refusal(400, "drop and duplicate are true or a number, reorder true or a seed.")
        watch.look(_site(request))
        attempts = await deliver(outbox, sign, manner, context.now())
        return JSONResponse({"attempts": attempts, "waiting": len(outbox.waiting())})

    async def change_keys(request: Request) -> Response:
        if request.url.path.endswith("/rotate"):
            return JSONResponse({"kid": keys.rotate(context.now())})
        keys.expire(context.now())
        return JSONResponse({})

    async def change_teller(request: Request) -> Response:
        action = request.path_params.get("action")
        if action == "rotate":
            secrets.rotate()
        elif action == "retire":
            secrets.retire()
        elif action == "test":
            watch.teller.send(context, "webhook.test", {})
        else:
            watch.teller.url = (await json_body(request)).get("url")
        watch.look(_site(request))
        return JSONResponse({"url": watch.teller.url, "secrets": secrets.live})

    return [
        Route("/webhooks", show, methods=["GET"]),
        Route("/webhooks/deliver", send_due, methods=["POST"]),
        Route("/webhooks/plaid/rotate", change_keys, methods=["POST"]),
        Route("/webhooks/plaid/expire", change_keys, methods=["POST"]),
        Route("/webhooks/teller", change_teller, methods=["POST"]),
        Route("/webhooks/teller/{action}", change_teller, methods=["POST"]),
    ]


def _site(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _manner(wish: Mapping[str, Any]) -> Manner | None:
    drop, duplicate = (_count(wish.get(name, 0)) for name in ("drop", "duplicate"))
    reorder = wish.get("reorder", False)
    if drop is None or duplicate is None or not isinstance(reorder, bool | int | str):
        return None
    return Manner(drop, duplicate, str(reorder) if reorder is not False else None)


def _count(value: object) -> int | None:
    if isinstance(value, bool):
        return 1_000_000 if value else 0
    return value if isinstance(value, int) and value >= 0 else None
