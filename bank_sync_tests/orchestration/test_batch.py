"""Batches: each due connection once, whatever else goes on, and nothing stuck when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import text

from bank_sync.orchestration import dagster_events
from bank_sync.orchestration.assets import CONNECTION_ASSETS
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.partitions import BATCH_TAG, CONNECTION_TAG, connection_partitions
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, project_root
from bank_sync.sync.batch import Batch
from bank_sync.sync.onboarding import finish_link
from bank_sync.sync.recovery import reap_stuck
from bank_sync.sync.whole import Outcome
from bank_sync_tests.conftest import Clock, link_teller
from bank_sync_tests.faults.syncing import TRANSACTIONS, Person, person_at
from bank_sync_tests.stateful.bank import Bank

LATER = timedelta(hours=2)  # after it nothing counts as newly linked


@pytest.fixture
def people(services: Services, sandbox: RunningSandbox, clock: Clock) -> Iterator[list[Person]]:
    """Three people with two rows each at the bank, linked a while ago and due."""
    with closing(Bank(sandbox.url)) as bank:
        linked = [
            person_at(services, sandbox, bank, "teller", f"script-batch-{number}") for number in range(3)
        ]
        for one in linked:
            one.news()
        clock.now += LATER
        yield linked


@pytest.fixture
def due(people: list[Person]) -> list[str]:
    """Their connections."""
    return [one.connection_id for one in people]


def rows(services: Services, query: str) -> list[tuple[Any, ...]]:
    """What a query gives, or nothing for one that changes something."""
    with services.engine.begin() as db:
        result = db.execute(text(query))
        return [tuple(row) for row in result] if result.returns_rows else []


def troubles(outcomes: Iterable[Outcome]) -> list[str]:
    """What kept connections from a whole sync."""
    return [str(one.error) for one in outcomes if not one.is_whole]


def batch(services: Services, run_id: str) -> Batch:
    """One batch with time enough."""
    return Batch(services, run_id, ends_at=services.clock() + timedelta(hours=1))


@contextmanager
def many_workers(settings: Settings, clock: Clock) -> Iterator[Services]:
    """Services of another process."""
    with open_services(settings, clock=clock, workers=12) as opened:
        yield opened


def test_two_batches_at_a_time(settings: Settings, clock: Clock, due: list[str]) -> None:
    """Every connection is synced once, by one of them, and no lease is left."""
    told: list[Outcome] = []

    def work(name: str) -> None:
        with many_workers(settings, clock) as services:
            told.extend(batch(services, name).outcomes())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.connection_id for one in told) == sorted(due)
    assert troubles(told) == []
    with many_workers(settings, clock) as services:
        assert rows(services, "SELECT DISTINCT sync_state, lease_holder FROM bank.connections") == [
            ("completed", None)
        ]
        attempts = "SELECT count(*) FROM bank.sync_attempts GROUP BY connection_id, part"
        assert set(rows(services, attempts)) == {(1,)}


def test_connection_that_somebody_else_is_at(services: Services, clock: Clock, due: list[str]) -> None:
    """A connection under a single sync is left alone; once its lease is over without a word, it is taken."""
    until = clock.now + timedelta(minutes=15)
    rows(
        services,
        f"UPDATE bank.connections SET lease_holder = 'single run', lease_until = '{until}' "
        f"WHERE connection_id = '{due[0]}'",
    )
    outcomes = list(batch(services, "batch").outcomes())
    assert troubles(outcomes) == []
    assert {one.connection_id for one in outcomes} == set(due[1:])
    clock.advance(minutes=16)
    assert [one.connection_id for one in batch(services, "next").outcomes()] == [due[0]]


def test_mistake_of_ours_meets_one_connection(services: Services, clock: Clock, due: list[str]) -> None:
    """Its credential does not open: it is put off and named without data; the others are synced."""
    rows(services, f"UPDATE bank.credentials SET ciphertext = '' WHERE connection_id = '{due[0]}'")
    outcomes = {one.connection_id: one for one in batch(services, "batch").outcomes()}
    assert set(outcomes) == set(due)
    assert [one.is_whole for key, one in outcomes.items() if key != due[0]] == [True] * 2
    assert outcomes[due[0]].error is not None
    found = rows(
        services,
        f"SELECT sync_state, error_code, lease_holder FROM bank.connections WHERE connection_id = '{due[0]}'",
    )
    assert found == [("failed", "sync_failed", None)]
    assert list(batch(services, "at once").outcomes()) == []
    clock.advance(minutes=16)
    assert [one.connection_id for one in batch(services, "later").outcomes()] == [due[0]]


def test_bug_is_told_by_type_and_place(
    services: Services, due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unforeseen exception fails the connection it met, without the text, which may hold data."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("GB33BUKB20201555555555")

    monkeypatch.setattr("bank_sync.sync.project.belonging.link_connection", broken)
    outcomes = list(batch(services, "batch").outcomes())
    assert len(outcomes) == 3
    for one in outcomes:
        assert str(one.error).startswith("transaction_links failed with KeyError at test_batch.py:")
        assert "GB33" not in str(one.error)


def test_connection_linked_just_now(services: Services, sandbox: RunningSandbox, clock: Clock) -> None:
    """Its first sync is somebody else's for an hour; after that a batch sees to it."""
    proof = link_teller(services, sandbox, "newcomer")
    connection_id = finish_link(services, "teller", user_reference="newcomer", proof=proof)
    assert list(batch(services, "too early").outcomes()) == []
    clock.advance(hours=1, seconds=1)
    assert [one.connection_id for one in batch(services, "batch").outcomes()] == [connection_id]


