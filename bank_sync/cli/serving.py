"""`bank-sync serve` and `bank-sync connect`: the web side, and an address for a person."""

from __future__ import annotations

from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.cli.ports import demand_free_port
from bank_sync.domain.errors import SettingsError
from bank_sync.settings import WEB_PORT
from bank_sync.storage.connections import ensure_user
from bank_sync.storage.database import transaction
from bank_sync.storage.web_sessions import LINK_GOOD_FOR, new_session_link

_LOOPBACK = "127.0.0.1"


def serve(
    port: Annotated[int, typer.Option(help="Where it listens.")] = WEB_PORT,
    host: Annotated[str, typer.Option(help="Loopback unless told otherwise.")] = _LOOPBACK,
) -> None:
    """Serve the API, the Connect and Connections pages, and the providers' webhooks, until Ctrl-C.

    In production BANK_SYNC_PUBLIC_URL must be the https address that browsers and providers use; TLS itself
    ends before this server.

    Example: `bank-sync serve --port 8000`
    """
    from bank_sync.web.app import create_app
    from bank_sync.web.serving import serve as run

    demand_free_port(host, port, option="--port")
    with ready_services() as services:
        settings = services.settings
        if settings.environment == "production" and not settings.public_url.startswith("https://"):
            raise SettingsError(
                "BANK_SYNC_PUBLIC_URL must be set in production: the https address of this server."
            )
        terminal.out.print(f"bank_sync at {settings.public_url} (Ctrl-C to stop)", highlight=False)
        run(create_app(services), host, port)


def connect(
    person: Annotated[str, typer.Option(help="Your reference of the person.")] = "me",
    page: Annotated[str, typer.Option(help="connect or connections.")] = "connect",
) -> None:
    """Print an address that opens the web side for a person, once, within ten minutes.

    Example: `bank-sync connect --person alice`
    """
    if page not in ("connect", "connections"):
        raise typer.BadParameter("Say connect or connections.", param_hint="--page")
    with ready_services() as services, transaction(services.engine) as db:
        user_id = ensure_user(db, person, now=services.clock())
        word, _ = new_session_link(db, user_id, page, now=services.clock())
        address = f"{services.settings.public_url}/open/{word}"
    print(address)
    minutes = int(LINK_GOOD_FOR.total_seconds() // 60)
    terminal.err.print(f"Open it once, within {minutes} minutes, while `bank-sync serve` runs.")
