"""Teller's paths, each to its call, and what every call has in common. Not here: what a call does."""

import json
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.limits import Windows
from bank_sync.sandbox.teller import api, connect, hosted
from bank_sync.sandbox.teller.errors import TellerError, bad_request, too_many_requests
from bank_sync.sandbox.teller.institutions import speak_all
from bank_sync.sandbox.urls import own_url

Endpoint = Callable[[Request], Awaitable[Response]]
_NO_CERTIFICATE = "Missing certificate: Retry request using your Teller client certificate."
CERTIFICATE_SHOWN = "client_certificate_shown"  # set in the scope by a listener that has seen a good one
_PER_MINUTE = 100  # for one access token; Teller publishes no number


def routes(context: Context) -> list[Route]:
    """All of Teller's paths below its prefix."""
    calls = Windows(context.now)

    def endpoint(answer: Callable[[api.Call, Request], object]) -> Endpoint:
        async def respond(request: Request) -> Response:
            try:
                if context.config.teller_requires_certificate and not request.scope.get(CERTIFICATE_SHOWN):
                    raise bad_request(_NO_CERTIFICATE)
                header = request.headers.get("authorization", "")
                call = api.authorise(context, header, own_url(request))
                if context.config.enforce_limits and calls.add(call.enrollment.access_token) > _PER_MINUTE:
                    raise too_many_requests()
                spoken = answer(call, request)
            except TellerError as error:
                return JSONResponse(error.body(), error.status)
            return Response(status_code=204) if spoken is None else JSONResponse(spoken)

        return respond

    def get(path: str, answer: Callable[[api.Call, Request], object]) -> Route:
        return Route(path, endpoint(answer), methods=["GET"])

    def delete(path: str, answer: Callable[[api.Call, Request], object]) -> Route:
        return Route(path, endpoint(answer), methods=["DELETE"])

    one = "/accounts/{account_id}"
    return [
        *_open_routes(context),
        get("/accounts", lambda call, _: api.list_accounts(call)),
        delete("/accounts", lambda call, _: api.remove_all(call)),
        get(one, lambda call, request: api.one_account(call, _account_id(request))),
        delete(one, lambda call, request: api.remove(call, _account_id(request))),
        get(f"{one}/details", lambda call, request: api.details(call, _account_id(request))),
        get(f"{one}/balances", lambda call, request: api.balances(call, _account_id(request))),
        get(
            f"{one}/transactions",
            lambda call, request: api.transactions(call, _account_id(request), request.query_params),
        ),
        get(
            f"{one}/transactions/{{transaction_id}}",
            lambda call, request: api.one_transaction(
                call, _account_id(request), request.path_params["transaction_id"]
            ),
        ),
    ]


def _account_id(request: Request) -> str:
    return str(request.path_params["account_id"])


def _open_routes(context: Context) -> list[Route]:
    """What needs no access token: health, institutions, and the stand-in for Connect."""

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def institutions(_: Request) -> Response:
        return JSONResponse(speak_all())

    async def enroll(request: Request) -> Response:
        try:
            wish = json.loads(await request.body() or b"{}")
            if not isinstance(wish, dict):
                raise bad_request("The body must be a JSON object")
            return JSONResponse(connect.enroll(context, wish))
        except ValueError:
            error = bad_request("The body must be JSON")
        except TellerError as refused:
            error = refused
        return JSONResponse(error.body(), error.status)

    async def signing_key(_: Request) -> Response:
        return JSONResponse({"token_signing_key": connect.signing_key(context)})

    return [
        Route("/health", health, methods=["GET"]),
        Route("/institutions", institutions, methods=["GET"]),
        Route("/connect/enrollments", enroll, methods=["POST"]),
        Route("/connect/signing_key", signing_key, methods=["GET"]),
        *hosted.routes(context),
    ]
