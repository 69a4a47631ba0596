"""The sandbox's own addresses, and adding to the query of somebody else's."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request


def own_url(request: Request) -> str:
    """The address the caller reached this protocol at, prefix included, without a final slash."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """The URL with these fields added to its query."""
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *fields.items()])
    return urlunsplit(parts._replace(query=query))
