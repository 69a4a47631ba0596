"""Pull: from a provider's answers to committed rounds of raw pages.

Belongs here: one function per part of a sync, and what is noted when it fails. Does not belong here: reading
the pages (`sync.project`), HTTP and retries (`providers.http`).

A round is read to its end before anything of it is committed: pages and cursor in one transaction. The data
changing while it is paged throws the round away and starts it again from its first cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import (
    AccountFailure,
    AccountReference,
    ConnectionState,
    Credential,
    DateWindow,
    Page,
    Part,
    TransactionsRequest,
)
from bank_sync.providers.base import IncrementalReads, Provider
from bank_sync.services import Services
from bank_sync.storage import connections, journal, raw_pages
from bank_sync.storage.accounts import account_references
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import cadence

_MOST_RESTARTS = 3  # a bank that changes under every read is left for the next sync


@dataclass(frozen=True, slots=True)
class Pulled:
    """A committed round and the accounts that could not be read in it."""

    round_id: int
    pages: int
    failures: tuple[AccountFailure, ...] = ()


@dataclass(slots=True)
class _Sorted:
    """Lets pages through to storage and keeps the failures."""

    failures: list[AccountFailure] = field(default_factory=list)

    def pages(self, items: Iterator[Page | AccountFailure]) -> Iterator[Page]:
        for item in items:
            if isinstance(item, AccountFailure):
                self.failures.append(item)
            else:
                yield item


Pull = Callable[[Provider, Credential], Iterator[Page | AccountFailure]]


@dataclass(frozen=True, slots=True)
class _Read:
    """What to read: the part, how, and the cursor it starts from."""

    part: Part
    pull: Pull
    cursor: str | None = None
    run_id: str | None = None


def pull_accounts(services: Services, connection_id: str, *, run_id: str | None = None) -> Pulled:
    """Read the list of accounts; marks the connection's sync as started.

    Raises:
        ProviderError: after noting the failure on the connection.
    """
    with transaction(services.engine) as db:
        connections.mark_in_progress(db, connection_id)
    read = _Read(Part.ACCOUNTS, lambda provider, key: provider.pull_accounts(key), run_id=run_id)
    return _pull(services, connection_id, read)


def pull_balances(services: Services, connection_id: str, *, run_id: str | None = None) -> Pulled:
    """Read the balances of all active accounts.

    Raises:
        ProviderError: after noting the failure on the connection.
    """
    references = _references(services, connection_id)
    read = _Read(Part.BALANCES, lambda provider, key: provider.pull_balances(key, references), run_id=run_id)
    return _pull(services, connection_id, read)


def pull_transactions(services: Services, connection_id: str, *, run_id: str | None = None) -> Pulled:
    """Read what is new since the last committed round.

    Raises:
        ProviderError: after noting the failure on the connection; the cursor has not moved.
        CursorMoved: another sync committed first.
    """
    restarts = 0
    while True:
        request = _request(services, connection_id)
        try:
            return _pull(services, connection_id, _transactions(request, run_id))
        except ProviderError as error:
            restarts += 1
            if error.recovery is not Recovery.RESTART_ROUND or restarts > _MOST_RESTARTS:
                raise


def _transactions(request: TransactionsRequest, run_id: str | None) -> _Read:
    return _Read(
        Part.TRANSACTIONS,
        lambda provider, key: provider.pull_transactions(key, request),
        cursor=request.cursor,
        run_id=run_id,
    )


def _pull(services: Services, connection_id: str, read: _Read) -> Pulled:
    """Read one round and commit it with a note of the attempt; on failure commit only the note."""
    started_at = services.clock()
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        credential = connections.open_credential(db, services.cipher, connection)
    provider = services.provider(connection.provider)
    sorter = _Sorted()
    try:
        with transaction(services.engine) as db:
            received = sorter.pages(read.pull(provider, credential))
            stored = raw_pages.store_round(
                db, connection_id, read.part, received, cursor_before=read.cursor, now=services.clock()
            )
            if sorter.failures and not stored.pages:
                raise _as_error(connection.provider, sorter.failures[0])
            journal.record_attempt(
                db,
                connection_id,
                read.part,
                outcome="partial" if sorter.failures else "succeeded",
                started_at=started_at,
                finished_at=services.clock(),
                pages=stored.pages,
                error_code=sorter.failures[0].code if sorter.failures else None,
                error_recovery=sorter.failures[0].recovery if sorter.failures else None,
                run_id=read.run_id,
            )
    except ProviderError as error:
        _note_failure(services, connection, read, error, started_at)
        raise
    return Pulled(stored.round_id, stored.pages, tuple(sorter.failures))


def _as_error(provider: str, failure: AccountFailure) -> ProviderError:
    """No account could be read: the first account's trouble is the connection's."""
    return ProviderError(provider=provider, code=failure.code, recovery=Recovery(failure.recovery))


def _note_failure(
    services: Services,
    connection: StoredConnection,
    read: _Read,
    error: ProviderError,
    started_at: datetime,
) -> None:
    now = services.clock()
    with transaction(services.engine) as db:
        connections.mark_failed(
            db, connection.connection_id, error, next_sync_at=cadence.after_failure(error, now)
        )
        journal.record_attempt(
            db,
            connection.connection_id,
            read.part,
            outcome="failed",
            started_at=started_at,
            finished_at=now,
            error_code=error.code,
            error_recovery=error.recovery,
            run_id=read.run_id,
        )


def _references(services: Services, connection_id: str) -> tuple[AccountReference, ...]:
    with transaction(services.engine) as db:
        return account_references(db, connection_id)


def _request(services: Services, connection_id: str) -> TransactionsRequest:
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        references = account_references(db, connection_id)
        cursor = raw_pages.current_cursor(db, connection_id)
        covered = raw_pages.covered_windows(db, connection_id)
    provider = services.provider(connection.provider)
    if provider.incremental_reads is IncrementalReads.CURSOR:
        return TransactionsRequest(cursor=cursor, accounts=references, windows={})
    today = services.clock().date()
    history_days = connection.history_days or provider.history_days
    windows = {
        reference.provider_account_id: _window(today, covered.get(reference.account_id), history_days)
        for reference in references
    }
    return TransactionsRequest(cursor=None, accounts=references, windows=windows)


def _window(today: date, covered: DateWindow | None, history_days: int) -> DateWindow:
    """All of the history at first; later what may have changed since the last complete read."""
    if covered is None:
        return DateWindow(today - timedelta(days=history_days), today)
    days = cadence.days_to_reread((today - covered.last).days)
    return DateWindow(max(covered.first, today - timedelta(days=days)), today)


def finish_sync(services: Services, connection_id: str) -> StoredConnection:
    """Note that a sync went through and when the next one is due; returns the connection as it now stands."""
    now = services.clock()
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        if connection.state not in (ConnectionState.REVOKED, ConnectionState.ERASED):
            due = cadence.after_success(connection.provider, now)
            connections.mark_completed(db, connection_id, now=now, next_sync_at=due)
        return connections.get_connection(db, connection_id)
