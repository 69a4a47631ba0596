"""The assets of a connection: one per step of a sync, one partition per connection.

Belongs here: how a step shows as an asset. Does not belong here: which steps there are, in which order, and
what they do (`sync.steps`); checks (`orchestration.checks`). A new step there is a new asset here.
"""

from typing import Any

import dagster as dg

from bank_sync.orchestration import reporting
from bank_sync.orchestration.partitions import connection_partitions
from bank_sync.services import Services
from bank_sync.sync.steps import STEPS, Step, Sync

Result = dg.MaterializeResult[Any]

PROVIDER_POOL = "provider_calls"
"""Steps that call a provider; the limit over all connections stands in `dagster.yaml`."""

_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)
_OWNERS = ["team:data-engineering"]


def _asset(step: Step) -> dg.AssetsDefinition:
    @dg.asset(
        name=step.name,
        description=step.promise,
        deps=list(step.needs),
        partitions_def=connection_partitions,
        group_name=step.group,
        kinds={"python", "postgres"} if step.calls_provider else {"postgres"},
        pool=PROVIDER_POOL if step.calls_provider else None,
        metadata=reporting.table_metadata(step.fills),
        owners=_OWNERS,
        retry_policy=_RETRIES,
        code_version="1",
    )
    def body(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
        sync = Sync(
            services,
            context.partition_key,
            context.run.run_id,
            reporting.asked_by(context.run),
            reporting.progress_of(context),
        )
        with reporting.failing_clearly():
            figures = step.work(sync)
        return dg.MaterializeResult(metadata=reporting.metadata(figures))

    return body


CONNECTION_ASSETS = tuple(_asset(step) for step in STEPS)
"""In the order a sync materializes them."""
