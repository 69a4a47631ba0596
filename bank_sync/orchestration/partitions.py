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
SHARD_TAG = "bank_sync/shard"
BATCH_TAG = "bank_sync/batch"
PRIORITY_TAG = "dagster/priority"

REFRESH = "refresh"
"""The kind of runs that nobody waits for: all others go first."""

ASKED_FOR = "asked_for"
"""The kind of runs that people asked for, whoever started them: somebody looks at a page meanwhile."""

PRIORITIES = {
    ASKED_FOR: 10,
    "webhook": 10,
    "first_sync": 5,
    "history": 5,
    "recovery": 2,
    "manual": 0,
    REFRESH: -5,
    "upkeep": -5,
    "backfill": -10,
}
"""Who goes first in the queue, by kind; a run that names none is a person's and has 0."""


def run_tags(connection: StoredConnection, *, kind: str) -> dict[str, str]:
    """Tags that `dagster.yaml` limits concurrency by."""
    return {
        CONNECTION_TAG: connection.connection_id,
        PROVIDER_TAG: connection.provider,
        KIND_TAG: kind,
        PRIORITY_TAG: str(PRIORITIES[kind]),
    }
