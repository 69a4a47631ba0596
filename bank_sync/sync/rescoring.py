"""Categories decided again: a past range by a chosen model, or a person's rows after their rules changed.

Belongs here: going through rows that may have a category already. Does not belong here: how a category is
chosen (`enrich`), rows that wait for one (`category_backlog`).

What a person said of a row is never touched, and what they taught goes before any model. A decision that
comes out the same is left as it stands; one that does not becomes history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from bank_sync.categorization.model import Model
from bank_sync.services import Services
from bank_sync.storage import connections, overlays
from bank_sync.storage.categories import (
    Decision,
    Span,
    Uncategorized,
    current_decisions,
    store_decisions,
    within,
)
from bank_sync.storage.database import DatabaseError, in_transaction, transaction
from bank_sync.sync import champion
from bank_sync.sync.enrich import decisions_for
from bank_sync.sync.teaching import SOURCES, teaching

_ROWS_PER_WRITE = 5_000
_UNIQUE_VIOLATION = "23505"
_EVER = Span()


@dataclass(frozen=True, slots=True)
class Rescored:
    """How many rows were looked at, and how many of them were decided differently or by another model."""

    rows: int
    changed: int

    def __add__(self, other: Rescored) -> Rescored:
        return Rescored(self.rows + other.rows, self.changed + other.changed)


def recategorize(services: Services, span: Span, *, version: str | None = None) -> Rescored:
    """Decide everybody's rows of a span again, by the model that decides now or the one of a version.

    Raises:
        NotFound: there is no such model.
    """
    with transaction(services.engine) as db:
        model = champion.of_version(services, db, version) if version else champion.deciding(services, db)
        ids = [one.connection_id for one in connections.list_connections(db)]
    return _all(services, ids, span, model)


def recategorize_person(services: Services, user_id: str) -> Rescored:
    """Decide all rows of a person again: what they teach changed."""
    with transaction(services.engine) as db:
        model = champion.deciding(services, db)
        ids = [one.connection_id for one in connections.list_connections(db) if one.user_id == user_id]
    return _all(services, ids, _EVER, model)


def _all(services: Services, connection_ids: Sequence[str], span: Span, model: Model | None) -> Rescored:
    total = Rescored(0, 0)
    for connection_id in connection_ids:
        for batch in _Walk(services, connection_id, span, model):
            total += batch
    return total


@dataclass(slots=True)
class _Walk:
    """Goes through the rows of one connection, a transaction per batch."""

    services: Services
    connection_id: str
    span: Span
    model: Model | None
    after: str | None = ""

    def __iter__(self) -> _Walk:
        return self

    def __next__(self) -> Rescored:
        if self.after is None:
            raise StopIteration
        try:
            rows, changed = in_transaction(self.services.engine, self._batch)
        except DatabaseError as error:
            if error.sqlstate != _UNIQUE_VIOLATION:
                raise
            # a sync decided one of these rows meanwhile; it is seen the second time
            rows, changed = in_transaction(self.services.engine, self._batch)
        self.after = rows[-1].transaction_id if len(rows) == _ROWS_PER_WRITE else None
        return Rescored(len(rows), changed)

    def _batch(self, db: Connection) -> tuple[list[Uncategorized], int]:
        rows = within(db, self.connection_id, self.span, after=self.after or "", limit=_ROWS_PER_WRITE)
        ids = [row.transaction_id for row in rows]
        said = overlays.effective_overlays(db, ids)
        open_rows = [row for row in rows if not _is_said(said.get(row.transaction_id))]
        before = current_decisions(db, ids)
        decided = decisions_for(open_rows, teaching(db, self.connection_id), self.model)
        changed = [one for one in decided if not _stands(before.get(one.transaction_id), one)]
        store_decisions(db, self.connection_id, changed, now=self.services.clock())
        return rows, len(changed)


def _is_said(overlay: overlays.Overlay | None) -> bool:
    return overlay is not None and overlay.category_primary is not None


def _stands(before: Decision | None, now: Decision) -> bool:
    """Whether a decision says what stands already; of what was taught no model's version matters."""
    if before is None:
        return False
    if now.source in SOURCES:
        now = replace(now, model_version=before.model_version)
    return before == now
