"""Proof of money: opening balance + flows = closing balance, per account and currency, to the last digit.

Belongs here: what can be concluded from two balances and the ledger between them, as pure functions, and
`reconcile_connection`, which does it at the end of a sync. Does not belong here: reading and writing
(`storage.readings`, `storage.reconciliations`).

The opening is the first balance that was read together with a complete ledger; each proof moves it on. While
an account differs the opening stays, so that a balance that merely lagged is proven by a later sync, and a
missing row is not. What cannot be known is `unknown` with its reason, never proven.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bank_sync.domain.models import AccountState, ReconciliationState
from bank_sync.services import Services
from bank_sync.storage import ledger
from bank_sync.storage.database import transaction
from bank_sync.storage.journal import record_audit
from bank_sync.storage.readings import Reading, ReadState, read_state, readings
from bank_sync.storage.reconciliations import (
    Reconciliation,
    forget_opening,
    reconciliations_of,
    store_reconciliations,
)

_BOOKED_NOW = frozenset({"current", "ledger", "interimBooked"})
"""Balances that hold exactly what is posted by now: others count pending rows or tell of another day."""

_PROVABLE_TYPES = frozenset(
    {"depository", "credit"}
)  # a loan's interest and a fund's value come without rows

_MOST_APART = timedelta(minutes=15)  # beyond it the bank may well have posted between the two reads


def reconcile_connection(services: Services, connection_id: str) -> tuple[Reconciliation, ...]:
    """Prove every account of a connection after a sync; asking twice concludes the same."""
    with transaction(services.engine) as db:
        ledger.open_for_writing(db, connection_id)  # no projection comes between the two readings
        state = read_state(db, connection_id)
        known = reconciliations_of(db, connection_id)
        proofs = tuple(
            conclude(known.get((one.account_id, one.currency)), one, state, connection_id)
            for one in readings(db, connection_id, state)
        )
        store_reconciliations(db, proofs, now=services.clock())
    return proofs


def restart_proof(services: Services, account_id: str, *, by: str) -> None:
    """Forget the opening of an account: its proof starts again at the next sync, on a person's word.

    Raises:
        NotFound: nothing was ever concluded of this account.
    """
    with transaction(services.engine) as db:
        connection_id = forget_opening(db, account_id, now=services.clock())
        details = {"account_id": account_id}
        record_audit(db, action="restart_proof", actor=by, connection_id=connection_id, details=details)


def conclude(
    known: Reconciliation | None, reading: Reading, state: ReadState, connection_id: str
) -> Reconciliation:
    """What a reading says about an account, given what was concluded before. Pure."""
    before = known or _nothing_known(reading, connection_id)
    reason = obstacle(reading, state)
    if reason is not None:
        return _unknown(before, reason)
    if before.opening_as_of is None or before.opening_generation != state.generation:
        return _open(before, reading, state)
    if state.balances_at is None or state.balances_at <= before.opening_as_of:
        return _unknown(before, "There is no balance yet that is newer than the opening one.")
    return _compare(_move_on(before, state.balances_at), reading, state.balances_at)


def obstacle(reading: Reading, state: ReadState) -> str | None:
    """Why a reading proves nothing, as a sentence; None when it can be used. Pure."""
    return _account_obstacle(reading) or _sync_obstacle(state) or _reading_obstacle(reading)


def _account_obstacle(reading: Reading) -> str | None:
    if reading.account_type not in _PROVABLE_TYPES:
        return f"The value of this account ({reading.account_type}) also moves without transactions."
    if reading.account_state != AccountState.ACTIVE:
        return f"The account is {reading.account_state} and no longer read."
    return None


def _sync_obstacle(state: ReadState) -> str | None:
    if state.transactions_at is None or state.balances_at is None:
        return "Transactions and balances have not both been read yet."
    found = (
        (state.failed_part is not None, f"The latest read of {state.failed_part} failed."),
        (state.waiting > 0, "Answers of the bank wait to be applied or to be let through."),
        (state.is_history_loading, "The provider is still loading the history."),
        (state.quarantined > 0, "Rows that could not be read wait in quarantine: the sum is not complete."),
        (
            abs(state.balances_at - state.transactions_at) > _MOST_APART,
            "Balances and transactions were not read in one sync.",
        ),
    )
    return next((sentence for is_so, sentence in found if is_so), None)


def _reading_obstacle(reading: Reading) -> str | None:
    if not reading.is_read:
        return "The latest read of this account's transactions was not complete."
    if reading.amount is None:
        return "The latest sync brought no current balance in this currency."
    if reading.balance_type not in _BOOKED_NOW:
        return f"The bank gives no booked balance of now, only {reading.balance_type}."
    return None


def _nothing_known(reading: Reading, connection_id: str) -> Reconciliation:
    return Reconciliation(
        reading.account_id, reading.currency, connection_id, ReconciliationState.UNKNOWN, reason=""
    )


def _unknown(before: Reconciliation, reason: str) -> Reconciliation:
    """The opening is kept for a later sync; nothing is said of the closing."""
    return replace(
        before,
        state=ReconciliationState.UNKNOWN,
        reason=reason,
        flows=None,
        closing_amount=None,
        closing_as_of=None,
        difference=None,
    )


def _open(before: Reconciliation, reading: Reading, state: ReadState) -> Reconciliation:
    is_first = before.opening_as_of is None
    reason = "first balance" if is_first else "first balance since the bank was connected anew"
    return replace(
        _unknown(before, f"This is the {reason}: the next sync has something to compare."),
        opening_amount=reading.amount,
        opening_as_of=state.balances_at,
        opening_total=reading.total,
        opening_generation=state.generation,
        syncs_differing=0,
    )


def _move_on(before: Reconciliation, closing_as_of: datetime) -> Reconciliation:
    """A proven closing is the next opening; anything else leaves the opening where it is."""
    is_proven = before.state is ReconciliationState.PROVEN
    if not is_proven or before.closing_as_of == closing_as_of:
        return before
    if before.opening_total is None or before.flows is None:
        return before
    return replace(
        before,
        opening_amount=before.closing_amount,
        opening_as_of=before.closing_as_of,
        opening_total=before.opening_total + before.flows,
    )


def _compare(before: Reconciliation, reading: Reading, closing_as_of: datetime) -> Reconciliation:
    if reading.amount is None or before.opening_amount is None or before.opening_total is None:
        return before
    flows = reading.total - before.opening_total
    difference = reading.amount - before.opening_amount - flows
    is_another_sync = before.closing_as_of != closing_as_of
    compared = replace(
        before,
        flows=flows,
        closing_amount=reading.amount,
        closing_as_of=closing_as_of,
        difference=difference,
    )
    if difference:
        return replace(
            compared,
            state=ReconciliationState.DIFFERS,
            reason="The balance did not move by what the transactions say.",
            syncs_differing=before.syncs_differing + is_another_sync,
        )
    return replace(
        compared,
        state=ReconciliationState.PROVEN,
        reason="The transactions explain the balance exactly.",
        syncs_differing=0,
    )
