"""Which port a home's server listens on: picked at random once, then kept for as long as it stays free."""

import json
import random
import socket

from bank_sync.storage.embedded.errors import EmbeddedServerError
from bank_sync.storage.embedded.files import read_text, write_private
from bank_sync.storage.embedded.place import Place
from bank_sync.storage.embedded.server import HOST

# below the ports that systems hand to outgoing connections, so that a restart finds its own still free
_PORTS = range(15_433, 32_768)


def known_port(place: Place) -> int | None:
    """Return the port of the last complete start, or None."""
    try:
        return int(json.loads(read_text(place.state) or "")["port"])
    except (ValueError, KeyError, TypeError):
        return None


def remember_port(place: Place, port: int) -> None:
    """Record a complete start on `port`."""
    write_private(place.state, json.dumps({"port": port}) + "\n")


def free_port(preferred: int | None) -> int:
    """Return `preferred` if nobody listens there, else a random free port."""
    candidates = [] if preferred is None else [preferred]
    candidates += random.SystemRandom().sample(_PORTS, 100)
    for port in candidates:
        if _is_free(port):
            return port
    raise EmbeddedServerError(
        "A hundred local ports were all taken; free some, or set a database URL of your own."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as the server does: connections of its former life that are still closing are no obstacle
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
