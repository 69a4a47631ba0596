"""Many due connections: taken one by one, several at a time, until none is due.

Belongs here: taking them, the threads that work them, and that one's failure is a fact about that one. Does
not belong here: a sync itself (`sync.whole`), telling Dagster (`orchestration.batch`), when what is due
(`sync.cadence`).

Nothing is divided up beforehand: a worker takes the lease of the connection that is due longest and that
nobody else holds, so batches may overlap each other and single syncs, and a killed one leaves no more behind
than the leases of what it was at, which end by themselves. Each provider has workers of its own: one that is
slow or whose budget is used up keeps nobody else waiting.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue

from bank_sync.domain.errors import BankSyncError, ProviderError, Recovery
from bank_sync.domain.models import SyncState
from bank_sync.services import Services
from bank_sync.storage import connections, leases
from bank_sync.storage.database import transaction
from bank_sync.sync.steps import Sync
from bank_sync.sync.whole import Outcome, go_through

NEW_FOR = timedelta(hours=1)
"""So long after its link a connection's first sync is left to who starts first syncs."""

LEFT_TO_RECOVERY = timedelta(minutes=10)
"""So long after it is due a failed connection's next try is left to who starts next tries."""

_TRY_AGAIN_AFTER = timedelta(minutes=15)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch at work.

    Attributes:
        run_id: holds the leases.
        ends_at: nothing is begun after it.
        stop: set to begin nothing more.
        untold: nothing more is begun while so many are under way or wait for their reader.
    """

    services: Services
    run_id: str
    ends_at: datetime
    stop: threading.Event = field(default_factory=threading.Event)
    untold: int = 200

    def outcomes(self) -> Generator[Outcome, None, None]:
        """Sync what is due and give what happened to each, as it happens, in no particular order.

        A reader that falls behind holds the syncs up: what a killed batch did and never told of is bounded.
        Leaving early begins nothing more and waits for the syncs that are on their way.

        Raises:
            DatabaseError: the database cannot be reached: what could be noted is noted.
        """
        told: SimpleQueue[Outcome | _LaneEnded] = SimpleQueue()
        room = threading.Semaphore(self.untold)
        with self._lanes(told, room) as lanes:
            running = lanes
            while running:
                item = told.get()
                if not isinstance(item, _LaneEnded):
                    yield item
                    room.release()
                    continue
                running -= 1
                room.release()
                if item.error is not None:
                    raise item.error

    @contextmanager
    def _lanes(self, told: SimpleQueue[Outcome | _LaneEnded], room: threading.Semaphore) -> Iterator[int]:
        workers = self.services.settings.refresh_workers
        lanes = [provider for provider in sorted(self.services.providers) for _ in range(workers)]
        with ThreadPoolExecutor(len(lanes) or 1, thread_name_prefix="refresh") as pool:
            for provider in lanes:
                pool.submit(self._lane, provider, told, room)
            try:
                yield len(lanes)
            finally:
                self.stop.set()
                room.release(max(len(lanes), 1))

    def _lane(
        self, provider: str, told: SimpleQueue[Outcome | _LaneEnded], room: threading.Semaphore
    ) -> None:
        try:
            while room.acquire() and (connection_id := self._next(provider)) is not None:
                told.put(self._sync(connection_id))
        except BaseException as error:  # noqa: BLE001 - raised again where outcomes are read
            told.put(_LaneEnded(error))
        else:
            told.put(_LaneEnded())

    def _next(self, provider: str) -> str | None:
        now = self.services.clock()
        if self.stop.is_set() or now >= self.ends_at:
            return None
        with transaction(self.services.engine) as db:
            return leases.take_next_due(
                db,
                provider,
                self.run_id,
                now=now,
                new_since=now - NEW_FOR,
                due_since=now - LEFT_TO_RECOVERY,
            )

    def _sync(self, connection_id: str) -> Outcome:
        outcome = go_through(Sync(self.services, connection_id, self.run_id))
        if outcome.error is not None and not isinstance(outcome.error, ProviderError):
            self._put_off(connection_id, outcome.error)
        return outcome

    def _put_off(self, connection_id: str, error: BankSyncError) -> None:
        """No provider's failure, so nobody has noted it: else this batch would take it again at once."""
        _log.warning("%s: %s", connection_id, error)
        now = self.services.clock()
        with transaction(self.services.engine) as db:
            connections.update_connection(
                db,
                connection_id,
                sync_state=SyncState.FAILED,
                error_code="sync_failed",
                error_recovery=Recovery.RETRY_BACKOFF,
                next_sync_at=now + _TRY_AGAIN_AFTER,
            )


@dataclass(frozen=True, slots=True)
class _LaneEnded:
    """A worker found nothing more to do, or could not go on."""

    error: BaseException | None = None
