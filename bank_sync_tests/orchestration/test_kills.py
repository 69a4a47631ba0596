"""kill -9 of each of Dagster's processes, in the middle of a batch and of a single run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import dagster as dg
import psutil
import pytest
from sqlalchemy import text

from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.partitions import CONNECTIONS, run_tags
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.settings import Settings
from bank_sync.storage.connections import get_connection, update_connection
from bank_sync.storage.database import transaction
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import Person, person_at
from bank_sync_tests.orchestration.conftest import Daemon
from bank_sync_tests.orchestration.machine import Machine, running_machine, until
from bank_sync_tests.stateful.bank import Bank


@pytest.fixture
def people(services: Services, sandbox: RunningSandbox, clock: Clock) -> Iterator[list[Person]]:
    """Three synced people with news at the bank; two are due, the third is not."""
    with closing(Bank(sandbox.url)) as bank:
        linked = [
            person_at(services, sandbox, bank, "teller", f"script-kill-{number}") for number in range(3)
        ]
        for one in linked:
            one.sync()
        clock.now += timedelta(days=2)
        for one in linked:
            one.news()
        with transaction(services.engine) as db:
            update_connection(db, linked[2].connection_id, next_sync_at=clock() + timedelta(days=9))
        yield linked


@pytest.fixture
def machine(
    settings: Settings, clock: Clock, instance: dg.DagsterInstance, location: dg.Definitions
) -> Iterator[Machine]:
    """Dagster's processes."""
    with running_machine(settings, clock, instance, location) as running:
        yield running


@contextmanager
def in_the_middle(machine: Machine, people: list[Person]) -> Iterator[tuple[str, str]]:
    """A batch over two people and a run of the third, all about to write transactions until the block ends.

    Gives the ids of the two runs.
    """
    third = people[2]
    machine.tell_time()
    machine.instance.add_dynamic_partitions(CONNECTIONS, [one.connection_id for one in people])
    with transaction(third.services.engine) as db:
        tags = run_tags(get_connection(db, third.connection_id), kind="manual")
    with third.services.engine.begin() as db:
        db.execute(text("LOCK TABLE bank.transactions IN SHARE MODE"))
        batch = machine.queue(REFRESH_DUE_CONNECTIONS)
        single = machine.queue("sync_connection", {**tags, "dagster/partition": third.connection_id})
        waiting = text(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'bank.transactions'::regclass"
        )
        until(lambda: db.execute(waiting).scalar() == len(people), "writing transactions")
        yield batch, single


def held(services: Services) -> list[str]:
    """Connections that count as being synced, or are held by somebody."""
    is_held = "sync_state = 'in_progress' OR lease_holder IS NOT NULL"
    with services.engine.connect() as db:
        return list(db.execute(text(f"SELECT connection_id FROM bank.connections WHERE {is_held}")).scalars())


@pytest.mark.timeout(180)  # two or three starts of a Dagster process, on a busy machine
@pytest.mark.parametrize("victim", ["daemon", "code_server", "workers"])
def test_killed_in_the_middle(victim: str, machine: Machine, people: list[Person], daemon: Daemon) -> None:
    """F16 and kill -9: nothing lost, nothing doubled, nobody stuck after the reaper; what died goes on."""
    services = people[0].services
    with in_the_middle(machine, people) as runs:
        workers = machine.workers()
        assert len(workers) == 2
        machine.kill(victim)
    if victim == "workers":
        assert [one.leftovers() for one in people] == [[], [], []]
    else:
        machine.start(victim)
    psutil.wait_procs(workers, timeout=60)
    until(machine.all_ended, "the end of all runs")
    statuses = {machine.instance.get_run_by_id(one).status.value for one in runs}  # type: ignore[union-attr]
    assert statuses == {"FAILURE" if victim == "workers" else "SUCCESS"}

    wishes = daemon.schedule("refresh_due")  # the reaper's tick
    assert held(services) == []
    assert bool(wishes) is (victim == "workers")
    daemon.clock.advance(days=1)
    machine.tell_time()
    for one in people:
        one.news()
    machine.queue(REFRESH_DUE_CONNECTIONS)
    until(machine.all_ended, "the end of the next batch")
    assert [one.differences() for one in people] == [[], [], []]
    assert held(services) == []
