"""The web side over real HTTP, beside the real sandbox and a real database."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.web.app import create_app
from bank_sync.web.serving import listening, served
from bank_sync_tests.conftest import Clock
from bank_sync_tests.web.people import close_browsers


@pytest.fixture
def settings(settings: Settings, sandbox: RunningSandbox) -> Settings:
    """The usual settings, with the secrets that the pretend Teller signs with."""
    found = httpx.post(f"{sandbox.url}/_sandbox/webhooks/teller/look").json()["secrets"]
    key = httpx.get(f"{sandbox.url}/teller/connect/signing_key").json()["token_signing_key"]
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    return load_settings(
        **{name: getattr(settings, name) for name in settings.model_fields_set},
        teller_webhook_secrets=",".join(found),
        teller_signing_keys=key,
        public_url=f"http://127.0.0.1:{port}",
    )


@pytest.fixture
def services(settings: Settings, clock: Clock) -> Iterator[Services]:
    """What the library functions take, over the fresh database and the sandbox."""
    with open_services(settings, clock=clock) as opened:
        yield opened


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Browsers opened by a test are closed with it."""
    yield
    close_browsers()


@pytest.fixture
def site(services: Services) -> Iterator[str]:
    """The web side on a port of this machine; its address."""
    port = urlsplit(services.settings.public_url).port or 0
    with served(create_app(services), port=port) as url:
        yield url
