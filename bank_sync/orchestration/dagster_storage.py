"""Dagster's own storage, found through our settings.

Belongs here: the class that `dagster.yaml` names. Does not belong here: anything else about Dagster.

It is dagster-postgres with the URL derived from `BANK_SYNC_DATABASE_URL` (or the embedded server, which
starts on demand), so that one setting places both databases and neither address nor password stands in
`dagster.yaml`.
"""

from __future__ import annotations

from typing import Any

from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from bank_sync.settings import load_settings
from bank_sync.storage.locations import locate


class BankSyncDagsterStorage(DagsterPostgresStorage):
    """Run, event and schedule storage in the database that the settings lead to."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """It takes no configuration: everything comes from the settings."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> BankSyncDagsterStorage:
        """Called by Dagster when it loads the instance."""
        del config_value
        url = locate(load_settings()).dagster
        return cls(postgres_url=url.render_as_string(hide_password=False), inst_data=inst_data)
