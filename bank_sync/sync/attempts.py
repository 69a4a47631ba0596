"""How an attempt to read one part of a connection is noted.

Belongs here: what a success and a failure leave on the connection and in the journal. Does not belong here:
reading (`sync.engine`), what a failure means for the next try (`sync.recovery`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bank_sync.domain.errors import CursorMoved, ProviderError
from bank_sync.domain.models import AccountFailure, Part
from bank_sync.providers.failures import as_provider_error
from bank_sync.services import Services
from bank_sync.storage import connections, journal
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.sync import reasons, recovery


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to read one part, and how it is noted."""

    services: Services
    connection: StoredConnection
    part: Part
    run_id: str | None
    started_at: datetime

    def succeeded(self, db: Connection, stored: StoredRound, failures: Sequence[AccountFailure]) -> None:
        """Note it in the round's own transaction.

        Raises:
            ProviderError: no account could be read: the first one's trouble is the connection's.
            CursorMoved: the link was renewed meanwhile; what the old one told is thrown away.
        """
        if connections.locked_generation(db, self.connection.connection_id) != self.connection.generation:
            raise CursorMoved(f"{self.connection.connection_id} was linked anew; this round was thrown away.")
        if failures and not stored.pages:
            raise as_provider_error(self.connection.provider, failures[0])
        if stored.history_state not in (None, self.connection.history_state):
            connections.update_connection(
                db, self.connection.connection_id, history_state=stored.history_state
            )
        self._record(db, "partial" if failures else "succeeded", pages=stored.pages, failures=failures)

    def failed(self, error: ProviderError) -> None:
        """Note it, with what it means for the connection."""
        with transaction(self.services.engine) as db:
            now = self.services.clock()
            due_at = recovery.note_failure(db, self.connection, error, now=now)
            reason = reasons.why_after(error, due_at - now)
            connection_id = self.connection.connection_id
            connections.mark_failed(db, connection_id, error, next_sync_at=due_at, reason=reason)
            self._record(db, "failed", failures=[error])

    def _record(
        self,
        db: Connection,
        outcome: str,
        *,
        pages: int = 0,
        failures: Sequence[AccountFailure | ProviderError] = (),
    ) -> None:
        journal.record_attempt(
            db,
            self.connection.connection_id,
            self.part,
            outcome=outcome,
            started_at=self.started_at,
            finished_at=self.services.clock(),
            pages=pages,
            error_code=failures[0].code if failures else None,
            error_recovery=failures[0].recovery if failures else None,
            run_id=self.run_id,
        )
