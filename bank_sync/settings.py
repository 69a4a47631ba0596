"""Every setting, typed, with its reason.

Belongs here: what may differ between installations. Values come from the environment (`BANK_SYNC_…`) and, for
convenience on a workstation, from a `.env` file in the working directory. Secrets are never printed.
Does not belong here: constants of the business and anything that opens a connection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bank_sync.domain.errors import SettingsError
from bank_sync.security.cipher import Cipher, keyring_file, parse_keyring

_SHORTEST_SECRET = 16
_MOST_SECRETS = 2  # two while one is being changed

_CHECKOUT = Path(__file__).resolve().parent.parent

SANDBOX_PORT = 8765
"""Where `bank-sync sandbox` listens unless told otherwise."""

WEB_PORT = 8000
"""Where `bank-sync serve` listens unless told otherwise."""


def project_root() -> Path:
    """The checkout this package is run from, or the working directory when it is installed as a wheel."""
    return _CHECKOUT if (_CHECKOUT / "workspace.yaml").is_file() else Path.cwd()


class Settings(BaseSettings):
    """All settings. Build with `load_settings`, which turns mistakes into one helpful sentence."""

    model_config = SettingsConfigDict(
        env_prefix="BANK_SYNC_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    environment: Literal["sandbox", "production"] = Field(
        "sandbox",
        description="sandbox: providers without credentials are played by the pretend banks. "
        "production: nothing is pretended, the keyring and the database must be set.",
    )
    home: Path = Field(
        default_factory=lambda: project_root() / ".bank_sync",
        description="Local state: the embedded database, the keyring file, Dagster's compute logs.",
    )

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL server to use; unset starts an embedded one under the home folder."
    )
    dagster_database_url: SecretStr | None = Field(
        None,
        description="Database of Dagster itself; default: `dagster` on the same server.",
    )
    analyst_database_url: SecretStr | None = Field(
        None, description="URL of the read-only analyst role, shown by `bank-sync db url --role analyst`."
    )
    postgres_bindir: Path | None = Field(
        None,
        description="Folder with initdb and postgres for the embedded server, not those of the wheel.",
    )

    encryption_keys: SecretStr | None = Field(
        None,
        description="Keyring that seals provider credentials: id:base64key[,…], first seals, all open. "
        "Unset outside production: a 0600 file in the home folder, made on first use.",
    )

    sandbox_url: str = Field(
        f"http://127.0.0.1:{SANDBOX_PORT}", description="Where the pretend banks listen (not in production)."
    )
    plaid_client_id: str | None = Field(None, description="Plaid client id, set with the secret.")
    plaid_secret: SecretStr | None = Field(None, description="Plaid secret of the chosen Plaid environment.")
    plaid_environment: Literal["sandbox", "production"] = Field("production", description="Plaid's host.")
    teller_application_id: str | None = Field(None, description="Teller application id; set to use Teller.")
    teller_certificate: Path | None = Field(None, description="Teller client certificate (PEM).")
    teller_private_key: Path | None = Field(None, description="Key of the Teller certificate, mode 0600.")
    gocardless_secret_id: str | None = Field(None, description="GoCardless secret id; set to use GoCardless.")
    gocardless_secret_key: SecretStr | None = Field(None, description="GoCardless secret key.")

    teller_webhook_secrets: SecretStr | None = Field(
        None, description="Signing secrets of Teller's webhooks, up to two with a comma; unset refuses all."
    )
    teller_signing_keys: str | None = Field(
        None, description="Token signing keys of Teller Connect, with a comma between; unset checks none."
    )

    public_url: str = Field(
        f"http://127.0.0.1:{WEB_PORT}",
        description="Where browsers and providers reach `bank-sync serve`; https in production.",
    )

    plaid_requests_per_minute: int = Field(
        200, ge=1, description="Requests to Plaid in any minute, over all processes that share the database."
    )
    teller_requests_per_minute: int = Field(100, ge=1, description="The same for Teller.")
    gocardless_requests_per_minute: int = Field(
        50,
        ge=1,
        description="The same for GoCardless. The pretend banks are not slowed down unless one is set.",
    )
    gocardless_calls_per_day: int = Field(
        4,
        ge=0,
        description="Good answers GoCardless gives a day for each account and scope; one is kept for a "
        "person who asks. 0 keeps no count.",
    )
    plaid_token_days: int = Field(
        30,
        ge=1,
        description="Days a Plaid login is believed; it is checked when four fifths are gone.",
    )
    teller_token_days: int = Field(90, ge=1, description="The same for Teller.")
    gocardless_token_days: int = Field(
        30,
        ge=1,
        description="The same for a GoCardless consent; the app token is renewed daily.",
    )
    raw_pages_days: int = Field(
        730,
        ge=0,
        description="Days raw pages are kept once the ledger holds them; 0 keeps them for ever. "
        "A connection whose pages are gone can no longer be replayed.",
    )
    dagster_events_days: int = Field(
        30, ge=1, description="Days Dagster's runs and events are kept beyond each partition's latest status."
    )
    refresh_workers: int = Field(
        4,
        ge=1,
        le=32,
        description="Connections of each provider that a batch syncs at a time. Waiting for a provider costs "
        "no time of the machine; four keep the nominal minute budgets busy.",
    )
    refresh_shards: int = Field(
        1,
        ge=1,
        le=64,
        description="Batches of due connections that may run at a time, each a process; `dagster.yaml` "
        "limits them too (bank_sync/kind: refresh).",
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis that holds the minute budgets; unset keeps them in PostgreSQL."
    )

    client_name: str = Field("bank_sync", max_length=30, description="Name people see in Plaid Link.")

    @model_validator(mode="after")
    def _production_pretends_nothing(self) -> Settings:
        if self.environment != "production":
            return self
        if self.encryption_keys is None:
            raise ValueError(
                "BANK_SYNC_ENCRYPTION_KEYS must be set in production; make one with `bank-sync keyring new`"
            )
        if self.database_url is None:
            raise ValueError("BANK_SYNC_DATABASE_URL must be set in production")
        if "sandbox_url" in self.model_fields_set:
            raise ValueError("BANK_SYNC_SANDBOX_URL must not be set in production")
        if "public_url" in self.model_fields_set and not self.public_url.startswith("https://"):
            raise ValueError("BANK_SYNC_PUBLIC_URL must begin with https:// in production")
        return self

    @model_validator(mode="after")
    def _webhook_secrets_are_secrets(self) -> Settings:
        secrets = self.teller_webhook_secret_list()
        if any(len(secret) < _SHORTEST_SECRET for secret in secrets) or len(secrets) > _MOST_SECRETS:
            raise ValueError("BANK_SYNC_TELLER_WEBHOOK_SECRETS holds one or two secrets as Teller shows them")
        return self

    @model_validator(mode="after")
    def _credentials_come_in_pairs(self) -> Settings:
        pairs = (
            ("BANK_SYNC_PLAID_CLIENT_ID", self.plaid_client_id, "BANK_SYNC_PLAID_SECRET", self.plaid_secret),
            (
                "BANK_SYNC_GOCARDLESS_SECRET_ID",
                self.gocardless_secret_id,
                "BANK_SYNC_GOCARDLESS_SECRET_KEY",
                self.gocardless_secret_key,
            ),
            (
                "BANK_SYNC_TELLER_CERTIFICATE",
                self.teller_certificate,
                "BANK_SYNC_TELLER_PRIVATE_KEY",
                self.teller_private_key,
            ),
        )
        for first, first_value, second, second_value in pairs:
            if (first_value is None) != (second_value is None):
                raise ValueError(f"{first} and {second} must be set together")
        return self

    def as_environment(self) -> dict[str, str]:
        """Variables that give another process (or `load_settings`) these very settings."""
        values: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None and (name in self.model_fields_set or name == "home"):
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                values[f"BANK_SYNC_{name.upper()}"] = text
        return values

    def teller_webhook_secret_list(self) -> list[str]:
        """The live signing secrets, none of them empty."""
        told = self.teller_webhook_secrets.get_secret_value() if self.teller_webhook_secrets else ""
        return [secret.strip() for secret in told.split(",") if secret.strip()]

    def cipher(self) -> Cipher:
        """The cipher for provider credentials.

        Raises:
            SettingsError: a malformed keyring.
        """
        if self.encryption_keys is not None:
            return parse_keyring(self.encryption_keys.get_secret_value())
        return parse_keyring(keyring_file(self.home / "keyring"))


def load_settings(**overrides: object) -> Settings:
    """The settings of this process; `overrides` win over the environment.

    Raises:
        SettingsError: naming the wrong setting and what is expected, never its value.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates what it is given
    except ValidationError as error:
        raise SettingsError(_first_mistake(error)) from None


def _first_mistake(error: ValidationError) -> str:
    mistake = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in mistake["loc"])
    text = mistake["msg"].removeprefix("Value error, ")
    return f"BANK_SYNC_{where.upper()}: {text}." if where else f"{text}."
