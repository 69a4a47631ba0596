"""Builds what a process needs from the settings: database, cipher, providers.

Belongs here: construction only, shared by orchestration and the command line. Does not belong here:
behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ssl import SSLContext

from sqlalchemy import Engine

from bank_sync.domain.errors import SettingsError
from bank_sync.providers.base import Provider
from bank_sync.providers.budget import Budget, Pace, opaque
from bank_sync.providers.gocardless import client as gocardless
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid import client as plaid
from bank_sync.providers.plaid.limits import REQUESTS_PER_MINUTE_BY_PATH
from bank_sync.providers.teller import client as teller
from bank_sync.providers.teller.certificate import client_certificate
from bank_sync.security.cipher import Cipher
from bank_sync.settings import Settings
from bank_sync.storage.account_details import AccountDetails
from bank_sync.storage.application_tokens import ApplicationTokens
from bank_sync.storage.budgets import PostgresBudget
from bank_sync.storage.database import make_engine, side_engine
from bank_sync.storage.locations import Locations, locate
from bank_sync.storage.quota import QuotaLedger

Clock = Callable[[], datetime]

_PRETEND = "sandbox"  # the sandbox takes any client id and secret

_PATIENCE_S = 5.0  # a longer wait for a minute budget belongs to the schedule, not to a run of one connection
_PATIENCE_OF_MANY_S = 60.0  # among many workers waiting is the work: each waits for all before it


def utc_now() -> datetime:
    """The clock of a real process: aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Services:
    """What the library functions take as arguments, built once per process.

    `quota` counts the calls of a day; None when the settings want no count.
    """

    settings: Settings
    locations: Locations
    engine: Engine
    cipher: Cipher
    providers: Mapping[str, Provider]
    clock: Clock
    quota: QuotaLedger | None

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
def open_services(settings: Settings, *, clock: Clock = utc_now, workers: int = 1) -> Iterator[Services]:
    """Services for as long as the block runs; connections are closed at its end.

    `workers` is how many threads will use them at a time.

    Raises:
        SettingsError: a wrong setting.
        EmbeddedServerError: the embedded database does not start.
    """
    cipher = settings.cipher()
    locations = locate(settings)
    engine = make_engine(locations.warehouse, workers=workers)
    side = side_engine(locations.warehouse, workers=workers)
    quota = None
    if settings.gocardless_calls_per_day:
        quota = QuotaLedger(side, clock, settings.gocardless_calls_per_day)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        stack.callback(side.dispose)
        budget = _budget(settings, side, stack)
        patience_s = _PATIENCE_S if workers == 1 else _PATIENCE_OF_MANY_S
        makings = _Makings(settings, stack, side, budget, patience_s, cipher, clock, quota)
        found = (_plaid(makings), _teller(makings), _gocardless(makings))
        providers = {provider.name: provider for provider in found if provider is not None}
        yield Services(settings, locations, engine, cipher, providers, clock, quota)


@dataclass(frozen=True, slots=True)
class _Makings:
    """What the adapters are made of."""

    settings: Settings
    stack: ExitStack
    side: Engine
    budget: Budget
    patience_s: float
    cipher: Cipher
    clock: Clock
    quota: QuotaLedger | None

    @property
    def may_pretend(self) -> bool:
        """Outside production the sandbox plays the providers without credentials."""
        return self.settings.environment != "production"

    def http(
        self,
        provider: str,
        url: str,
        *,
        tls: SSLContext | None = None,
        per_item: Mapping[str, int] | None = None,
    ) -> ProviderHttp:
        """The client of one provider, held to its minute budget; pretend banks only where one is set."""
        setting = f"{provider}_requests_per_minute"
        pace = None
        if not url.startswith(self.settings.sandbox_url) or setting in self.settings.model_fields_set:
            per_minute = getattr(self.settings, setting)
            pace = Pace(provider, self.budget, per_minute, per_item=per_item, longest_wait_s=self.patience_s)
        return self.stack.enter_context(ProviderHttp(provider, url, tls=tls, pace=pace))


def _budget(settings: Settings, side: Engine, stack: ExitStack) -> Budget:
    """Where minute budgets are kept."""
    if settings.redis_url is None:
        return PostgresBudget(side)
    from bank_sync.storage.redis_budgets import RedisBudget

    redis = RedisBudget(settings.redis_url.get_secret_value())
    stack.callback(redis.close)
    return redis


def _plaid(makings: _Makings) -> Provider | None:
    settings = makings.settings
    if settings.plaid_client_id and settings.plaid_secret:
        url = plaid.SANDBOX_URL if settings.plaid_environment == "sandbox" else plaid.PRODUCTION_URL
        client_id, secret = settings.plaid_client_id, settings.plaid_secret.get_secret_value()
    elif makings.may_pretend:
        url, client_id, secret = f"{settings.sandbox_url}/plaid", _PRETEND, _PRETEND
    else:
        return None
    http = makings.http("plaid", url, per_item=REQUESTS_PER_MINUTE_BY_PATH)
    webhook_url = (
        f"{settings.public_url}/webhooks/plaid" if "public_url" in settings.model_fields_set else None
    )
    return plaid.PlaidProvider(http, client_id, secret, settings.client_name, webhook_url=webhook_url)


def _teller(makings: _Makings) -> Provider | None:
    settings = makings.settings
    keys = [key for key in (settings.teller_signing_keys or "").split(",") if key]
    if settings.teller_application_id:
        tls = None
        if settings.teller_certificate and settings.teller_private_key:
            tls = client_certificate(settings.teller_certificate, settings.teller_private_key)
        http = makings.http("teller", teller.PRODUCTION_URL, tls=tls)
        return teller.TellerProvider(http, settings.teller_application_id, signing_keys=keys)
    if not makings.may_pretend:
        return None
    pretend = makings.http("teller", f"{settings.sandbox_url}/teller")
    return teller.TellerProvider(pretend, _PRETEND, signing_keys=keys)


def _gocardless(makings: _Makings) -> Provider | None:
    settings = makings.settings
    if settings.gocardless_secret_id and settings.gocardless_secret_key:
        url, secret_id = gocardless.PRODUCTION_URL, settings.gocardless_secret_id
        secret_key = settings.gocardless_secret_key.get_secret_value()
    elif makings.may_pretend:
        url = f"{settings.sandbox_url}/gocardless/api/v2"
        secret_id = secret_key = _PRETEND
    else:
        return None
    token_key = f"gocardless:{opaque(url, secret_id)}"
    return gocardless.GoCardlessProvider(
        makings.http("gocardless", url),
        secret_id,
        secret_key,
        clock=makings.clock,
        quota=makings.quota,
        details=AccountDetails(makings.side, makings.clock),
        shelf=ApplicationTokens(makings.side, makings.cipher, "gocardless", token_key),
    )
