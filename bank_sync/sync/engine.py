"""Pull: from a provider's answers to committed rounds of raw pages.

Belongs here: one function per part of a sync, and what is noted when it fails. Does not belong here: reading
the pages (`sync.project`), HTTP and retries (`providers.http`), what is asked for (`sync.requests`).

A round is read to its end before anything of it is committed: pages and cursor in one transaction. The data
changing while it is paged throws the round away and starts it again from its first cursor. One worker reads a
part of a connection at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from sqlalchemy import Connection

from bank_sync.domain.errors import ProviderError, Recovery, SyncBusy
from bank_sync.domain.models import (
    AccountFailure,
    AskedBy,
    ConnectionState,
    Credential,
    Page,
    Part,
)
from bank_sync.providers.base import Provider
from bank_sync.services import Services
from bank_sync.storage import connections, leases, observations, raw_pages
from bank_sync.storage.accounts import account_references
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import due, recovery
from bank_sync.sync.attempts import Attempt
from bank_sync.sync.progress import PAGES_BETWEEN, OnProgress, silent
from bank_sync.sync.requests import transactions_request
from bank_sync.sync.turns import turn

_MOST_RESTARTS = 3  # a bank that changes under every read is left for the next sync


@dataclass(frozen=True, slots=True)
class Pulled:
    """A committed round and the accounts that could not be read in it."""

    round_id: int
    pages: int
    failures: tuple[AccountFailure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What to read: how, from which cursor, and the one found stored when reading began."""

    pull: Callable[[Credential], Iterator[Page | AccountFailure]]
    cursor: str | None = None
    cursor_stored: str | None = None


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which part to read; `prepare` looks up what to ask for, just before it is asked."""

    part: Part
    asked_by: AskedBy
    prepare: Callable[[Connection, StoredConnection, Provider], _Read]
    on_progress: OnProgress = silent


def pull_accounts(
    services: Services,
    connection_id: str,
    *,
    run_id: str | None = None,
    asked_by: AskedBy = AskedBy.SCHEDULE,
) -> Pulled:
    """Read the list of accounts; with a `run_id` this begins a sync, which `finish_sync` ends.

    Raises:
        ProviderError: after noting the failure on the connection.
        SyncBusy: another worker syncs this connection.
    """
    if asked_by is AskedBy.PERSON:
        _note_look(services, connection_id)
    with turn(services, connection_id, run_id, begins=True) as holder:
        wish = _Wish(Part.ACCOUNTS, asked_by, partial(_accounts, asked_by))
        return _pull(services, connection_id, wish, holder, run_id)


def _accounts(asked_by: AskedBy, _db: Connection, _connection: StoredConnection, provider: Provider) -> _Read:
    return _Read(lambda key: provider.pull_accounts(key, asked_by=asked_by))


def _note_look(services: Services, connection_id: str) -> None:
    """Whoever asks for fresh rows looks at them."""
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        observations.note_look(db, connection.user_id, now=services.clock())


def pull_balances(
    services: Services,
    connection_id: str,
    *,
    run_id: str | None = None,
    asked_by: AskedBy = AskedBy.SCHEDULE,
) -> Pulled:
    """Read the balances of all active accounts.

    Raises:
        ProviderError: after noting the failure on the connection.
        SyncBusy: another worker syncs this connection.
    """
    with turn(services, connection_id, run_id) as holder:
        wish = _Wish(Part.BALANCES, asked_by, partial(_balances, asked_by))
        return _pull(services, connection_id, wish, holder, run_id)


def _balances(asked_by: AskedBy, db: Connection, connection: StoredConnection, provider: Provider) -> _Read:
    references = account_references(db, connection.connection_id)
    return _Read(lambda key: provider.pull_balances(key, references, asked_by=asked_by))


def pull_transactions(
    services: Services,
    connection_id: str,
    *,
    run_id: str | None = None,
    asked_by: AskedBy = AskedBy.SCHEDULE,
    on_progress: OnProgress = silent,
) -> Pulled:
    """Read what is new since the last committed round.

    Data that changes while it is paged starts the round again; a cursor that the provider no longer knows
    starts the connection's next generation, which is read from the beginning and compared.

    Raises:
        ProviderError: after noting the failure on the connection; the cursor has not moved.
        CursorMoved: another sync committed first.
        SyncBusy: another worker syncs this connection.
    """
    today = services.clock().date()
    wish = _Wish(Part.TRANSACTIONS, asked_by, partial(_transactions, asked_by, today), on_progress)
    with turn(services, connection_id, run_id) as holder:
        for restarts_left in range(_MOST_RESTARTS, -1, -1):
            try:
                return _pull(services, connection_id, wish, holder, run_id, is_last_try=restarts_left == 0)
            except _StartAgain as again:
                if again.from_the_beginning:
                    _begin_generation(services, connection_id)
    raise AssertionError  # the last try returns or raises


class _StartAgain(Exception):
    """This round was thrown away; the next one may go through."""

    def __init__(self, *, from_the_beginning: bool) -> None:
        self.from_the_beginning = from_the_beginning


def _transactions(
    asked_by: AskedBy, today: date, db: Connection, connection: StoredConnection, provider: Provider
) -> _Read:
    request = transactions_request(db, provider, connection, today)
    return _Read(
        lambda key: provider.pull_transactions(key, request, asked_by=asked_by),
        cursor=request.cursor,
        cursor_stored=request.cursor_stored,
    )


def _begin_generation(services: Services, connection_id: str) -> None:
    with transaction(services.engine) as db:
        connections.begin_generation(db, connection_id)
        raw_pages.forget_cursor(db, connection_id)


def _pull(
    services: Services,
    connection_id: str,
    wish: _Wish,
    holder: str,
    run_id: str | None,
    *,
    is_last_try: bool = True,
) -> Pulled:
    """Read one round and commit it with a note of the attempt; on failure commit only the note."""
    started_at = services.clock()
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        credential = connections.open_credential(db, services.cipher, connection)
        provider = services.provider(connection.provider)
        read = wish.prepare(db, connection, provider)
        refusal = recovery.refusal_by_breakers(db, connection, wish.asked_by, now=started_at)
    attempt = Attempt(services, connection, wish.part, run_id, started_at)
    try:
        if refusal is not None:
            raise refusal
        with transaction(services.engine) as db:
            if not leases.try_lock(db, connection_id, wish.part):
                raise SyncBusy(f"Another worker reads {wish.part} of {connection_id}; this one did nothing.")
            if wish.part is Part.ACCOUNTS and recovery.needs_look(connection):
                provider.check_access(credential)  # cheaper than a sync that ends half-way again
            received = read.pull(credential)
            alive = _with_signs_of_life(services, connection_id, holder, received, wish.on_progress)
            stored, failures = raw_pages.store_round(
                db,
                connection_id,
                wish.part,
                alive,
                cursor_before=read.cursor,
                cursor_stored=read.cursor_stored,
                generation=connection.generation,
                now=services.clock(),
            )
            attempt.succeeded(db, stored, failures)
    except ProviderError as error:
        if not is_last_try and error.recovery in (Recovery.RESTART_ROUND, Recovery.LOST_CURSOR):
            from_the_beginning = error.recovery is Recovery.LOST_CURSOR
            raise _StartAgain(from_the_beginning=from_the_beginning) from None
        attempt.failed(error)
        raise
    return Pulled(stored.round_id, stored.pages, tuple(failures))


def _with_signs_of_life(
    services: Services,
    connection_id: str,
    holder: str,
    received: Iterator[Page | AccountFailure],
    on_progress: OnProgress,
) -> Iterator[Page | AccountFailure]:
    """Renew the lease while a long round is read, and tell how far it is."""
    for number, item in enumerate(received, 1):
        if number % PAGES_BETWEEN == 0:
            on_progress(number, 0)
            with transaction(services.engine) as db:
                leases.take(db, connection_id, holder, now=services.clock())
        yield item


def finish_sync(services: Services, connection_id: str, *, run_id: str | None = None) -> StoredConnection:
    """Note that a sync went through and when the next one is due; returns the connection as it now stands."""
    now = services.clock()
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        if connection.state not in (ConnectionState.REVOKED, ConnectionState.ERASED):
            chosen, reason = due.after_success(services, db, connection, now=now)
            connection = connections.mark_completed(
                db, connection_id, now=now, next_sync_at=chosen.at, reason=reason
            )
            recovery.close_breakers(db, connection)
        if run_id is not None:
            leases.give_back(db, connection_id, run_id)
        return connection