def test_no_time_left(services: Services, clock: Clock, due: list[str]) -> None:
    """Nothing is begun after a batch's end; it is the next one's."""
    late = Batch(services, "late", ends_at=clock.now)
    assert list(late.outcomes()) == []
    assert rows(services, "SELECT count(lease_holder) FROM bank.connections") == [(0,)]


def test_reader_that_falls_behind(services: Services, due: list[str]) -> None:
    """Nothing is begun that nobody has time to tell; who leaves early is not kept, and loses nothing."""
    begun = "SELECT count(DISTINCT connection_id) FROM bank.sync_attempts"
    slow = Batch(services, "slow", ends_at=services.clock() + timedelta(hours=1), untold=1)
    with closing(slow.outcomes()) as outcomes:
        first = next(outcomes)
        assert rows(services, begun) == [(1,)]
    assert {first.connection_id, *(one.connection_id for one in batch(services, "next").outcomes())} == set(
        due
    )
    assert rows(services, "SELECT count(lease_holder) FROM bank.connections") == [(0,)]


def test_slow_reader_gets_everything(services: Services, due: list[str]) -> None:
    """One at a time, all of them come."""
    slow = Batch(services, "slow", ends_at=services.clock() + timedelta(hours=1), untold=1)
    assert {one.connection_id for one in slow.outcomes()} == set(due)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_killed_in_the_middle(
    number: signal.Signals, services: Services, clock: Clock, people: list[Person]
) -> None:
    """F17 and kill -9: no half round, no lease that outlives its time; nothing is lost or doubled."""
    bank = people[0].bank
    slow = {"kind": "slow", "paths": TRANSACTIONS["teller"], "delay_s": 20}
    bank.plan_faults({"next": [slow, slow]})
    worker = subprocess.Popen(
        [sys.executable, "-m", "bank_sync_tests.orchestration.batch_worker", clock.now.isoformat()],
        cwd=project_root(),
        env={**os.environ, **services.settings.as_environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while bank.faults().get("slow", 0) < 2:
        assert worker.poll() is None, "the worker ended before it read transactions"
    worker.send_signal(number)
    worker.wait(120)
    bank.clear_faults()
    assert [one.leftovers() for one in people] == [[], [], []]
    clock.advance(minutes=16)
    reap_stuck(services, ended_of=lambda _: ())
    running = f"sync_state = 'in_progress' OR lease_until > '{clock.now}'"
    assert rows(services, f"SELECT count(*) FROM bank.connections WHERE {running}") == [(0,)]
    clock.advance(hours=9)
    outcomes = {one.connection_id: one for one in batch(services, "next").outcomes()}
    assert set(outcomes) == {one.connection_id for one in people}
    assert troubles(outcomes.values()) == []
    assert [one.differences() for one in people] == [[], [], []]


def test_private_api_is_there() -> None:
    """Fails after an upgrade that moves what `dagster_events` leans on: it then goes the public, slow way."""
    assert dagster_events.is_private_api_there


def test_every_asset_knows_its_newest_event(
    instance: dg.DagsterInstance, location: dg.Definitions, due: list[str]
) -> None:
    """Events written together count for each of their assets: its partitions and its newest event."""
    result = location.resolve_job_def(REFRESH_DUE_CONNECTIONS).execute_in_process(instance=instance)
    assert result.success
    for asset in CONNECTION_ASSETS:
        assert instance.get_materialized_partitions(asset.key) == set(due)
        newest = instance.get_latest_materialization_event(asset.key)
        assert newest is not None
        assert newest.run_id == result.run_id


def test_nothing_looks_out_of_step(
    instance: dg.DagsterInstance, location: dg.Definitions, due: list[str]
) -> None:
    """Each asset of a partition is newer than those it was made from, as after a run of one connection."""
    assert location.resolve_job_def(REFRESH_DUE_CONNECTIONS).execute_in_process(instance=instance).success
    written = {
        (record.asset_key, record.partition_key): record.storage_id
        for asset in CONNECTION_ASSETS
        for record in instance.fetch_materializations(asset.key, limit=len(due)).records
    }
    edges = [(asset.key, parent) for asset in CONNECTION_ASSETS for parent in asset.dependency_keys]
    assert len(edges) > len(CONNECTION_ASSETS)
    for child, parent in edges:
        assert all(written[child, one] > written[parent, one] for one in due)


def test_the_public_way(
    instance: dg.DagsterInstance, location: dg.Definitions, due: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without private API every materialization and verdict is still told."""
    monkeypatch.setattr(dagster_events, "is_private_api_there", False)
    assert location.resolve_job_def(REFRESH_DUE_CONNECTIONS).execute_in_process(instance=instance).success
    for asset in CONNECTION_ASSETS:
        assert instance.get_materialized_partitions(asset.key) == set(due)


def test_failed_connection_has_a_run(
    instance: dg.DagsterInstance, location: dg.Definitions, people: list[Person], due: list[str]
) -> None:
    """What failed shows as that connection's failed run, with the safe error, linked to the batch."""
    people[0].bank.break_login(people[0].token)
    result = location.resolve_job_def(REFRESH_DUE_CONNECTIONS).execute_in_process(instance=instance)
    assert result.success
    [recorded] = instance.get_runs(dg.RunsFilter(job_name="sync_connection"))
    assert recorded.status is dg.DagsterRunStatus.FAILURE
    assert recorded.tags[BATCH_TAG] == result.run_id
    assert recorded.tags["dagster/partition"] == recorded.tags[CONNECTION_TAG] == due[0]
    [failed] = [
        one.dagster_event
        for one in instance.all_logs(recorded.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if one.dagster_event
    ]
    told = failed.step_failure_data.user_failure_data
    assert told is not None
    assert "log in to the bank again" in str(told.description)
    assert people[0].token not in str(told)
    asset_key = dg.AssetKey(failed.step_key or "")
    shown = instance.get_status_by_partition(asset_key, due, connection_partitions)
    assert shown is not None
    assert {key: status and status.value for key, status in shown.items()} == {
        key: "FAILED" if key == due[0] else "MATERIALIZED" for key in due
    }


def test_tick_is_the_same_when_repeated(
    instance: dg.DagsterInstance, location: dg.Definitions, due: list[str], clock: Clock
) -> None:
    """F40: a tick that is evaluated again asks for the same run by its key; the next tick for another."""
    first, again = tick(location, instance, clock), tick(location, instance, clock)
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert [one.run_key for one in first] == [one.run_key for one in again]
    assert len(first) == 1
    clock.advance(minutes=5)
    later = tick(location, instance, clock)
    assert isinstance(later, list)
    assert later[0].run_key != first[0].run_key


def test_no_second_batch_while_one_is_at_it(
    instance: dg.DagsterInstance, location: dg.Definitions, due: list[str], clock: Clock
) -> None:
    """A batch takes until nothing is due; another beside it would only wait in the queue."""
    job = location.resolve_job_def(REFRESH_DUE_CONNECTIONS)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert isinstance(tick(location, instance, clock), dg.SkipReason)
    instance.report_run_failed(run)
    assert isinstance(tick(location, instance, clock), list)


def test_lost_worker_is_noticed_by_the_tick(
    services: Services, instance: dg.DagsterInstance, location: dg.Definitions, due: list[str], clock: Clock
) -> None:
    """A sync in progress whose lease is over is due again at once, also when it was not due before."""
    rows(
        services,
        "UPDATE bank.connections SET sync_state = 'in_progress', lease_holder = 'dead', "
        f"lease_until = '{clock.now}', next_sync_at = '{clock.now + timedelta(days=1)}'",
    )
    clock.advance(minutes=1)
    assert isinstance(tick(location, instance, clock), list)
    assert rows(services, "SELECT DISTINCT error_code FROM bank.connections") == [("worker_lost",)]


def test_another_waits_behind_one_that_ends_before_the_next_tick(
    services: Services, instance: dg.DagsterInstance, location: dg.Definitions, clock: Clock, due: list[str]
) -> None:
    """What a batch leaves over is not left alone until the tick after its end."""
    job = location.resolve_job_def(REFRESH_DUE_CONNECTIONS)
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, job.name, message="begun"), run.run_id
    )
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    assert record.start_time is not None
    clock.now = datetime.fromtimestamp(record.start_time, UTC)
    rows(services, f"UPDATE bank.connections SET next_sync_at = '{clock.now - LATER}'")
    assert isinstance(tick(location, instance, clock), dg.SkipReason)
    clock.advance(minutes=6)
    assert isinstance(tick(location, instance, clock), list)


def tick(location: dg.Definitions, instance: dg.DagsterInstance, clock: Clock) -> object:
    """One evaluation of `refresh_due`."""
    schedule: Callable[..., object] = location.resolve_schedule_def("refresh_due")
    return schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=clock.now))
