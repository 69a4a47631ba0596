"""Builds what a process needs from the settings: database, cipher, providers.

Belongs here: construction only, shared by orchestration and the command line. Does not belong here:
behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from bank_sync.domain.errors import SettingsError
from bank_sync.providers.base import Provider
from bank_sync.providers.gocardless import client as gocardless
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid import client as plaid
from bank_sync.providers.teller import client as teller
from bank_sync.providers.teller.certificate import client_certificate
from bank_sync.security.cipher import Cipher
from bank_sync.settings import Settings
from bank_sync.storage.database import make_engine
from bank_sync.storage.locations import Locations, locate

Clock = Callable[[], datetime]

_PRETEND = "sandbox"  # the sandbox takes any client id and secret


def utc_now() -> datetime:
    """The clock of a real process: aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """What the library functions take as arguments, built once per process."""

    settings: Settings
    locations: Locations
    engine: Engine
    cipher: Cipher
    providers: Mapping[str, Provider]
    clock: Clock

    def provider(self, name: str) -> Provider:
        """The adapter of one provider.

        Raises:
            SettingsError: no credentials are set for it.
        """
        if name not in self.providers:
            raise SettingsError(
                f"The provider {name!r} is not configured. Set its credentials (README, "
                "'Use your own provider credentials')."
            )
        return self.providers[name]


@contextmanager
def open_services(settings: Settings, *, clock: Clock = utc_now) -> Iterator[Services]:
    """Services for as long as the block runs; connections are closed at its end.

    Raises:
        SettingsError: a wrong setting.
        EmbeddedServerError: the embedded database does not start.
    """
    cipher = settings.cipher()
    locations = locate(settings)
    engine = make_engine(locations.warehouse)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        providers = _providers(settings, stack, clock)
        yield Services(settings, locations, engine, cipher, providers, clock)


def _providers(settings: Settings, stack: ExitStack, clock: Clock) -> dict[str, Provider]:
    """Adapters of the providers with credentials; outside production the sandbox plays the others."""
    found = (_plaid(settings, stack), _teller(settings, stack), _gocardless(settings, stack, clock))
    return {provider.name: provider for provider in found if provider is not None}


def _pretended(settings: Settings) -> bool:
    return settings.environment != "production"


def _plaid(settings: Settings, stack: ExitStack) -> Provider | None:
    if settings.plaid_client_id and settings.plaid_secret:
        url = plaid.SANDBOX_URL if settings.plaid_environment == "sandbox" else plaid.PRODUCTION_URL
        client_id, secret = settings.plaid_client_id, settings.plaid_secret.get_secret_value()
    elif _pretended(settings):
        url, client_id, secret = f"{settings.sandbox_url}/plaid", _PRETEND, _PRETEND
    else:
        return None
    http = stack.enter_context(ProviderHttp("plaid", url))
    return plaid.PlaidProvider(http, client_id, secret, settings.client_name)


def _teller(settings: Settings, stack: ExitStack) -> Provider | None:
    if settings.teller_application_id:
        tls = None
        if settings.teller_certificate and settings.teller_private_key:
            tls = client_certificate(settings.teller_certificate, settings.teller_private_key)
        http = stack.enter_context(ProviderHttp("teller", teller.PRODUCTION_URL, tls=tls))
        return teller.TellerProvider(http, settings.teller_application_id)
    if not _pretended(settings):
        return None
    http = stack.enter_context(ProviderHttp("teller", f"{settings.sandbox_url}/teller"))
    return teller.TellerProvider(http, _PRETEND)


def _gocardless(settings: Settings, stack: ExitStack, clock: Clock) -> Provider | None:
    if settings.gocardless_secret_id and settings.gocardless_secret_key:
        url, secret_id = gocardless.PRODUCTION_URL, settings.gocardless_secret_id
        secret_key = settings.gocardless_secret_key.get_secret_value()
    elif _pretended(settings):
        url = f"{settings.sandbox_url}/gocardless/api/v2"
        secret_id = secret_key = _PRETEND
    else:
        return None
    http = stack.enter_context(ProviderHttp("gocardless", url))
    return gocardless.GoCardlessProvider(http, secret_id, secret_key, clock=clock)
