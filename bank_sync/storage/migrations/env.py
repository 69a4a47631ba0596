"""How Alembic runs here: always on a connection handed over by `storage.migrate`."""

from __future__ import annotations

from alembic import context

from bank_sync.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    include_name=lambda name, kind, _parents: kind != "schema" or name in {"raw", "bank"},
    version_table_schema="bank",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
