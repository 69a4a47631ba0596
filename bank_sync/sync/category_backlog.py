"""Categories for rows that wait for one.

A sync died before, their text changed since, or nothing was sure enough and another model decides now.

Belongs here: working the backlog off in batches. Does not belong here: categorizing one connection
(`sync.enrich`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bank_sync.categorization import model_version
from bank_sync.services import Services
from bank_sync.storage import category_backlog
from bank_sync.storage.database import DatabaseError, transaction
from bank_sync.sync.champion import deciding
from bank_sync.sync.enrich import categorize_connection

_UNIQUE_VIOLATION = "23505"


@dataclass(slots=True)
class BacklogRun:
    """A walk over connections with rows to categorize, in batches of whole connections.

    Args:
        services: database and clock.
        batch_rows: a batch is full when it holds this many rows.
    """

    services: Services
    batch_rows: int = 500
    left_to_syncs: int = 0
    _most_connections: int = field(default=10_000)

    def batches(self) -> Iterator[tuple[int, int]]:
        """(connections, rows categorized) of each batch."""
        with transaction(self.services.engine) as db:
            version = model_version(deciding(self.services, db))
            waiting = category_backlog.backlog(db, version=version, limit=self._most_connections)
        batch: list[str] = []
        rows = 0
        for connection_id, count in waiting:
            batch.append(connection_id)
            rows += count
            if rows >= self.batch_rows:
                yield self._categorize(batch)
                batch, rows = [], 0
        if batch:
            yield self._categorize(batch)

    def _categorize(self, batch: Sequence[str]) -> tuple[int, int]:
        rows = 0
        for connection_id in batch:
            try:
                rows += categorize_connection(self.services, connection_id).rows
            except DatabaseError as error:
                if error.sqlstate != _UNIQUE_VIOLATION:
                    raise
                self.left_to_syncs += 1  # one that runs now was quicker
        return len(batch), rows
