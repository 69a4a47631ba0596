"""The server below the application: uvicorn, with an end to headers that never end.

Belongs here: sockets. Does not belong here: bounds that need a request (`web.bounds`).
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_HEADERS_S = 10.0
_KEEP_ALIVE_S = 5
_MOST_HEADER_BYTES = 32_768
_MOST_CONNECTIONS = 2_000
_WAITING_CONNECTIONS = 1_024
_START_S = 10.0


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that waits so long for the headers of a request and no longer, whatever drips in.

    uvicorn has a time limit only between requests; an open socket that never sends one would stay for ever.
    """

    headers_s = _HEADERS_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own annotation
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Stop waiting once a request has begun."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._late = self.loop.call_later(self.headers_s, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def server_config(app: ASGIApp, protocol: type[H11Protocol] = PatientProtocol) -> uvicorn.Config:
    """One worker without access log: addresses hold ids of people's connections."""
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        limit_concurrency=_MOST_CONNECTIONS,
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        backlog=_WAITING_CONNECTIONS,
    )


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until interrupted."""
    with listening(host, port) as sock:
        uvicorn.Server(server_config(app)).run([sock])


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket; port 0 takes a free one.

    Raises:
        OSError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_WAITING_CONNECTIONS)
        yield sock


@contextmanager
def served(app: ASGIApp, *, port: int = 0, protocol: type[H11Protocol] = PatientProtocol) -> Iterator[str]:
    """The application on this machine, in a thread, as long as the block runs; its address."""
    with listening("127.0.0.1", port) as sock:
        server = _Server(server_config(app, protocol))
        thread = threading.Thread(target=server.run, args=([sock],), name="web", daemon=True)
        thread.start()
        try:
            if not server.is_up.wait(_START_S):
                raise RuntimeError("the server did not start; look at the log above for the reason")
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_START_S)


class _Server(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()
