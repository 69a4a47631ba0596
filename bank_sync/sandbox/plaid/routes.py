"""Plaid's paths, each to its call, and what every call has in common. Not here: what a call does."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import (
    created,
    hosted,
    institutions,
    items,
    link,
    notices,
    recurring,
    transactions,
)
from bank_sync.sandbox.plaid.errors import PlaidError
from bank_sync.sandbox.plaid.limits import Limits
from bank_sync.sandbox.plaid.notices import Notices
from bank_sync.sandbox.plaid.request import Fields, read
from bank_sync.sandbox.urls import own_url
from bank_sync.sandbox.world.dice import ALPHANUMERIC, code

Call = Callable[[Context, Fields], dict[str, object]]


def _refresh(context: Context, fields: Fields) -> dict[str, object]:
    """/transactions/refresh: a wish to ask the bank again; what comes of it is said by webhook."""
    items.healthy_item(context, fields)
    return {}


_CALLS: Mapping[str, Call] = {
    "/institutions/get": institutions.get,
    "/institutions/search": institutions.search,
    "/institutions/get_by_id": institutions.get_by_id,
    "/link/token/get": link.get,
    "/sandbox/public_token/create": link.sandbox_public_token,
    "/sandbox/item/reset_login": items.reset_login,
    "/item/public_token/exchange": items.exchange,
    "/item/get": items.get,
    "/item/remove": items.remove,
    "/item/access_token/invalidate": items.invalidate_access_token,
    "/accounts/get": items.accounts,
    "/accounts/balance/get": items.accounts,
    "/transactions/get": transactions.get,
    "/transactions/refresh": _refresh,
    "/transactions/recurring/get": recurring.get,
    "/sandbox/transactions/create": created.create,
}


class _RequestIds:
    """Fifteen letters for each answer, counted rather than drawn: they mean nothing but must differ."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def next(self) -> str:
        self._count += 1
        return code(ALPHANUMERIC, 15, self._seed, "request", self._count)


def routes(context: Context, speaker: Notices) -> list[Route]:
    """All of Plaid's paths below its prefix; `speaker` is how it sends webhooks."""
    ids, limits = _RequestIds(context.world.seed), Limits(context)

    def endpoint(call: Call) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            request_id = ids.next()
            try:
                fields = await read(request, context.config)
                limits.admit(request.url.path.removeprefix(request.scope.get("root_path", "")), fields)
                spoken = call(context, fields)
            except PlaidError as error:
                return JSONResponse(error.body(request_id), error.status)
            return JSONResponse({**spoken, "request_id": request_id})

        return answer

    async def create_link_token(request: Request) -> Response:
        base_url = own_url(request)
        return await endpoint(lambda context, fields: link.create(context, fields, base_url))(request)

    def synced(context: Context, fields: Fields) -> dict[str, object]:
        page = transactions.sync(context, fields, speaker.logs)
        notices.arm(context, speaker, fields)
        return page

    speaking: Mapping[str, Call] = {
        "/transactions/sync": synced,
        "/sandbox/item/fire_webhook": lambda context, fields: notices.fire(context, speaker, fields),
        "/item/webhook/update": lambda context, fields: notices.change_address(context, speaker, fields),
        "/webhook_verification_key/get": lambda _, fields: notices.verification_key(speaker, fields),
    }
    every = {**_CALLS, **speaking}
    calls = [Route(path, endpoint(call), methods=["POST"]) for path, call in every.items()]
    return [
        *calls,
        Route("/link/token/create", create_link_token, methods=["POST"]),
        *hosted.routes(context),
    ]
