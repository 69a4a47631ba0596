"""Wrong settings end in one sentence that names them and never shows their value."""

from __future__ import annotations

import pytest

from bank_sync.domain.errors import SettingsError
from bank_sync.security.cipher import new_key_entry
from bank_sync.settings import load_settings
from bank_sync.storage.database import PSYCOPG, PSYCOPG2, database_url
from bank_sync.storage.locations import locate

SERVER = "postgresql://owner:canary@db.example/warehouse"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"environment": "canary"}, "BANK_SYNC_ENVIRONMENT"),
        ({"environment": "production", "database_url": SERVER}, "BANK_SYNC_ENCRYPTION_KEYS"),
        ({"environment": "production", "encryption_keys": new_key_entry("k1")}, "BANK_SYNC_DATABASE_URL"),
        (
            {
                "environment": "production",
                "encryption_keys": new_key_entry("k1"),
                "database_url": SERVER,
                "sandbox_url": "http://canary",
            },
            "BANK_SYNC_SANDBOX_URL",
        ),
        ({"plaid_client_id": "canary"}, "BANK_SYNC_PLAID_SECRET"),
        ({"gocardless_secret_key": "canary"}, "BANK_SYNC_GOCARDLESS_SECRET_ID"),
        ({"teller_certificate": "/canary"}, "BANK_SYNC_TELLER_PRIVATE_KEY"),
    ],
)
def test_refused(given: dict[str, str], named: str) -> None:
    """The setting is named, its value is not."""
    with pytest.raises(SettingsError) as refusal:
        load_settings(**given)
    assert named in str(refusal.value)
    assert "canary" not in str(refusal.value)


def test_one_setting_places_both_databases() -> None:
    """Each library gets the driver it works with; no bare postgresql:// is left."""
    found = locate(load_settings(database_url=SERVER, environment="sandbox"))
    assert (found.warehouse.drivername, found.dagster.drivername) == (PSYCOPG, PSYCOPG2)
    assert (found.warehouse.database, found.dagster.database) == ("warehouse", "dagster")
    assert not found.embedded


@pytest.mark.parametrize("text", ["mysql://canary@host/name", "not a url", "postgresql//canary"])
def test_not_a_postgresql_url(text: str) -> None:
    """Another scheme is refused before anything connects."""
    with pytest.raises(SettingsError) as refusal:
        database_url(text)
    assert "canary" not in str(refusal.value)


def test_handing_settings_to_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment made from settings gives the same settings again."""
    given = load_settings(
        database_url=SERVER, plaid_client_id="id", plaid_secret="secret", environment="sandbox"
    )
    for name, value in given.as_environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == given
