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
from bank_sync.sync import cadence


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
    overlap = cadence.days_to_reread((today - covered.last).days)
    missing = cadence.days_to_look_for_a_missing_row(syncs_differing) or overlap
    usual = max(covered.first, today - timedelta(days=max(overlap, missing)))
    return DateWindow(min(usual, at_least_from or usual), today)
