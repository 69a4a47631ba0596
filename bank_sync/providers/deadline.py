"""One deadline over everything a call reads and writes.

Belongs here: the one thing httpx cannot do. Its timeouts start again with every read, so an answer whose
headers come byte by byte would hold a worker for ever. Does not belong here: how long a call may take
(`providers.http`).
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

_LEAST_S = 0.001  # zero would mean "do not block" to a socket


class Deadline(threading.local):
    """When the call of this thread ends; None between calls."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.ends_at: float | None = None
        self._monotonic = monotonic

    def shorten(self, timeout_s: float | None) -> float | None:
        """A timeout that ends no later than the call.

        Raises:
            httpcore.ReadTimeout: the call has ended.
        """
        if self.ends_at is None:
            return timeout_s
        left_s = self.ends_at - self._monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout
        return max(_LEAST_S, left_s if timeout_s is None else min(timeout_s, left_s))


def hold_to(client: httpx.Client, deadline: Deadline) -> None:
    """Have all connections of a client end with the deadline.

    httpx has no door for this, httpcore below it has: the pools get another way to open connections before
    the first one is open. A test fails if a new version of httpx moves them.
    """
    transports = (client._transport, *client._mounts.values())  # noqa: SLF001 - see above
    for transport in transports:
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool  # noqa: SLF001 - see above
            pool._network_backend = _Backend(pool._network_backend, deadline)  # noqa: SLF001 - see above


class _Backend(httpcore.NetworkBackend):
    """Opens connections that know the deadline."""

    def __init__(self, inner: httpcore.NetworkBackend, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.shorten(timeout)
        stream = self._inner.connect_tcp(host, port, left_s, local_address, socket_options)
        return _Stream(stream, self._deadline)


class _Stream(httpcore.NetworkStream):
    """A connection whose every wait ends with the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.shorten(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.shorten(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left_s = self._deadline.shorten(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left_s), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
