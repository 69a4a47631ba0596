"""Project: from raw pages to the ledger.

Belongs here: applying committed rounds to accounts, balances and transactions, in order, each with its
watermark, and holding back a round that removes nearly everything. Does not belong here: talking to providers
(`sync.engine`), what one round does (`sync.parts`).

The ledger is a projection of the raw pages: what cannot be read goes to quarantine with its page and never
blocks the others. What a round changes carries the time of the round, so that a replay gives the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import Part
from bank_sync.services import Services
from bank_sync.storage import connections, journal, ledger, raw_pages
from bank_sync.storage.database import in_transaction, transaction
from bank_sync.storage.raw_pages import StoredRound
from bank_sync.sync import belonging
from bank_sync.sync.parts import (
    Projected,
    ProjectRound,
    accounts_round,
    balances_round,
    transactions_round,
)
from bank_sync.sync.progress import OnProgress, silent
from bank_sync.sync.quarantine import retry_quarantine

_log = logging.getLogger(__name__)

_LEAST_ROWS_HELD = 5
_HELD_SHARE = 0.8


def project_accounts(services: Services, connection_id: str) -> Projected:
    """Apply the rounds of accounts that the ledger does not reflect yet.

    Rounds read before one of them, which a worker that died left behind, go first: they speak of
    the accounts as they were then.
    """
    total = Projected()
    for round_ in _waiting(services, connection_id, Part.ACCOUNTS):
        left_behind = _left_behind(services, round_)
        if Part.TRANSACTIONS in left_behind:
            _project_transactions(services, connection_id, silent)
        if Part.BALANCES in left_behind:
            project_balances(services, connection_id)
        total += _apply(services, connection_id, [round_], accounts_round)
    return total


def _left_behind(services: Services, newer: StoredRound) -> set[Part]:
    with transaction(services.engine) as db:
        return raw_pages.parts_waiting_before(db, newer)


def project_balances(services: Services, connection_id: str) -> Projected:
    """Apply the rounds of balances that the ledger does not reflect yet."""
    total = Projected()
    for round_ in _waiting(services, connection_id, Part.BALANCES):
        total += _apply(services, connection_id, [round_], balances_round)
    return total


def project_transactions(
    services: Services, connection_id: str, *, on_progress: OnProgress = silent
) -> Projected:
    """Apply the rounds of transactions that the ledger does not reflect yet.

    A round after which an account has lost nearly all its posted rows is held: it and the rounds after it
    wait, until together they no longer take so much away, or a person releases it. Rows in quarantine are
    tried again first.
    """
    retry_quarantine(services, connection_id, only_due=True)
    return _project_transactions(services, connection_id, on_progress)


def _project_transactions(services: Services, connection_id: str, on_progress: OnProgress) -> Projected:
    apply_round = partial(transactions_round, on_progress=on_progress)
    waiting = _waiting(services, connection_id, Part.TRANSACTIONS)
    total, size = Projected(), 1
    while size <= len(waiting):
        try:
            total += _apply(services, connection_id, waiting[:size], apply_round, may_hold=True)
            waiting, size = waiting[size:], 1
        except _RemovesTooMuch:
            size += 1
    return total + _hold(services, waiting) if waiting else total


class _RemovesTooMuch(Exception):
    """Rolls back rounds after which an account would have lost nearly everything."""


def _waiting(services: Services, connection_id: str, part: Part) -> list[StoredRound]:
    with transaction(services.engine) as db:
        return raw_pages.rounds_of(db, connection_id, part)


def _apply(
    services: Services,
    connection_id: str,
    group: Sequence[StoredRound],
    apply: ProjectRound,
    *,
    may_hold: bool = False,
) -> Projected:
    """Apply rounds together, unless another worker has; `may_hold` looks at how much they remove.

    Raises:
        _RemovesTooMuch: none of them was applied.
    """

    def work(db: Connection) -> Projected:
        total = Projected()
        ledger.open_for_writing(db, connection_id)
        provider = services.provider(connections.get_connection(db, connection_id).provider)
        before = ledger.live_posted(db, connection_id) if may_hold else {}
        for round_ in group:
            if raw_pages.mark_projected(db, round_.round_id, now=services.clock()):
                total += apply(db, provider, round_)
        is_released = any(round_.released_at for round_ in group)
        if (
            may_hold
            and total.removed
            and not is_released
            and _is_mass_removal(before, ledger.live_posted(db, connection_id))
        ):
            raise _RemovesTooMuch
        return total

    return in_transaction(services.engine, work)


def _is_mass_removal(before: Mapping[str, int], after: Mapping[str, int]) -> bool:
    """Whether any account has lost nearly all of its posted rows."""
    return any(
        rows >= _LEAST_ROWS_HELD and after.get(account_id, 0) <= (1 - _HELD_SHARE) * rows
        for account_id, rows in before.items()
    )


def _hold(services: Services, group: Sequence[StoredRound]) -> Projected:
    """Keep rounds back, and say so once."""
    connection_id, ids = group[0].connection_id, [round_.round_id for round_ in group]
    with transaction(services.engine) as db:
        if raw_pages.mark_held(db, ids, "removes nearly everything", now=services.clock()):
            details = {"rounds": ids}
            journal.record_audit(
                db, action="rounds_held", actor="sync", connection_id=connection_id, details=details
            )
            _log.warning("%s: rounds %s remove nearly everything and are held for review", connection_id, ids)
    return Projected(held=len(group))


def release_round(services: Services, round_id: int, *, by: str) -> str:
    """Let a held round through; the next projection applies it. Returns the connection_id.

    Raises:
        NotFound: no such round is held.
    """
    with transaction(services.engine) as db:
        connection_id = raw_pages.mark_released(db, round_id, by=by, now=services.clock())
        if connection_id is None:
            raise NotFound(f"No round {round_id} is held. List held rounds with `bank-sync review list`.")
        details = {"round_id": round_id}
        journal.record_audit(
            db, action="release_round", actor=by, connection_id=connection_id, details=details
        )
    return connection_id


def link_transactions(services: Services, connection_id: str) -> int:
    """Join posted rows to the pending rows they replace; returns how many were joined."""

    def work(db: Connection) -> int:
        ledger.open_for_writing(db, connection_id)
        return belonging.link_connection(db, connection_id, now=services.clock()).accepted

    return in_transaction(services.engine, work)


def quarantined_rows(services: Services, connection_id: str) -> int:
    """Rows of a connection that wait in quarantine."""
    with transaction(services.engine) as db:
        return journal.open_quarantine(db, connection_id)


def held_rounds(services: Services, connection_id: str) -> list[int]:
    """Rounds of a connection that are kept from the ledger because they remove nearly everything."""
    with transaction(services.engine) as db:
        return raw_pages.held_rounds(db, connection_id)
