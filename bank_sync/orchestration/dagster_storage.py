"""Dagster's own storage, found through our settings.

Belongs here: the class that `dagster.yaml` names. Does not belong here: anything else about Dagster.

It is dagster-postgres with the URL derived from `BANK_SYNC_DATABASE_URL` (or the embedded server, which
starts on demand), so that one setting places both databases and neither address nor password stands in
`dagster.yaml`.

dagster-postgres connects anew for every look and every event, except in the webserver: a process and a login
at the server each time. Here an instance keeps a connection for each of its three storages. What they open
engines with is changed where SQLAlchemy lets a URL name plugins: dagster-postgres has no setting for it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from weakref import finalize

from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import URL, Engine
from sqlalchemy.dialects import plugins
from sqlalchemy.engine import CreateEnginePlugin
from sqlalchemy.pool import NullPool

from bank_sync.settings import load_settings
from bank_sync.storage.database import fit_for_short_work
from bank_sync.storage.locations import locate

_KEEP_CONNECTIONS = "bank_sync_keep_connections"
_MADE: ContextVar[list[Engine]] = ContextVar("engines of the storage in the making")


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
        url = locate(load_settings()).dagster.update_query_dict({"plugin": _KEEP_CONNECTIONS})
        engines: list[Engine] = []
        made = _MADE.set(engines)
        storage = cls(postgres_url=url.render_as_string(hide_password=False), inst_data=inst_data)
        _MADE.reset(made)
        # A code server makes an instance for every tick and says no goodbye to all of its parts.
        finalize(storage.run_storage, _dispose, engines)
        return storage


def _dispose(engines: list[Engine]) -> None:
    for engine in engines:
        engine.dispose()


class KeepConnections(CreateEnginePlugin):
    """Engines that keep a connection where they were asked to keep none, and as many more as are needed."""

    def __init__(self, url: URL, kwargs: dict[str, Any]) -> None:
        super().__init__(url, kwargs)
        if kwargs.get("poolclass") is NullPool:
            del kwargs["poolclass"]
            kwargs.update(pool_size=1, max_overflow=-1)

    def update_url(self, url: URL) -> URL:
        """Nothing of it is ours; SQLAlchemy takes the plugin's name out by itself."""
        return url

    def engine_created(self, engine: Engine) -> None:
        """A kept connection is checked before use when its server may be gone."""
        fit_for_short_work(engine)
        _MADE.get([]).append(engine)


plugins.register(_KEEP_CONNECTIONS, __name__, KeepConnections.__name__)
