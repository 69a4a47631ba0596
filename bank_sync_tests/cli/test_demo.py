"""The demo, three times, on an installation of its own: real PostgreSQL, real HTTP, real Dagster and dbt."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from bank_sync.cli.demo import run_demo
from bank_sync.domain.errors import SettingsError
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import running_sandbox
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.database import make_engine
from bank_sync.storage.locations import locate

pytestmark = [
    # notices of libraries to each other, which importing or using dagster-dbt sets off
    pytest.mark.filterwarnings("ignore:AssetExecutionContext:DeprecationWarning:dagster_dbt"),
    pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning"),
]

_LEDGER = ("bank.transactions", "bank.balances", "bank.transaction_categories", "bank.notifications")
_MARTS = (
    "analytics.fct_transactions",
    "analytics.fct_daily_balances",
    "analytics.fct_sync_attempts",
    "analytics.dim_accounts",
    "analytics.dim_connections",
)
_NOBODY_LISTENS = "http://127.0.0.1:9"  # the discard port: keeps the demo off a sandbox that happens to run


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """An installation that does not exist yet, where the server's account can reach it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bank_sync_demo_") as parent:
        Path(parent).chmod(0o755)
        home = Path(parent) / ".bank_sync"
        yield load_settings(home=home, database_url=None, environment="sandbox", sandbox_url=_NOBODY_LISTENS)
        embedded.erase(home)


@dataclass(frozen=True, slots=True)
class Shown:
    """How a run of the demo ended, what it printed, and the instant it was run at."""

    code: int
    page: str
    now: datetime


@pytest.fixture(scope="module")
def first(settings: Settings) -> Shown:
    """The first run on the installation."""
    return _run(settings, datetime.now(UTC))  # dbt and PostgreSQL know no other time


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


def _counts(engine: Engine, tables: tuple[str, ...]) -> dict[str, int]:
    with engine.connect() as db:
        return {name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}


def _transactions_by_provider(engine: Engine) -> dict[str, int]:
    query = (
        "SELECT provider, count(t.transaction_id) AS rows FROM bank.connections"
        " LEFT JOIN bank.transactions AS t USING (connection_id) GROUP BY provider"
    )
    with engine.connect() as db:
        return {row.provider: row.rows for row in db.execute(text(query))}


def _run(settings: Settings, now: datetime) -> Shown:
    page = io.StringIO()
    code = run_demo(settings, clock=lambda: now, console=Console(file=page, width=120))
    return Shown(code, page.getvalue(), now)


@pytest.mark.timeout(600)  # runs of Dagster and dbt, on a machine that may be busy
def test_first_demo(settings: Settings, first: Shown) -> None:
    """Ledger and marts are filled from all three providers, and the report ends with what to do next."""
    assert first.code == 0, first.page
    with _warehouse(settings) as engine:
        by_provider = _transactions_by_provider(engine)
        assert set(by_provider) == {"plaid", "teller", "gocardless"}
        assert min(by_provider.values()) > 0
        assert min(_counts(engine, _MARTS).values()) > 0
        assert min(_counts(engine, _LEDGER).values()) > 0
    assert "3 new, 0 there already" in first.page
    assert "\n0 new rows in this run" not in first.page
    assert "make dev" in first.page


@pytest.mark.timeout(600)  # as above
def test_demo_again_at_the_same_instant(settings: Settings, first: Shown) -> None:
    """The same links are read again, and no row is added anywhere in the ledger."""
    with _warehouse(settings) as engine:
        before = _counts(engine, _LEDGER)
        second = _run(settings, first.now)
        assert second.code == 0, second.page
        assert _counts(engine, _LEDGER) == before
    assert "0 new, 3 there already" in second.page
    assert "\n0 new rows in this run" in second.page


@pytest.mark.timeout(600)  # as above
def test_demo_when_one_bank_wants_a_new_login(settings: Settings, first: Shown) -> None:
    """One connection fails and is named, the others go on, the exit code tells; a running sandbox is used."""
    config = SandboxConfig(state_path=settings.home / "sandbox" / "state.json")
    with running_sandbox(config, clock=lambda: first.now) as sandbox:
        with _warehouse(settings) as engine, engine.connect() as db:
            query = "SELECT provider_connection_id FROM bank.connections WHERE provider = 'plaid'"
            item_id: str = db.execute(text(query)).scalar_one()
        broken = httpx.post(f"{sandbox.url}/_sandbox/links/{item_id}/break", json={}, trust_env=False)
        broken.raise_for_status()
        shown = _run(settings.model_copy(update={"sandbox_url": sandbox.url}), first.now)
    assert shown.code == 1
    assert f"already open at {sandbox.url}" in shown.page
    assert "plaid failed: plaid answered ITEM_LOGIN_REQUIRED" in shown.page
    assert "teller failed" not in shown.page
    assert "gocardless failed" not in shown.page


def test_demo_in_production(tmp_path: Path) -> None:
    """Where nothing may be pretended the demo says so, and starts nothing."""
    settings = load_settings(home=tmp_path / "home", environment="sandbox", database_url=None)
    with pytest.raises(SettingsError, match="BANK_SYNC_ENVIRONMENT"):
        run_demo(settings.model_copy(update={"environment": "production"}))
    assert not settings.home.exists()
