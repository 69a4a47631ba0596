"""A first sync holds a few pages in memory, however many there are."""

from __future__ import annotations

from sqlalchemy import text

from bank_sync.services import Services, open_services
from bank_sync.settings import Settings
from bank_sync.sync import engine, project
from bank_sync.sync.onboarding import finish_link
from benchmarks.plaid_server import serving
from benchmarks.streaming import first_sync

ROWS = 50_000
MOST_GROWN_MB = 60  # pages in flight and caches; the same rows held as records take about 150


def test_memory_of_a_large_first_sync(settings: Settings, services: Services) -> None:
    """A process that pulls and projects fifty thousand rows grows by less than those rows would take."""
    assert settings.database_url is not None
    assert settings.dagster_database_url is not None
    database, spare = (
        url.get_secret_value() for url in (settings.database_url, settings.dagster_database_url)
    )
    figures = first_sync(ROWS, database, spare)
    assert figures["rows"] == ROWS
    assert figures["peak_mb"] - figures["start_mb"] < MOST_GROWN_MB
    with services.engine.connect() as db:
        stored: int = db.execute(text("SELECT count(*) FROM bank.transactions")).scalar_one()
    assert stored == ROWS


def test_progress_shows(settings: Settings) -> None:
    """While pages are fetched and applied, a long sync tells how far it is, in order."""
    with serving(rows=120 * 5, rows_per_page=5) as address:
        own = settings.model_copy(update={"sandbox_url": address})
        with open_services(own) as services:
            connection_id = finish_link(
                services, "plaid", user_reference="bulk", proof={"public_token": "public"}
            )
            engine.pull_accounts(services, connection_id)
            project.project_accounts(services, connection_id)
            fetched: list[tuple[int, int]] = []
            applied: list[tuple[int, int]] = []
            engine.pull_transactions(
                services, connection_id, on_progress=lambda *told: fetched.append((told[0], told[1]))
            )
            project.project_transactions(
                services, connection_id, on_progress=lambda *told: applied.append((told[0], told[1]))
            )
    assert fetched == [(50, 0), (100, 0)]
    assert applied == [(50, 250), (100, 500)]
