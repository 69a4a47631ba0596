"""The gate: checks of one connection, their verdicts, and whether people may be told.

Belongs here: running the checks and remembering what they said. Does not belong here: the checks themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from bank_sync.quality.invariants import broken_invariants
from bank_sync.quality.suite import validate_transactions
from bank_sync.services import Services
from bank_sync.storage.database import transaction
from bank_sync.storage.journal import record_verdict
from bank_sync.storage.reconciliations import reconciliation_counts

LEDGER_INVARIANTS = "ledger_invariants"
TRANSACTIONS_SUITE = "transactions_suite"
BALANCES_EXPLAINED = "balances_explained"


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
    """Does the Great Expectations suite pass on this connection's transactions?"""
    with transaction(services.engine) as db:
        result = validate_transactions(db, connection_id)
    details: dict[str, object] = {
        "rows": result.rows,
        "expectations": result.expectations,
        "unexpected": result.unexpected,
    }
    return _remember(services, connection_id, Verdict(TRANSACTIONS_SUITE, result.passed, details))


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


def _remember(services: Services, connection_id: str, verdict: Verdict) -> Verdict:
    with transaction(services.engine) as db:
        record_verdict(
            db,
            connection_id,
            verdict.check_name,
            passed=verdict.passed,
            details=verdict.details,
            now=services.clock(),
        )
    return verdict
