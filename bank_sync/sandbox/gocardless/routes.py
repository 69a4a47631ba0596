"""GoCardless's paths, each to its call, and what every call has in common. Not here: what a call does."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless import (
    accounts,
    agreements,
    institutions,
    quirks,
    reconfirm,
    requisitions,
    tokens,
)
from bank_sync.sandbox.gocardless.accounts import Access
from bank_sync.sandbox.gocardless.errors import GoCardlessError, plain
from bank_sync.sandbox.gocardless.limits import Limits

_LONGEST_PAGE = 100
_DATA_CALLS: Mapping[str, Callable[[Context, Access, Mapping[str, str]], dict[str, object]]] = {
    "details": accounts.details,
    "balances": accounts.balances,
    "transactions": accounts.transactions,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request: its path's id, its query, its JSON body, and this server's address."""

    request: Request
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])

    @property
    def site_url(self) -> str:
        """Where this server was reached, without a path."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}"


Answer = Callable[[Call], object]


def routes(context: Context, limits: Limits) -> list[Route]:
    """All of GoCardless's paths below its prefix, with and without the final slash."""

    def route(
        path: str, method: str, answer: Answer, status: int = 200, *, is_open: bool = False
    ) -> list[Route]:
        endpoint = _endpoint(context, limits, answer, status, is_open=is_open)
        return [Route(each, endpoint, methods=[method]) for each in (path, f"{path}/")]

    def data(call: Call) -> Response:
        return _account_data(context, limits, call)

    def metadata(call: Call) -> object:
        told = accounts.metadata(context, call.id)
        spoken = quirks.applied(str(told["institution_id"]), "metadata", told)
        return {**spoken, "status": "SUSPENDED"} if limits.is_suspended(call.id) else spoken

    enduser, requisition = "/agreements/enduser", "/requisitions"
    return [
        *route("/token/new", "POST", lambda call: tokens.new(context, call.body), is_open=True),
        *route("/token/refresh", "POST", lambda call: tokens.refresh(context, call.body), is_open=True),
        *route("/institutions", "GET", lambda call: institutions.get_list(context, _query(call))),
        *route("/institutions/{id}", "GET", lambda call: institutions.get_one(context, call.id)),
        *route(enduser, "GET", lambda call: _paged(call, agreements.get_list(context))),
        *route(enduser, "POST", lambda call: agreements.create(context, call.body), 201),
        *route(f"{enduser}/{{id}}", "GET", lambda call: agreements.get_one(context, call.id)),
        *route(f"{enduser}/{{id}}", "DELETE", lambda call: agreements.delete(context, call.id)),
        *route(f"{enduser}/{{id}}/accept", "PUT", lambda call: agreements.accept(context, call.id)),
        *route(
            f"{enduser}/{{id}}/reconfirm",
            "GET",
            lambda call: reconfirm.get_one(context, call.id, call.site_url),
        ),
        *route(
            f"{enduser}/{{id}}/reconfirm",
            "POST",
            lambda call: reconfirm.create(context, call.id, call.body, call.site_url),
            201,
        ),
        *route(requisition, "GET", lambda call: _paged(call, requisitions.get_list(context, call.site_url))),
        *route(requisition, "POST", lambda call: requisitions.create(context, call.body, call.site_url), 201),
        *route(
            f"{requisition}/{{id}}", "GET", lambda call: requisitions.get_one(context, call.id, call.site_url)
        ),
        *route(f"{requisition}/{{id}}", "DELETE", lambda call: requisitions.delete(context, call.id)),
        *route("/accounts/{id}", "GET", metadata),
        *route("/accounts/{id}/{scope:str}", "GET", data),
    ]


def _endpoint(
    context: Context, limits: Limits, answer: Answer, status: int, *, is_open: bool
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        try:
            limits.enter(request.method, request.url.path.removeprefix(request.scope.get("root_path", "")))
            if not is_open:
                tokens.require_bearer(context, request.headers.get("authorization", ""))
            spoken = answer(Call(request, await _body(request)))
        except GoCardlessError as error:
            return JSONResponse(error.body(), error.status, dict(error.headers))
        return spoken if isinstance(spoken, Response) else JSONResponse(spoken, status)

    return respond


async def _body(request: Request) -> Mapping[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise plain(400, "Parse error", "The body must be a JSON object")
    return body


def _account_data(context: Context, limits: Limits, call: Call) -> Response:
    """One of the three limited calls; only a good answer counts towards the day's four."""
    scope = str(call.request.path_params["scope"])
    if scope not in _DATA_CALLS:
        raise plain(404, "Not found.", "Not found.")
    limits.refuse_suspended(call.id)
    try:
        access = accounts.granted(context, call.id, scope)
        reconfirm.require_confirmed(context, access.agreement)
        institution_id = access.requisition.institution_id
        limits.admit(access.linked.id, scope, institution_id)
        spoken = quirks.applied(institution_id, scope, _DATA_CALLS[scope](context, access, _query(call)))
    except GoCardlessError as error:
        limits.failed(call.id, error)
        raise
    return JSONResponse(spoken, headers=dict(limits.succeeded(access.linked.id, scope, institution_id)))


def _query(call: Call) -> Mapping[str, str]:
    return call.request.query_params


def _paged(call: Call, everything: list[dict[str, object]]) -> dict[str, object]:
    """One page of a list by `limit` and `offset`, with the addresses of the pages around it."""
    query = _query(call)
    limit, offset = _figure(query, "limit", _LONGEST_PAGE), _figure(query, "offset", 0)

    def address(start: int) -> str:
        return str(call.request.url.include_query_params(limit=limit, offset=start))

    return {
        "count": len(everything),
        "next": address(offset + limit) if offset + limit < len(everything) else None,
        "previous": address(max(0, offset - limit)) if offset else None,
        "results": everything[offset : offset + limit],
    }


def _figure(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return min(int(text), 10_000) if text.isdecimal() else default
