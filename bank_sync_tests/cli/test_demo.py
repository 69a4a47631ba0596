"""The demo, twice, on an installation of its own: real PostgreSQL, real HTTP, real Dagster and dbt."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import Engine, text

from bank_sync.cli.demo import run_demo
from bank_sync.domain.errors import SettingsError
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.database import make_engine
from bank_sync.storage.locations import locate

_LEDGER = ("bank.transactions", "bank.balances", "bank.transaction_categories", "bank.notifications")
_MARTS = ("fct_transactions", "fct_daily_balances", "fct_sync_attempts", "dim_accounts", "dim_connections")
_NOBODY_LISTENS = "http://127.0.0.1:9"  # the discard port: keeps the demo off a sandbox that happens to run


@pytest.fixture
def settings() -> Iterator[Settings]:
    """An installation that does not exist yet, where the server's account can reach it, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bank_sync_demo_") as parent:
        Path(parent).chmod(0o755)
        home = Path(parent) / ".bank_sync"
        yield load_settings(home=home, database_url=None, environment="sandbox", sandbox_url=_NOBODY_LISTENS)
        embedded.erase(home)


@contextmanager
def _warehouse(settings: Settings) -> Iterator[Engine]:
    engine = make_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


def _counts(engine: Engine, tables: tuple[str, ...]) -> dict[str, int]:
    with engine.connect() as db:
        return {name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables}  # noqa: S608 - names from the lists above


def _transactions_by_provider(engine: Engine) -> dict[str, int]:
    query = (
        "SELECT provider, count(t.transaction_id) AS rows FROM bank.connections"
        " LEFT JOIN bank.transactions AS t USING (connection_id) GROUP BY provider"
    )
    with engine.connect() as db:
        return {row.provider: row.rows for row in db.execute(text(query))}


def _run(settings: Settings, now: datetime) -> tuple[int, str]:
    page = io.StringIO()
    code = run_demo(settings, clock=lambda: now, console=Console(file=page, width=120))
    return code, page.getvalue()


@pytest.mark.timeout(600)  # two times three runs of Dagster and one of dbt, on a machine that may be busy
def test_demo_run_twice_at_one_instant(settings: Settings) -> None:
    """The first run fills ledger and marts from all three providers; the second adds no row to either."""
    now = datetime.now(UTC)  # dbt and PostgreSQL know no other time
    first_code, first_page = _run(settings, now)
    assert first_code == 0, first_page
    with _warehouse(settings) as engine:
        by_provider = _transactions_by_provider(engine)
        assert set(by_provider) == {"plaid", "teller", "gocardless"}
        assert min(by_provider.values()) > 0
        marts = tuple(f"analytics.{name}" for name in _MARTS)
        assert min(_counts(engine, marts).values()) > 0
        before = _counts(engine, _LEDGER)
        second_code, second_page = _run(settings, now)
        assert second_code == 0, second_page
        assert _counts(engine, _LEDGER) == before
        assert _transactions_by_provider(engine) == by_provider
    assert "0 new, 3 there already" in second_page
    assert "\n0 new rows in this run" in second_page
    assert "\n0 new rows in this run" not in first_page


def test_demo_in_production(settings: Settings) -> None:
    """Where nothing may be pretended the demo says so, and starts nothing."""
    with pytest.raises(SettingsError, match="BANK_SYNC_ENVIRONMENT"):
        run_demo(settings.model_copy(update={"environment": "production"}))
    assert not settings.home.exists()
