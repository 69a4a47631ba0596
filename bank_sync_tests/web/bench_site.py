"""Services over the embedded database of a fresh folder, for programs that measure."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import ASGIApp

from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.web.app import create_app
from bank_sync.web.bounds import BOUNDS, Bound
from bank_sync.web.webhooks import Receiver

SECRET = "a-secret-of-teller-1"


@contextmanager
def local_site() -> Iterator[tuple[Services, Callable[[Receiver], ASGIApp]]]:
    """Services, and the application around a receiver; its rates are out of the way."""
    bounds = [Bound(one.prefix, one.bytes_most, one.body_s, one.answer_s, 10**9) for one in BOUNDS]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = load_settings(
            home=home, environment="sandbox", database_url=None, teller_webhook_secrets=SECRET
        )
        migrate(locate(settings))
        try:
            with open_services(settings) as services:
                yield services, lambda receiver: create_app(services, bounds=bounds, receiver=receiver)
        finally:
            embedded.erase(home)
