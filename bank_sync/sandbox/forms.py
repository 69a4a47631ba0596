"""Reading what an HTML form sent, without a library for uploads nobody makes here."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a URL-encoded form; of a field sent twice the last value."""
    body = (await request.body()).decode("utf-8", "replace")
    return dict(parse_qsl(body, keep_blank_values=True))
