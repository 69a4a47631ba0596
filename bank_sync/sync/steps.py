"""What a sync of one connection consists of: its steps in order, what each needs, tells and is checked for.

Belongs here: the one description that both ways of syncing go by: one connection as a graph of assets, and
many in a batch (`sync.whole`). Does not belong here: what a step does, how Dagster shows it
(`orchestration`).

A step that fails leaves the steps that need it undone and the others standing. A blocking check that fails
does the same to what needs the step it checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Table as StoredTable

from bank_sync.domain.models import AskedBy
from bank_sync.notifications.events import announce
from bank_sync.quality import gate
from bank_sync.quality.gate import Verdict
from bank_sync.services import Services
from bank_sync.storage import tables
from bank_sync.sync import engine, enrich, project, reconcile
from bank_sync.sync.engine import Pulled
from bank_sync.sync.parts import Projected
from bank_sync.sync.progress import OnProgress, silent


@dataclass(frozen=True, slots=True)
class Sync:
    """One sync of one connection on its way through the steps.

    Attributes:
        run_id: who holds the connection's lease until the end.
    """

    services: Services
    connection_id: str
    run_id: str
    asked_by: AskedBy = AskedBy.SCHEDULE
    on_progress: OnProgress = silent


@dataclass(frozen=True, slots=True)
class Rows:
    """A small table among the figures: counts by name."""

    header: tuple[str, str]
    counts: Mapping[str, int | str]


Figure = int | str | datetime | Rows
Figures = dict[str, Figure]
"""What a step tells of itself: counts, codes and moments, never anything about a person."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question asked after a step; a blocking one holds back what needs that step."""

    name: str
    promise: str
    judge: Callable[[Services, str], Verdict]
    is_blocking: bool = False
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: also of the asset that it materializes.
        group: of the asset.
        promise: what one row of `fills` is.
        needs: steps without which it has nothing to work on.
    """

    name: str
    group: str
    promise: str
    fills: StoredTable
    work: Callable[[Sync], Figures]
    needs: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    calls_provider: bool = field(default=False, kw_only=True)


def _pull_accounts(sync: Sync) -> Figures:
    return pulled(
        engine.pull_accounts(sync.services, sync.connection_id, run_id=sync.run_id, asked_by=sync.asked_by)
    )


def _pull_transactions(sync: Sync) -> Figures:
    return pulled(
        engine.pull_transactions(
            sync.services,
            sync.connection_id,
            run_id=sync.run_id,
            asked_by=sync.asked_by,
            on_progress=sync.on_progress,
        )
    )


def _pull_balances(sync: Sync) -> Figures:
    return pulled(
        engine.pull_balances(sync.services, sync.connection_id, run_id=sync.run_id, asked_by=sync.asked_by)
    )


def _project_accounts(sync: Sync) -> Figures:
    return projected(project.project_accounts(sync.services, sync.connection_id))


def _project_transactions(sync: Sync) -> Figures:
    return projected(
        project.project_transactions(sync.services, sync.connection_id, on_progress=sync.on_progress)
    )


def _project_balances(sync: Sync) -> Figures:
    return projected(project.project_balances(sync.services, sync.connection_id))


def _link(sync: Sync) -> Figures:
    return {"pending_to_posted": project.link_transactions(sync.services, sync.connection_id)}


def _categorize(sync: Sync) -> Figures:
    result = enrich.categorize_connection(sync.services, sync.connection_id)
    by_category = Rows(("category", "transactions"), result.by_primary)
    return {"rows_categorized": result.rows, "by_category": by_category}


def _finish(sync: Sync) -> Figures:
    proofs = reconcile.reconcile_connection(sync.services, sync.connection_id)
    states = Counter(proof.state.value for proof in proofs)
    connection = engine.finish_sync(sync.services, sync.connection_id, run_id=sync.run_id)
    return {
        "provider": connection.provider,
        "state": connection.state.value,
        "next_sync_at": connection.next_sync_at,
        "next_sync_reason": connection.next_sync_reason or "",
        "rows_in_quarantine": project.quarantined_rows(sync.services, sync.connection_id),
        "balances": Rows(("balances", "accounts"), dict(sorted(states.items()))),
    }


def _announce(sync: Sync) -> Figures:
    result = announce(sync.services, sync.connection_id)
    return {
        "queued": result.queued,
        "transactions_told": result.transactions,
        "held_by": ", ".join(result.held_by) or "nothing",
    }


def pulled(result: Pulled) -> Figures:
    """What a committed round tells."""
    found: Figures = {
        "round_id": result.round_id,
        "pages": result.pages,
        "accounts_failed": len(result.failures),
    }
    if result.failures:
        recoveries = {failure.code: str(failure.recovery) for failure in result.failures}
        found["failures"] = Rows(("code", "recovery"), recoveries)
    return found


def projected(result: Projected) -> Figures:
    """What a projection tells."""
    return {
        "rounds": result.rounds,
        "rows_read": result.read,
        "rows_new": result.new,
        "rows_changed": result.changed,
        "rows_removed": result.removed,
        "rows_quarantined": result.quarantined,
        "rounds_held": result.held,
    }


STEPS = (
    Step(
        "raw_accounts",
        "raw",
        "One round of pages that list the connection's accounts, as received (`raw.pages`).",
        tables.pages,
        _pull_accounts,
        calls_provider=True,
    ),
    Step(
        "accounts",
        "ledger",
        "One row per account of the connection, keyed by what survives a re-link (`bank.accounts`).",
        tables.accounts,
        _project_accounts,
        needs=("raw_accounts",),
    ),
    Step(
        "raw_transactions",
        "raw",
        "One round of pages with what is new since the last cursor or window, and the cursor (`raw.pages`).",
        tables.pages,
        _pull_transactions,
        needs=("accounts",),
        calls_provider=True,
    ),
    Step(
        "raw_balances",
        "raw",
        "One round of pages with the balances of all active accounts, as received (`raw.pages`).",
        tables.pages,
        _pull_balances,
        needs=("accounts",),
        calls_provider=True,
    ),
    Step(
        "normalized_transactions",
        "ledger",
        "One row per transaction ever seen, in one sign and one vocabulary (`bank.transactions`). "
        "Upserted by transaction_id; removals are tombstones; unreadable rows wait in `bank.quarantine`.",
        tables.transactions,
        _project_transactions,
        needs=("raw_transactions",),
        checks=(
            Check(
                gate.NOTHING_IN_QUARANTINE,
                "Every row the provider sent could be read; a warning, since the readable rows are good.",
                gate.check_quarantine,
                is_warning=True,
            ),
            Check(
                gate.NO_ROUND_HELD,
                "No round waits for review because it would remove nearly everything; see "
                "`bank-sync review list`.",
                gate.check_held,
            ),
        ),
    ),
    Step(
        "balances",
        "ledger",
        "One row per distinct observation of a balance (`bank.balances`).",
        tables.balances,
        _project_balances,
        needs=("raw_balances",),
    ),
    Step(
        "transaction_links",
        "enrichment",
        "One row per decision that two transactions belong together (`bank.transaction_links`).",
        tables.transaction_links,
        _link,
        needs=("normalized_transactions",),
    ),
    Step(
        "categorized_transactions",
        "enrichment",
        "One row per category ever given to a transaction, with confidence and reason. Only live rows "
        "without a category, or changed since, are categorized (`bank.transaction_categories`).",
        tables.transaction_categories,
        _categorize,
        needs=("transaction_links",),
        checks=(
            Check(
                gate.LEDGER_INVARIANTS,
                "No doubled row, no pending row beside its posted one, every row from a committed round.",
                gate.check_invariants,
                is_blocking=True,
            ),
            Check(
                gate.TRANSACTIONS_SUITE,
                "The Great Expectations suite over the newest live transactions.",
                gate.check_suite,
                is_blocking=True,
            ),
        ),
    ),
    Step(
        "connection_health",
        "operations",
        "The connection's state after a sync, whether its balances are explained, and when the next is due "
        "(`bank.connections`, `bank.reconciliations`).",
        tables.connections,
        _finish,
        needs=("normalized_transactions", "balances"),
        checks=(
            Check(
                gate.BALANCES_EXPLAINED,
                "Opening balance + flows = closing balance, or unknown; a difference fails the second time.",
                gate.check_balances,
                is_blocking=True,
            ),
        ),
    ),
    Step(
        "notifications",
        "operations",
        "One row per message for a person; held back while a blocking check fails (`bank.notifications`).",
        tables.notifications,
        _announce,
        needs=("categorized_transactions", "connection_health"),
    ),
)
"""In the order in which a sync goes through them; each needs only earlier ones."""
