"""Balances alone, between two syncs: what people look at first, for little.

Belongs here: whose balances are read, in which order, and where the quota forbids it. Does not belong here:
reading them (`sync.engine`), when it happens (`orchestration`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from bank_sync.domain.errors import CursorMoved, ProviderError, Recovery, SyncBusy
from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import Scope, allowance
from bank_sync.domain.trouble import OUR_LIMITS
from bank_sync.services import Services
from bank_sync.storage.accounts import account_references
from bank_sync.storage.balance_ages import oldest_balances
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import engine, project
from bank_sync.sync.engine import Pulled
from bank_sync.sync.parts import Projected

BATCH = 100
"""Connections that are looked up at a time."""

_FRESH_FOR = timedelta(minutes=90)  # less than the two hours between refreshes, or every other one is missed
_READS_KEPT_FOR_SYNCS = 3  # a day's regular syncs, each of which reads balances too


@dataclass(frozen=True, slots=True)
class BalancesRead:
    """One connection whose balances were read and are in the ledger."""

    connection: StoredConnection
    pulled: Pulled
    projected: Projected


@dataclass(slots=True)
class BalancesRefresh:
    """A walk over the connections with the oldest balances; what was passed over is counted by reason.

    Args:
        services: database, clock and providers.
        run_id: the Dagster run, noted with every attempt.
    """

    services: Services
    run_id: str | None = None
    passed_over: Counter[str] = field(default_factory=Counter)
    _closed: set[str] = field(default_factory=set)

    def batches(self) -> Iterator[list[BalancesRead]]:
        """What was read, batch by batch, until nothing is old any more."""
        before = self.services.clock() - _FRESH_FOR
        seen: list[str] = []
        while True:
            now = self.services.clock()
            with transaction(self.services.engine) as db:
                found = oldest_balances(db, before=before, now=now, passed_over=seen, limit=BATCH)
            if not found:
                return
            seen += [one.connection_id for one in found]
            yield [read for one in found if (read := self._read(one)) is not None]

    def _read(self, connection: StoredConnection) -> BalancesRead | None:
        """Read and project one connection's balances; its failure is noted and concerns no other."""
        reason = self._obstacle(connection)
        if reason is not None:
            self.passed_over[reason] += 1
            return None
        connection_id = connection.connection_id
        try:
            pulled = engine.pull_balances(self.services, connection_id, run_id=self.run_id)
            projected = project.project_balances(self.services, connection_id)
        except ProviderError as error:
            self.passed_over[error.code] += 1
            if error.code in OUR_LIMITS or error.recovery is Recovery.OPERATOR:
                self._closed.add(connection.provider)
            return None
        except (SyncBusy, CursorMoved):
            self.passed_over["busy"] += 1
            return None
        return BalancesRead(connection, pulled, projected)

    def _obstacle(self, connection: StoredConnection) -> str | None:
        if connection.provider not in self.services.providers:
            return "not_configured"
        if connection.provider in self._closed:
            return "provider_not_asked_now"
        return None if self._has_quota(connection) else "quota"

    def _has_quota(self, connection: StoredConnection) -> bool:
        """Whether each account has a call to spare after those that a day's syncs need."""
        quota = self.services.quota
        if quota is None or not self.services.provider(connection.provider).balances_are_scarce:
            return True
        with transaction(self.services.engine) as db:
            accounts = account_references(db, connection.connection_id)
        standings = [
            quota.standing(connection.provider, one.provider_account_id, Scope.BALANCES) for one in accounts
        ]
        return all(
            one.used + _READS_KEPT_FOR_SYNCS < allowance(one.calls_per_day, AskedBy.SCHEDULE)
            for one in standings
        )
