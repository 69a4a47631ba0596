"""Failed runs: one alert per cause, however many runs fail for it."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import httpx
from sqlalchemy import select

from bank_sync.orchestration.triggers.failures import failed_runs_sensor
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings
from bank_sync.storage import tables
from bank_sync.storage.alerts import recent_alerts
from bank_sync.storage.database import transaction
from bank_sync_tests.conftest import Clock
from bank_sync_tests.orchestration.conftest import Daemon

SECRET = "DE89370400440532013000"


def location_with(settings: Settings, clock: Clock) -> dg.Definitions:
    """The sensor, and a job that fails in the way its tags say."""

    @dg.op
    def step(context: dg.OpExecutionContext) -> None:
        how = context.run.tags["how"]
        if how == "broken":
            raise RuntimeError(SECRET)
        told = {"provider": "plaid", "code": "INSTITUTION_DOWN", "recovery": how}
        raise dg.Failure("plaid answered INSTITUTION_DOWN.", metadata=told, allow_retries=False)

    @dg.job(name="sync_connection")
    def job() -> None:
        step()

    sensor = failed_runs_sensor(lambda: open_services(settings, clock=clock))
    return dg.Definitions(jobs=[job], sensors=[sensor], executor=dg.in_process_executor)


def causes(services: Services) -> dict[str, int]:
    """Alerts, and how often each was met."""
    with transaction(services.engine) as db:
        return {row.cause: row.times for row in db.execute(select(tables.alerts))}


def test_one_alert_per_cause(
    settings: Settings, services: Services, instance: dg.DagsterInstance, clock: Clock
) -> None:
    """Five runs and two causes make two alerts, a refused login makes none; a week later, told again."""
    daemon = Daemon(location_with(settings, clock), instance, clock)
    daemon.sensor("failed_runs")  # the first tick notes where to begin
    for how in ("retry_backoff", "retry_backoff", "broken", "reauth_user", "retry_backoff"):
        assert not daemon.run(dg.RunRequest(tags={"how": how})).success
    ticks(daemon, 5)
    down, broken = "run_failed:sync_connection:plaid:INSTITUTION_DOWN", "run_failed:sync_connection:step:"
    assert causes(services) == {down: 3, f"{broken}RuntimeError": 1}
    with transaction(services.engine) as db:
        found = {one.cause: one for one in recent_alerts(db, since=clock() - timedelta(days=1))}
    assert found[down].told_at == clock()
    assert found[down].run_id is not None
    assert SECRET not in " ".join(one.message for one in found.values())
    clock.advance(days=8)
    daemon.run(dg.RunRequest(tags={"how": "retry_backoff"}))
    ticks(daemon, 1)
    with transaction(services.engine) as db:
        [again] = recent_alerts(db, since=clock())
    assert (again.cause, again.times, again.told_at) == (down, 4, clock())


def test_failure_of_a_real_sync(
    daemon: Daemon, services: Services, sandbox: RunningSandbox, link: Callable[..., str]
) -> None:
    """What the provider broke is named by its code."""
    link("gocardless")
    [request] = daemon.sensor("new_connections")
    daemon.sensor("failed_runs")
    wrong = {"kind": "http_402", "paths": "/gocardless/api/v2/accounts/", "times": 1000}
    httpx.post(f"{sandbox.url}/_sandbox/faults", json={"next": [wrong]}).raise_for_status()
    assert not daemon.run(request).success
    ticks(daemon, 1)
    assert causes(services) == {"run_failed:sync_connection:gocardless:http_402": 1}


def ticks(daemon: Daemon, count: int) -> None:
    """The daemon looks so many times; a tick takes one failed run."""
    for _ in range(count):
        daemon.sensor("failed_runs")
