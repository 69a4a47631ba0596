"""What to ask a provider for.

Belongs here: the cursor, or the window of each account, that the next read of transactions starts from. Does
not belong here: asking (`sync.engine`).
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection

from bank_sync.domain.models import DateWindow, TransactionsRequest
from bank_sync.providers.base import IncrementalReads, Provider
from bank_sync.storage import coverage, raw_pages, reconciliations
from bank_sync.storage.accounts import account_references
from bank_sync.storage.asking_again import start_earlier
from bank_sync.storage.connections import StoredConnection

_LEAST_DAYS_REREAD = 14  # banks book late and correct within about two weeks
_DAYS_BEFORE_THE_GAP = 3
_DAYS_OPEN_TO_A_BACKGROUND_READ = 89  # further back many European banks show rows right after consent alone


def transactions_request(
    db: Connection, provider: Provider, connection: StoredConnection, today: date
) -> TransactionsRequest:
    """What is new since the last committed round, with an overlap for providers without a cursor."""
    references = account_references(db, connection.connection_id)
    earlier = start_earlier(db, connection.connection_id)
    if provider.incremental_reads is IncrementalReads.CURSOR:
        stored = raw_pages.current_cursor(db, connection.connection_id)
        cursor = earlier.cursor if earlier.is_needed else stored
        return TransactionsRequest(cursor, references, windows={}, cursor_stored=stored)
    covered = coverage.covered_windows(db, connection.connection_id)
    differing = reconciliations.syncs_differing(db, connection.connection_id)
    history_days = connection.history_days or provider.history_days
    windows = {
        reference.provider_account_id: window(
            today,
            covered.get(reference.account_id),
            history_days,
            at_least_from=earlier.windows.get(reference.provider_account_id),
            syncs_differing=differing.get(reference.account_id, 0),
        )
        for reference in references
    }
    return TransactionsRequest(cursor=None, accounts=references, windows=windows)


def window(
    today: date,
    covered: DateWindow | None,
    history_days: int,
    *,
    at_least_from: date | None = None,
    syncs_differing: int = 0,
) -> DateWindow:
    """All of the history at first; later what may have changed since the last complete read.

    Args:
        today: the last day of the window.
        covered: what was read completely so far, None at first.
        history_days: how far back the link reaches.
        at_least_from: a day from which rows have to be asked for again.
        syncs_differing: how many syncs in a row left the account's balance unexplained.
    """
    if covered is None:
        return DateWindow(today - timedelta(days=history_days), today)
    overlap = days_to_reread((today - covered.last).days)
    missing = days_to_look_for_a_missing_row(syncs_differing) or overlap
    usual = max(covered.first, today - timedelta(days=max(overlap, missing)))
    return DateWindow(min(usual, at_least_from or usual), today)


def days_to_reread(days_since_covered: int) -> int:
    """How far back a window read goes: two weeks, or the gap since the last good read and a little more."""
    return max(_LEAST_DAYS_REREAD, days_since_covered + _DAYS_BEFORE_THE_GAP)


def days_to_look_for_a_missing_row(syncs_differing: int) -> int | None:
    """How far back to read again after `syncs_differing` syncs in a row that left a balance unexplained.

    A row may be booked later than any overlap reaches. None where there is no reason, and at most of those
    syncs, as looking has not helped so far: it is done after the first, second, fourth, eighth and so on.
    """
    is_power_of_two = syncs_differing & (syncs_differing - 1) == 0
    return _DAYS_OPEN_TO_A_BACKGROUND_READ if syncs_differing and is_power_of_two else None
