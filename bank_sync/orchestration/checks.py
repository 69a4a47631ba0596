"""Asset checks: the quality gate as Dagster sees it.

Belongs here: how a check of a step shows in Dagster. Does not belong here: what is checked (`quality`) and
after which step (`sync.steps`). Checks are partitioned like the assets; the blocking ones keep what needs the
checked asset from running.
"""

import warnings

import dagster as dg

from bank_sync.orchestration import reporting
from bank_sync.orchestration.partitions import connection_partitions
from bank_sync.quality.gate import Verdict
from bank_sync.services import Services
from bank_sync.sync import freshness
from bank_sync.sync.steps import STEPS, Check, Step

# Partitioned checks are a preview feature of this Dagster; every process would print so at start.
warnings.filterwarnings("ignore", message="Specifying a partitions_def on an AssetCheckSpec")


def _asset_check(step: Step, check: Check) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=step.name,
        name=check.name,
        description=check.promise,
        blocking=check.is_blocking,
        partitions_def=connection_partitions,
    )
    def body(
        context: dg.AssetCheckExecutionContext, services: dg.ResourceParam[Services]
    ) -> dg.AssetCheckResult:
        with reporting.failing_clearly():
            verdict = check.judge(services, context.partition_key)
        return dg.AssetCheckResult(
            passed=verdict.passed,
            severity=reporting.severity(check),
            metadata=reporting.details(verdict),
        )

    return body


CHECKS = tuple(_asset_check(step, check) for step in STEPS for check in step.checks)


def _fleet_check(verdict: Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed, severity=dg.AssetCheckSeverity.WARN, metadata=reporting.details(verdict)
    )


@dg.asset_check(asset="connection_health")
def stale_connections(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """Every connection in good health was read within what its provider's cadence promises."""
    with reporting.failing_clearly():
        return _fleet_check(freshness.check_freshness(services))


@dg.asset_check(asset="connection_health")
def no_webhook_parked(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """No webhook waits for a person to decide what it means."""
    with reporting.failing_clearly():
        return _fleet_check(freshness.check_inbox(services))


FLEET_CHECKS = (stale_connections, no_webhook_parked)
"""On all connections at once, not on one: they have a job of their own."""
