"""A first sync holds a few pages in memory, however many there are."""

from __future__ import annotations

from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.settings import Settings
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
