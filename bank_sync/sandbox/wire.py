"""One request and one answer as they go over the wire, whole and unparsed.

Here: what the layers around the protocols look at. Not here: anything that knows a provider's fields.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope

PROVIDERS = ("plaid", "teller", "gocardless")
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, its body read to the end."""

    method: str
    path: str
    query: str
    body: bytes

    @property
    def provider(self) -> str:
        """Whom it was sent to: plaid, teller, gocardless, or something else for the sandbox's own paths."""
        return self.path.split("/", 2)[1]

    @property
    def is_sync(self) -> bool:
        """Whether it asks Plaid for changes."""
        return self.path == "/plaid/transactions/sync"

    @property
    def is_teller_page(self) -> bool:
        """Whether it asks Teller for a page of rows of a chosen size."""
        asks = self.provider == "teller" and self.path.endswith("/transactions")
        return asks and "count" in self.parameters()

    def fields(self) -> Mapping[str, object]:
        """The JSON object in the body; empty if there is none."""
        try:
            values = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}

    def parameters(self) -> dict[str, str]:
        """The fields of the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole."""

    status: int
    headers: Headers
    body: bytes

    def saying(self, body: bytes) -> "Answer":
        """The same answer with another body."""
        return replace(self, body=body, headers=with_headers(self.headers, length=len(body)))

    def value(self) -> object:
        """The JSON in the body, None if there is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def is_good(self) -> bool:
        """Whether the request was granted."""
        return self.status < 400  # noqa: PLR2004 - where HTTP's refusals begin


def json_answer(status: int, value: object, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """A JSON answer."""
    return text_answer(status, encoded(value), "application/json", headers)


def text_answer(status: int, body: bytes, media_type: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """An answer of any media type."""
    extra = tuple((name.encode(), value.encode()) for name, value in headers)
    return Answer(
        status, with_headers(((b"content-type", media_type.encode()), *extra), length=len(body)), body
    )


def encoded(value: object) -> bytes:
    """The value as the providers write JSON: without spaces, letters of all scripts as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def with_headers(headers: Headers, *, length: int) -> Headers:
    """The headers with that content length in place of any other."""
    kept = tuple(each for each in headers if each[0].lower() != b"content-length")
    return (*kept, (b"content-length", str(length).encode()))


async def read(scope: Scope, receive: Receive) -> Sent:
    """The whole request."""
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return Sent(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), b"".join(chunks))


async def ask(app: ASGIApp, scope: Scope, sent: Sent) -> Answer:
    """What the application answers, kept back from the caller."""
    starts: list[Message] = []
    chunks: list[bytes] = []

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            starts.append(message)
        else:
            chunks.append(message.get("body", b""))

    changed = {**scope, "query_string": sent.query.encode("latin-1"), "headers": _headers_of(scope, sent)}
    await app(changed, replay(sent.body), keep)
    body = b"".join(chunks)
    headers = tuple((bytes(name), bytes(value)) for name, value in starts[0].get("headers", ()))
    return Answer(starts[0]["status"], headers, body)


def replay(body: bytes) -> Receive:
    """A `receive` that gives a body already read."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _headers_of(scope: Scope, sent: Sent) -> list[tuple[bytes, bytes]]:
    kept = [each for each in scope["headers"] if each[0] != b"content-length"]
    return [*kept, (b"content-length", str(len(sent.body)).encode())]
