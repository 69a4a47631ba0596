"""Counting what a process does to the database and to the network, and dying before one of those steps.

Between two steps a process touches nothing but its own memory, so dying right after one is dying right before
the next: every point is met once.

Belongs here: the hooks, as low as they go (psycopg, the HTTP transport), so that no call slips past them.
Does not belong here: what the process does in between.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
from psycopg.pq import TransactionStatus

_VERB = re.compile(r"\s*([A-Za-z]+)")
_TABLE = re.compile(r"\b(?:INTO|UPDATE|FROM|TRUNCATE|TABLE)\s+(?:IF NOT EXISTS\s+)?([a-z_.]{3,})")
_IDS = re.compile(r"[0-9A-Za-z_-]*\d[0-9A-Za-z_-]{7,}")

Died = Callable[[int, str], None]


class Steps:
    """Numbers the steps of this process; at number `die_at` it tells so and is killed like by a power cut."""

    def __init__(self, die_at: int | None, died: Died) -> None:
        self.kinds: list[str] = []
        self._die_at = die_at
        self._died = died

    def __call__(self, kind: str) -> None:
        """One step is about to happen."""
        self.kinds.append(kind)
        if len(self.kinds) == self._die_at:
            self._died(len(self.kinds), kind)
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """Hook psycopg and httpx for the rest of this process's life."""
        _watch_statements(self)
        _watch_transactions(self)
        _watch_copies(self)
        _watch_http(self)


def _named(query: object) -> str:
    """Verb and first table of a statement: enough to tell steps apart."""
    statement = str(query)
    verb, table = _VERB.match(statement), _TABLE.search(statement)
    if verb is None:
        return "PING"
    return f"{verb[1].upper()} {table[1]}" if table else verb[1].upper()


def _around(owner: Any, name: str, step: Steps, kind: Callable[..., str | None]) -> None:
    """Replace a method by one that steps before it; kind None means that nothing happens there."""
    original = getattr(owner, name)

    def stepping(self: Any, *args: Any, **options: Any) -> Any:
        named = kind(self, *args)
        if named is not None:
            step(named)
        return original(self, *args, **options)

    setattr(owner, name, stepping)


def _watch_statements(step: Steps) -> None:
    for name in ("execute", "executemany"):
        _around(psycopg.Cursor, name, step, lambda _, query, *__: _named(query))


def _watch_transactions(step: Steps) -> None:
    """Ending a transaction that was never begun is no step."""

    def ends(word: str) -> Callable[..., str | None]:
        def kind(connection: psycopg.Connection[Any]) -> str | None:
            idle = connection.info.transaction_status == TransactionStatus.IDLE
            return None if idle else word

        return kind

    _around(psycopg.Connection, "commit", step, ends("COMMIT"))
    _around(psycopg.Connection, "rollback", step, ends("ROLLBACK"))


def _watch_copies(step: Steps) -> None:
    original = psycopg.Cursor.copy

    @contextmanager
    def copy(
        self: psycopg.Cursor[Any],
        statement: Any,
        *args: Any,
        **options: Any,
    ) -> Iterator[Any]:
        step("COPY opens")
        with original(self, statement, *args, **options) as stream:
            yield stream
            step("COPY closes")

    psycopg.Cursor.copy = copy  # type: ignore[method-assign]  # counted from here on
    _around(psycopg.Copy, "write_row", step, lambda *_: "COPY row")


class _Counted(httpx.SyncByteStream):
    """A body that steps once it has been read."""

    def __init__(self, stream: httpx.SyncByteStream, step: Steps, kind: str) -> None:
        self._stream = stream
        self._step = step
        self._kind = kind

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        self._step(f"{self._kind} was read")

    def close(self) -> None:
        """Close what is counted."""
        self._stream.close()


def _watch_http(step: Steps) -> None:
    original = httpx.HTTPTransport.handle_request

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        kind = f"{request.method} {_IDS.sub('…', request.url.path)}"
        step(kind)
        response = original(self, request)
        step(f"{kind} reads on")
        stream = response.stream
        if isinstance(stream, httpx.SyncByteStream):
            response.stream = _Counted(stream, step, kind)
        return response

    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]  # counted from here on
