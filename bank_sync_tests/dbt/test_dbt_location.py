"""The dbt models as a Dagster code location."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import dagster as dg

    from bank_sync_tests.dbt.conftest import Warehouse

pytestmark = [
    # dagster-dbt uses names that dagster itself deprecates; nothing here can be written otherwise
    pytest.mark.filterwarnings("ignore:AssetExecutionContext:DeprecationWarning:dagster_dbt"),
    # imported by sqlglot, which dagster-dbt reads column lineage with
    pytest.mark.filterwarnings("ignore:sqlglotrs is deprecated:DeprecationWarning"),
]


@pytest.fixture
def definitions(marts: Warehouse) -> dg.Definitions:
    """The code location on the hand-made ledger."""
    from bank_sync.orchestration.dbt_location import build_dbt_definitions

    return build_dbt_definitions(marts.settings)


def test_models_join_the_assets_they_are_built_from(definitions: dg.Definitions) -> None:
    """Sources carry the keys of the sync's assets, so that one graph shows the whole way."""
    import dagster as dg

    dg.Definitions.validate_loadable(definitions)
    specs = {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}
    upstream = {dep.asset_key.to_user_string() for spec in specs.values() for dep in spec.deps}
    assert upstream - {name for name in specs if name.startswith(("stg_", "int_", "dim_", "fct_"))} == {
        *("accounts", "balances", "connection_health", "normalized_transactions"),
        *("categorized_transactions", "transaction_links"),
    }
    mart = specs["fct_transactions"]
    assert (mart.group_name, mart.owners) == ("analytics", ["team:analytics"])
    assert mart.kinds == {"dbt", "postgres"}


def test_a_broken_ledger_fails_its_check_and_a_mended_one_passes(
    marts: Warehouse, definitions: dg.Definitions
) -> None:
    """A transaction of no account turns one check and the run red; no secret stays in the environment."""
    import dagster as dg

    from bank_sync.orchestration.triggers.marts import BUILD_MARTS

    job = definitions.resolve_job_def(BUILD_MARTS)
    before = dict(os.environ)
    with dg.DagsterInstance.ephemeral() as instance:
        marts.run("UPDATE bank.transactions SET account_id = 'nobody' WHERE transaction_id = 'late_fee'")
        try:
            broken = job.execute_in_process(instance=instance, raise_on_error=False)
        finally:
            marts.run(
                "UPDATE bank.transactions SET account_id = 'checking' WHERE transaction_id = 'late_fee'"
            )
        mended = job.execute_in_process(instance=instance)

    failed = [check.check_name for check in broken.get_asset_check_evaluations() if not check.passed]
    assert not broken.success
    assert failed == ["transactions_equal_ledger"]

    checks = mended.get_asset_check_evaluations()
    assert all(check.passed for check in checks)
    assert {check.check_name for check in checks} >= {"transactions_equal_ledger", "daily_balance_adds_up"}
    events = mended.get_asset_materialization_events()
    assert len(events) == 26
    [mart] = [event for event in events if event.asset_key == dg.AssetKey("fct_transactions")]
    assert mart.materialization.metadata["dagster/row_count"].value == 8

    assert dict(os.environ) == before
    assert list((marts.settings.home / "dbt" / "runs").iterdir()) == []
