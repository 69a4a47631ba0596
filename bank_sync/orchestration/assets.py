"""The assets: one partition per connection, bodies of a few lines over the library.

Belongs here: asset definitions and their metadata. Does not belong here: what they do (`sync`,
`notifications`), checks (`orchestration.checks`). A new asset of a connection is one function here.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import dagster as dg
from sqlalchemy import Table

from bank_sync.notifications.events import announce
from bank_sync.orchestration import reporting
from bank_sync.orchestration.partitions import connection_partitions
from bank_sync.services import Services
from bank_sync.storage import tables
from bank_sync.sync import engine, enrich, project, reconcile

Result = dg.MaterializeResult[Any]

PROVIDER_POOL = "provider_calls"
"""Steps that call a provider; the limit over all connections stands in `dagster.yaml`."""

_RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.FULL)
_OWNERS = ["team:data-engineering"]


def _asset(**options: Any) -> Callable[[Callable[..., Result]], dg.AssetsDefinition]:
    """What all assets of a connection share."""
    decorate: Callable[[Callable[..., Result]], dg.AssetsDefinition] = dg.asset(
        partitions_def=connection_partitions,
        owners=_OWNERS,
        retry_policy=_RETRIES,
        code_version="1",
        **options,
    )
    return decorate


def _of(stored: Table) -> dict[str, object]:
    return reporting.table_metadata(stored)


@_asset(group_name="raw", kinds={"python", "postgres"}, pool=PROVIDER_POOL, metadata=_of(tables.pages))
def raw_accounts(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One round of pages that list the connection's accounts, as received (`raw.pages`)."""
    with reporting.failing_clearly():
        result = engine.pull_accounts(
            services,
            context.partition_key,
            run_id=context.run.run_id,
            asked_by=reporting.asked_by(context.run),
        )
    return dg.MaterializeResult(metadata=reporting.pulled(result))


@_asset(group_name="ledger", kinds={"postgres"}, deps=[raw_accounts], metadata=_of(tables.accounts))
def accounts(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One row per account of the connection, keyed by what survives a re-link (`bank.accounts`)."""
    with reporting.failing_clearly():
        result = project.project_accounts(services, context.partition_key)
    return dg.MaterializeResult(metadata=reporting.projected(result))


@_asset(
    group_name="raw",
    kinds={"python", "postgres"},
    deps=[accounts],
    pool=PROVIDER_POOL,
    metadata=_of(tables.pages),
)
def raw_transactions(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One round of pages with what is new since the last cursor or window, and the cursor (`raw.pages`)."""
    with reporting.failing_clearly():
        result = engine.pull_transactions(
            services,
            context.partition_key,
            run_id=context.run.run_id,
            asked_by=reporting.asked_by(context.run),
            on_progress=reporting.progress_of(context),
        )
    return dg.MaterializeResult(metadata=reporting.pulled(result))


@_asset(
    group_name="raw",
    kinds={"python", "postgres"},
    deps=[accounts],
    pool=PROVIDER_POOL,
    metadata=_of(tables.pages),
)
def raw_balances(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One round of pages with the balances of all active accounts, as received (`raw.pages`)."""
    with reporting.failing_clearly():
        result = engine.pull_balances(
            services,
            context.partition_key,
            run_id=context.run.run_id,
            asked_by=reporting.asked_by(context.run),
        )
    return dg.MaterializeResult(metadata=reporting.pulled(result))


@_asset(group_name="ledger", kinds={"postgres"}, deps=[raw_transactions], metadata=_of(tables.transactions))
def normalized_transactions(
    context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]
) -> Result:
    """One row per transaction ever seen, in one sign and one vocabulary (`bank.transactions`).

    Upserted by transaction_id; removals are tombstones; unreadable rows wait in `bank.quarantine`.
    """
    with reporting.failing_clearly():
        result = project.project_transactions(
            services, context.partition_key, on_progress=reporting.progress_of(context)
        )
    return dg.MaterializeResult(metadata=reporting.projected(result))


@_asset(group_name="ledger", kinds={"postgres"}, deps=[raw_balances], metadata=_of(tables.balances))
def balances(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One row per distinct observation of a balance (`bank.balances`)."""
    with reporting.failing_clearly():
        result = project.project_balances(services, context.partition_key)
    return dg.MaterializeResult(metadata=reporting.projected(result))


@_asset(
    group_name="enrichment",
    kinds={"postgres"},
    deps=[normalized_transactions],
    metadata=_of(tables.transaction_links),
)
def transaction_links(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One row per decision that two transactions belong together (`bank.transaction_links`)."""
    with reporting.failing_clearly():
        joined = project.link_transactions(services, context.partition_key)
    return dg.MaterializeResult(metadata={"pending_to_posted": joined})


@_asset(
    group_name="enrichment",
    kinds={"python", "postgres"},
    deps=[transaction_links],
    metadata=_of(tables.transaction_categories),
)
def categorized_transactions(
    context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]
) -> Result:
    """One row per category ever given to a transaction, with confidence and reason.

    Only live rows without a category, or changed since, are categorized (`bank.transaction_categories`).
    """
    with reporting.failing_clearly():
        result = enrich.categorize_connection(services, context.partition_key)
    preview = reporting.table(result.by_primary, ("category", "transactions"))
    return dg.MaterializeResult(
        metadata={"rows_categorized": result.rows, "by_category": dg.MetadataValue.md(preview)}
    )


@_asset(
    group_name="operations",
    kinds={"postgres"},
    deps=[normalized_transactions, balances],
    metadata=_of(tables.connections),
)
def connection_health(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """The connection's state after a sync, whether its balances are explained, and when the next one is due.

    `bank.connections` and `bank.reconciliations`.
    """
    with reporting.failing_clearly():
        proofs = reconcile.reconcile_connection(services, context.partition_key)
        connection = engine.finish_sync(services, context.partition_key, run_id=context.run.run_id)
        quarantined = project.quarantined_rows(services, context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "provider": connection.provider,
            "state": connection.state.value,
            "next_sync_at": dg.MetadataValue.timestamp(connection.next_sync_at),
            "next_sync_reason": connection.next_sync_reason or "",
            "rows_in_quarantine": quarantined,
            "balances": dg.MetadataValue.md(
                reporting.table(Counter(proof.state.value for proof in proofs), ("balances", "accounts"))
            ),
        }
    )


@_asset(
    group_name="operations",
    kinds={"postgres"},
    deps=[categorized_transactions, connection_health],
    metadata=_of(tables.notifications),
)
def notifications(context: dg.AssetExecutionContext, services: dg.ResourceParam[Services]) -> Result:
    """One row per message for a person; held back while a blocking check fails (`bank.notifications`)."""
    with reporting.failing_clearly():
        result = announce(services, context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "queued": result.queued,
            "transactions_told": result.transactions,
            "held_by": ", ".join(result.held_by) or "nothing",
        }
    )


CONNECTION_ASSETS = (
    raw_accounts,
    accounts,
    raw_transactions,
    raw_balances,
    normalized_transactions,
    balances,
    transaction_links,
    categorized_transactions,
    connection_health,
    notifications,
)
"""In the order a sync materializes them."""
