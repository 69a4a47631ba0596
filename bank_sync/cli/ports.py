"""Asking for a port before a server does, so that the refusal is one sentence. Nothing else belongs here."""

from __future__ import annotations

import socket

from bank_sync.cli.errors import UsageMistake


def demand_free_port(host: str, port: int, *, option: str) -> None:
    """Return if a server could listen there now.

    Raises:
        UsageMistake: it could not; the sentence names the option that chooses another port.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # as servers do: connections that are still closing are no obstacle
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        raise UsageMistake(
            f"Port {port} of {host} cannot be had: another program listens there, or the address is not this "
            f"machine's. Choose another port with {option}."
        ) from None
