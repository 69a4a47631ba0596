"""The partitions: one per connection, keyed by its opaque id.

Belongs here: partition definitions and the tags of a run for one connection. Keys never hold a bank's name or
anything about a person: they end up in tags, logs and events.
"""

from __future__ import annotations

import dagster as dg

from bank_sync.storage.connections import StoredConnection

CONNECTIONS = "connections"

connection_partitions = dg.DynamicPartitionsDefinition(name=CONNECTIONS)

CONNECTION_TAG = "bank_sync/connection"
PROVIDER_TAG = "bank_sync/provider"
KIND_TAG = "bank_sync/kind"

ASKED_FOR = "asked_for"
"""Kind of a run that a person asked for, whoever started it for them."""


def run_tags(connection: StoredConnection, *, kind: str) -> dict[str, str]:
    """Tags that `dagster.yaml` limits concurrency by."""
    return {
        CONNECTION_TAG: connection.connection_id,
        PROVIDER_TAG: connection.provider,
        KIND_TAG: kind,
    }
