"""The web side over real HTTP, beside the real sandbox and a real database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings
from bank_sync.web.app import create_app
from bank_sync.web.serving import served
from bank_sync_tests.conftest import Clock


@pytest.fixture
def settings(settings: Settings, sandbox: RunningSandbox) -> Settings:
    """The usual settings, with the secrets that the pretend Teller signs with."""
    found = httpx.post(f"{sandbox.url}/_sandbox/webhooks/teller/look").json()["secrets"]
    return settings.model_copy(update={"teller_webhook_secrets": _secret(",".join(found))})


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)


@pytest.fixture
def services(settings: Settings, clock: Clock) -> Iterator[Services]:
    """What the library functions take, over the fresh database and the sandbox."""
    with open_services(settings, clock=clock) as opened:
        yield opened


@pytest.fixture
def site(services: Services) -> Iterator[str]:
    """The web side on a port of this machine; its address."""
    with served(create_app(services)) as url:
        yield url
