"""Running the sandbox: in the foreground until interrupted, or beside a test or a demo.

Here: sockets and threads. Not here: the application (`app`).
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from bank_sync.sandbox.app import create_app
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.teller.certificates import Certificates, write_certificates
from bank_sync.sandbox.teller.routes import CERTIFICATE_SHOWN

_WAITING_CONNECTIONS = 128
_START_TIMEOUT_S = 10.0  # a bound, not a wait: the server says itself when it is up


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers; `url` has no final slash, the others are what clients are given.

    `tls_url` is the same sandbox over TLS, with the certificates that go with it, if it was asked for.
    """

    url: str
    tls_url: str | None = None
    certificates: Certificates | None = None

    @property
    def plaid_url(self) -> str:
        """Base address for a Plaid client."""
        return f"{self.url}/plaid"

    @property
    def teller_url(self) -> str:
        """Base address for a Teller client."""
        return f"{self.url}/teller"

    @property
    def gocardless_url(self) -> str:
        """Base address for a GoCardless Bank Account Data client."""
        return f"{self.url}/gocardless/api/v2"


class _Server(uvicorn.Server):
    """A server that says when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


def run(host: str = "127.0.0.1", port: int = 0, config: SandboxConfig | None = None) -> None:
    """Serve until interrupted; port 0 takes a free one. Prints the address once it is taken.

    Raises:
        OSError: The address cannot be had, because another program holds it for instance.
    """
    listening = _listen(host, port)
    print(f"Pretend banks at {_url(host, listening)} (Ctrl+C to stop)", flush=True)
    server = uvicorn.Server(_uvicorn_config(create_app(config or SandboxConfig())))
    try:
        server.run([listening])
    except KeyboardInterrupt:
        return
    finally:
        listening.close()


@contextmanager
def running_sandbox(
    config: SandboxConfig | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], datetime] | None = None,
    tls_folder: Path | None = None,
) -> Iterator[RunningSandbox]:
    """A sandbox in a thread of its own, gone when the block ends, whatever connections clients still hold.

    With a `tls_folder` it listens a second time, over TLS, and puts its certificates there.

    Raises:
        RuntimeError: The server did not come up.
    """
    config = config or SandboxConfig()
    app = create_app(config, clock)
    certificates = write_certificates(tls_folder, config.seed) if tls_folder else None
    with ExitStack() as stack:
        url = stack.enter_context(_serving(_uvicorn_config(app), host, port))
        tls_url = None
        if certificates is not None:
            secured = _uvicorn_config(_showing_certificates(app), certificates)
            tls_url = stack.enter_context(_serving(secured, host, 0)).replace("http:", "https:", 1)
        yield RunningSandbox(url, tls_url, certificates)


@contextmanager
def _serving(config: uvicorn.Config, host: str, port: int) -> Iterator[str]:
    """One listener in a thread; gives its address."""
    listening = _listen(host, port)
    server = _Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), name="sandbox", daemon=True)
    thread.start()
    try:
        if not server.is_up.wait(_START_TIMEOUT_S):
            raise RuntimeError("the sandbox did not start; look at the log above for the reason")
        yield _url(host, listening)
    finally:
        server.should_exit = True
        thread.join(_START_TIMEOUT_S)
        listening.close()


def _showing_certificates(app: ASGIApp) -> ASGIApp:
    """The application, told in the scope whether the caller showed a client certificate."""

    async def told(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":  # ASGI has no word for it, so the server's transport is asked
            transport = send.__self__.transport  # type: ignore[attr-defined] # uvicorn's cycle
            scope[CERTIFICATE_SHOWN] = bool(transport.get_extra_info("peercert"))
        await app(scope, receive, send)

    return told


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    listening.listen(_WAITING_CONNECTIONS)
    return listening


def _url(host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}"


def _uvicorn_config(app: ASGIApp, certificates: Certificates | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
        ssl_certfile=certificates.server if certificates else None,
        ssl_keyfile=certificates.server_key if certificates else None,
        ssl_ca_certs=str(certificates.authority) if certificates else None,
        ssl_cert_reqs=ssl.CERT_OPTIONAL,  # whoever shows none is refused in Teller's own words
    )
