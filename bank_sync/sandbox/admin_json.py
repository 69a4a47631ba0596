"""How every admin path reads what it is sent and says no. Not here: the paths."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


async def json_body(request: Request) -> Mapping[str, Any]:
    """The JSON object sent, empty if it is anything else."""
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def refusal(status: int, sentence: str) -> Response:
    """What is wrong, in a sentence."""
    return JSONResponse({"error": sentence}, status)
