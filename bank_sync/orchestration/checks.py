"""Asset checks: the quality gate as Dagster sees it.

Belongs here: check definitions. Does not belong here: what is checked (`quality`). Checks are partitioned
like the assets; the blocking ones keep `notifications` from running.
"""

import warnings

import dagster as dg

from bank_sync.orchestration.assets import (
    categorized_transactions,
    connection_health,
    normalized_transactions,
)
from bank_sync.orchestration.partitions import connection_partitions
from bank_sync.orchestration.reporting import failing_clearly
from bank_sync.quality import gate
from bank_sync.services import Services
from bank_sync.sync import freshness
from bank_sync.sync.project import held_rounds, quarantined_rows

# Partitioned checks are a preview feature of this Dagster; every process would print so at start.
warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec")


def _result(verdict: gate.Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={name: _metadata(value) for name, value in verdict.details.items()},
    )


def _metadata(value: object) -> dg.MetadataValue:
    if isinstance(value, dict | list):
        return dg.MetadataValue.json(value)
    return dg.MetadataValue.int(int(str(value)))


@dg.asset_check(
    asset=categorized_transactions,
    name=gate.LEDGER_INVARIANTS,
    blocking=True,
    partitions_def=connection_partitions,
)
def ledger_invariants(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> dg.AssetCheckResult:
    """No doubled row, no pending row beside its posted one, every row from a committed round."""
    with failing_clearly():
        return _result(gate.check_invariants(services, context.partition_key))


@dg.asset_check(
    asset=categorized_transactions,
    name=gate.TRANSACTIONS_SUITE,
    blocking=True,
    partitions_def=connection_partitions,
)
def transactions_suite(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> dg.AssetCheckResult:
    """The Great Expectations suite over the newest live transactions."""
    with failing_clearly():
        return _result(gate.check_suite(services, context.partition_key))


@dg.asset_check(asset=normalized_transactions, partitions_def=connection_partitions)
def nothing_in_quarantine(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> dg.AssetCheckResult:
    """Every row the provider sent could be read; a warning, since the readable rows are good."""
    waiting = quarantined_rows(services, context.partition_key)
    return dg.AssetCheckResult(
        passed=waiting == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"rows_in_quarantine": waiting}
    )


@dg.asset_check(
    asset=connection_health,
    name=gate.BALANCES_EXPLAINED,
    blocking=True,
    partitions_def=connection_partitions,
)
def balances_explained(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> dg.AssetCheckResult:
    """Opening balance + flows = closing balance, or unknown; a difference fails at the second sync."""
    with failing_clearly():
        return _result(gate.check_balances(services, context.partition_key))


@dg.asset_check(asset=normalized_transactions, partitions_def=connection_partitions)
def no_round_held(
    context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
) -> dg.AssetCheckResult:
    """No round waits for review because it would remove nearly everything; see `bank-sync review list`."""
    held = held_rounds(services, context.partition_key)
    return dg.AssetCheckResult(passed=not held, metadata={"rounds_held": dg.MetadataValue.json(held)})


CHECKS = (
    ledger_invariants,
    transactions_suite,
    balances_explained,
    nothing_in_quarantine,
    no_round_held,
)


def _warning(verdict: gate.Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: _metadata(value) for name, value in verdict.details.items()},
    )


@dg.asset_check(asset=connection_health)
def stale_connections(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Every connection in good health was read within what its provider's cadence promises."""
    with failing_clearly():
        return _warning(freshness.check_freshness(services))


@dg.asset_check(asset=connection_health)
def no_webhook_parked(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """No webhook waits for a person to decide what it means."""
    with failing_clearly():
        return _warning(freshness.check_inbox(services))


FLEET_CHECKS = (stale_connections, no_webhook_parked)
"""On all connections at once, not on one: they have a job of their own."""
