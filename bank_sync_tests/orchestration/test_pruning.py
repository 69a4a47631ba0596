"""Old runs and events go; what the UI shows of every partition and check stays."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from sqlalchemy import text

from bank_sync.orchestration.partitions import CONNECTIONS, connection_partitions
from bank_sync.orchestration.pruning import prune
from bank_sync.services import Services
from bank_sync.storage.database import make_engine, transaction
from bank_sync_tests.conftest import Clock

ROWS = ("event_logs", "runs", "asset_check_executions", "asset_event_tags", "run_tags")
ASSETS = ("raw", "ledger")


def job_of_two() -> dg.Definitions:
    """Two assets and a check on the same partitions; tags say which partition fails where."""

    @dg.asset(partitions_def=connection_partitions)
    def raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        context.log_event(dg.AssetObservation("raw", partition=context.partition_key, metadata={"pages": 1}))
        if context.run.tags.get("fails") == "raw":
            raise dg.Failure("no", allow_retries=False)
        return dg.MaterializeResult(tags={"kind": "test"})

    @dg.asset(partitions_def=connection_partitions, deps=[raw])
    def ledger() -> None:
        """Follows the first."""

    @dg.asset_check(asset=ledger, partitions_def=connection_partitions)
    def sound(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=context.run.tags.get("fails") != "check")

    return dg.Definitions(
        assets=[raw, ledger],
        asset_checks=[sound],
        jobs=[dg.define_asset_job("both", selection="*")],
        executor=dg.in_process_executor,
    )


def run(location: dg.Definitions, instance: dg.DagsterInstance, partition: str, fails: str = "") -> None:
    """One run of one partition."""
    location.resolve_job_def("both").execute_in_process(
        instance=instance, partition_key=partition, tags={"fails": fails}, raise_on_error=False
    )


def statuses(
    instance: dg.DagsterInstance, asset: str, partitions: Sequence[str]
) -> Mapping[str, AssetPartitionStatus | None]:
    """What colours the partitions of an asset, worked out from the events once more."""
    key = dg.AssetKey(asset)
    instance.event_log_storage.wipe_asset_cached_status(key)
    return instance.get_status_by_partition(key, list(partitions), connection_partitions) or {}


def shown(instance: dg.DagsterInstance, partitions: Sequence[str]) -> dict[str, object]:
    """All that the UI asks of partitions and checks."""
    keys = [dg.AssetKey(name) for name in ASSETS]
    check = dg.AssetCheckKey(dg.AssetKey("ledger"), "sound")
    checks = instance.event_log_storage.get_asset_check_partition_info(
        [check], partition_keys=list(partitions)
    )
    return {
        "status": {name: statuses(instance, name, partitions) for name in ASSETS},
        "materialized": {key.to_user_string(): instance.get_materialized_partitions(key) for key in keys},
        "latest": {
            (key.to_user_string(), partition): [one.run_id for one in _latest(instance, key, partition)]
            for key in keys
            for partition in partitions
        },
        "checks": sorted((one.partition_key or "", one.latest_execution_status.value) for one in checks),
    }


def _latest(instance: dg.DagsterInstance, key: dg.AssetKey, partition: str) -> Sequence[dg.EventLogRecord]:
    wanted = dg.AssetRecordsFilter(asset_key=key, asset_partitions=[partition])
    return instance.fetch_materializations(wanted, limit=1).records


def counts(services: Services) -> dict[str, int]:
    """Rows in Dagster's tables."""
    engine = make_engine(services.locations.dagster)
    with transaction(engine) as db:
        found: dict[str, int] = {
            name: db.execute(text(f"SELECT count(*) FROM {name}")).scalar_one() for name in ROWS
        }
    engine.dispose()
    return found


def age(services: Services, days: float) -> None:
    """Make all that Dagster stored so much older: it dates by the wall clock."""
    moves = (
        "UPDATE event_logs SET timestamp = timestamp - :span",
        "UPDATE runs SET update_timestamp = update_timestamp - :span",
        "UPDATE asset_check_executions SET create_timestamp = create_timestamp - :span",
    )
    engine = make_engine(services.locations.dagster)
    with transaction(engine) as db:
        for move in moves:
            db.execute(text(move), {"span": timedelta(days=days)})
    engine.dispose()


def test_nothing_that_is_shown_changes(
    services: Services, instance: dg.DagsterInstance, clock: Clock
) -> None:
    """Materialized, failed and missing partitions, checks and their runs look the same after months."""
    clock.now = datetime.now(UTC)
    location = job_of_two()
    partitions = ["conn_good", "conn_failed", "conn_unsound", "conn_untouched", "conn_recent"]
    instance.add_dynamic_partitions(CONNECTIONS, partitions)
    story = [("conn_good", ""), ("conn_good", ""), ("conn_failed", ""), ("conn_failed", "raw")]
    for partition, fails in (*story, ("conn_unsound", ""), ("conn_unsound", "check")):
        run(location, instance, partition, fails)
    age(services, 60)
    run(location, instance, "conn_recent")
    before, rows = shown(instance, partitions), counts(services)
    recent = instance.get_runs(limit=1)[0].run_id
    events = len(instance.all_logs(recent))
    gone = prune(services)
    after = counts(services)
    assert shown(instance, partitions) == before
    done, failed = AssetPartitionStatus.MATERIALIZED, AssetPartitionStatus.FAILED
    expected = {"conn_good": done, "conn_failed": failed, "conn_unsound": done, "conn_recent": done}
    for name in ASSETS:
        found = statuses(instance, name, partitions)
        assert {key: value for key, value in found.items() if value is not None} == expected
    assert gone["events"] == rows["event_logs"] - after["event_logs"] > rows["event_logs"] / 2
    assert gone["runs"] == rows["runs"] - after["runs"] == 2
    assert gone["checks"] == rows["asset_check_executions"] - after["asset_check_executions"] == 2
    assert len(instance.all_logs(recent)) == events
    assert prune(services) == {"checks": 0, "events": 0, "runs": 0}
    run(location, instance, "conn_failed")
    assert "conn_failed" in instance.get_materialized_partitions(dg.AssetKey("raw"))


def test_a_run_that_is_still_going(services: Services, instance: dg.DagsterInstance, clock: Clock) -> None:
    """It keeps every event, however old."""
    clock.now = datetime.now(UTC)
    location = job_of_two()
    instance.add_dynamic_partitions(CONNECTIONS, ["conn_slow"])
    run(location, instance, "conn_slow")
    [old] = instance.get_runs()
    engine = make_engine(services.locations.dagster)
    with transaction(engine) as db:
        db.execute(text("UPDATE runs SET status = 'STARTED'"))
    engine.dispose()
    age(services, 60)
    events = len(instance.all_logs(old.run_id))
    assert prune(services)["events"] == 0
    assert len(instance.all_logs(old.run_id)) == events


def test_before_dagster_ever_ran(services: Services) -> None:
    """There is nothing to delete, and that is no error."""
    assert prune(services) == {"checks": 0, "events": 0, "runs": 0}
