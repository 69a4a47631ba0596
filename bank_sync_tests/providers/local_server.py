"""A server on this machine that answers by script, as badly as wanted.

Belongs here: sockets. Does not belong here: any provider's protocol.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TLS_HANDSHAKE = b"\x16"

Script = Callable[[socket.socket], None]


class Server:
    """Answers each connection with the next script, and keeps what it was sent."""

    def __init__(self, scripts: list[Script]) -> None:
        self.requests: list[bytes] = []
        self._scripts = scripts
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def start(self) -> None:
        """Serve the scripts, one connection each."""
        self._thread.start()

    def stop(self) -> None:
        """Close; scripts that were not asked for are forgotten."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self.requests.append(_request(connection))
                try:
                    script(connection)
                except OSError:
                    continue


@contextmanager
def serving(*scripts: Script) -> Iterator[Server]:
    """A server on this machine for as long as the block lasts."""
    server = Server(list(scripts))
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answer(body: str | bytes, status: str = "200 OK", *headers: str) -> Script:
    """One whole answer."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)


def _request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        received += chunk
        if not chunk or received.startswith(_TLS_HANDSHAKE):
            break
    return received
