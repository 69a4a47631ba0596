"""Answers that are the same everywhere: a code for programs, a sentence for people, nothing of anybody's.

Belongs here: the shape of an error. Does not belong here: pages (`web.pages`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Send

RETRY_AFTER_S = 30
"""How long a sender should wait when it is us who cannot."""


def error_body(code: str, message: str, **details: object) -> dict[str, object]:
    """`{"error": {"code", "message", …}}`."""
    return {"error": {"code": code, "message": message, **details}}


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as JSON."""
    return JSONResponse(error_body(code, message), status, headers=dict(headers or {}))


def unavailable(message: str = "Not possible just now. Try again in a moment.") -> Response:
    """503: nothing was stored and nothing is lost if it is sent again."""
    return error(503, "unavailable", message, {"Retry-After": str(RETRY_AFTER_S)})


async def refuse(send: Send, status: int, code: str, message: str, **headers: str) -> None:
    """Answer from outside the application and close the connection: the rest of the request is not read."""
    body = json.dumps(error_body(code, message)).encode()
    fields = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
