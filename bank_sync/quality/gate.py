"""The gate: checks of one connection, their verdicts, and whether people may be told.

Belongs here: running the checks, and remembering what the blocking ones said. Does not belong here: what they
look for (`quality.invariants`, `quality.suite`), after which step of a sync they run (`sync.steps`).
"""

from __future__ import annotations

from dataclasses import dataclass

from bank_sync.quality.invariants import broken_invariants
from bank_sync.quality.suite import state_of, validate_transactions
from bank_sync.services import Services
from bank_sync.storage.database import transaction
from bank_sync.storage.journal import open_quarantine, passed_details, record_verdict
from bank_sync.storage.raw_pages import held_rounds
from bank_sync.storage.reconciliations import reconciliation_counts

LEDGER_INVARIANTS = "ledger_invariants"
TRANSACTIONS_SUITE = "transactions_suite"
BALANCES_EXPLAINED = "balances_explained"
NOTHING_IN_QUARANTINE = "nothing_in_quarantine"
NO_ROUND_HELD = "no_round_held"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check said; details hold counts and our ids, never amounts."""

    check_name: str
    passed: bool
    details: dict[str, object]


def check_invariants(services: Services, connection_id: str) -> Verdict:
    """Do the ledger's invariants hold for this connection?"""
    with transaction(services.engine) as db:
        broken = broken_invariants(db, connection_id)
    return _remember(services, connection_id, Verdict(LEDGER_INVARIANTS, not broken, {"broken": broken}))


def check_suite(services: Services, connection_id: str) -> Verdict:
    """Does the Great Expectations suite pass on this connection's transactions?

    Rows that passed are not looked at again before one of them has changed.
    """
    with transaction(services.engine) as db:
        state = state_of(db, connection_id)
        known = passed_details(db, connection_id, TRANSACTIONS_SUITE, looked_at=state)
        if known is not None:
            return Verdict(TRANSACTIONS_SUITE, passed=True, details=known)
        result = validate_transactions(db, connection_id)
    details: dict[str, object] = {
        "rows": result.rows,
        "expectations": result.expectations,
        "unexpected": result.unexpected,
    }
    verdict = Verdict(TRANSACTIONS_SUITE, result.passed, details)
    return _remember(services, connection_id, verdict, looked_at=state)


def check_balances(services: Services, connection_id: str) -> Verdict:
    """Do the flows explain the balances? A difference fails at the second sync in a row: balances may lag."""
    with transaction(services.engine) as db:
        counts = reconciliation_counts(db, connection_id)
    details: dict[str, object] = {
        "proven": counts.proven,
        "unknown": counts.unknown,
        "differing_once": counts.differing_once,
        "differing": list(counts.differing),
    }
    return _remember(services, connection_id, Verdict(BALANCES_EXPLAINED, not counts.differing, details))


def check_quarantine(services: Services, connection_id: str) -> Verdict:
    """Could every row the provider sent be read? The readable ones are good either way: nothing is held."""
    with transaction(services.engine) as db:
        waiting = open_quarantine(db, connection_id)
    return Verdict(NOTHING_IN_QUARANTINE, not waiting, {"rows_in_quarantine": waiting})


def check_held(services: Services, connection_id: str) -> Verdict:
    """Does no round wait for a person because it would remove nearly everything?"""
    with transaction(services.engine) as db:
        held = held_rounds(db, connection_id)
    return Verdict(NO_ROUND_HELD, not held, {"rounds_held": held})


def _remember(
    services: Services, connection_id: str, verdict: Verdict, *, looked_at: str | None = None
) -> Verdict:
    with transaction(services.engine) as db:
        record_verdict(
            db,
            connection_id,
            verdict.check_name,
            passed=verdict.passed,
            details=verdict.details,
            looked_at=looked_at,
            now=services.clock(),
        )
    return verdict
