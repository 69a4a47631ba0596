"""The migrations make exactly the tables that the code describes, and analysts see only theirs."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from bank_sync.services import Services
from bank_sync.storage.migrate import alembic_config, current_revision, migrate


def test_no_drift(services: Services) -> None:
    """Alembic finds no difference between the migrated database and the tables in code."""
    config = alembic_config()
    with services.engine.begin() as db:
        config.attributes["connection"] = db
        command.check(config)


def test_migrating_again(services: Services) -> None:
    """A second migration changes nothing and tells the same revision."""
    before = current_revision(services.locations)
    assert before is not None
    assert migrate(services.locations) == before


@pytest.mark.parametrize("table", ["bank.credentials", "bank.transactions", "raw.pages", "bank.users"])
def test_analyst_is_kept_out(services: Services, table: str) -> None:
    """The analyst's role reads neither tokens nor raw pages nor the ledger."""
    assert services.locations.analyst is not None
    engine = create_engine(services.locations.analyst)
    with engine.connect() as db, pytest.raises(ProgrammingError, match="permission denied"):
        db.execute(text(f"SELECT * FROM {table}"))
    engine.dispose()
