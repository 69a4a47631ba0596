"""F31 to F35: providers that change their answers, workers that meet, consent that ends, accounts that move.

Belongs here: each fault at every provider it can happen at. Does not belong here: re-links
(`sync/test_relink.py`), recovery's timing (`sync/test_recovery.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from bank_sync.domain.errors import NEEDS_USER, ProviderError, SyncBusy
from bank_sync.services import Services, open_services
from bank_sync.storage.database import DatabaseError
from bank_sync.sync import engine, project
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults.syncing import PROVIDERS, TRANSACTIONS, Person

_OPEN = "SELECT count(*) FROM bank.quarantine WHERE connection_id = :id AND resolved_at IS NULL"
_LIVE = "SELECT count(*) FROM bank.transactions WHERE connection_id = :id AND removed_at IS NULL"

_IDS = (
    "SELECT string_agg(transaction_id, ' ' ORDER BY transaction_id) FROM bank.transactions "
    "WHERE connection_id = :id"
)


@pytest.fixture(params=PROVIDERS)
def someone(request: pytest.FixtureRequest, person: Callable[..., Person], waits: list[float]) -> Person:
    """A person at each provider in turn, synced, with two new rows in each account waiting at the bank."""
    linked = person(request.param)
    for number in range(6):
        linked.spend(linked.accounts()[0], f"-{number + 1}.10", description=f"OLD {number}")
    linked.sync()
    for account in linked.accounts():
        for number in range(2):
            linked.spend(account, f"-{number + 20}.00", description=f"NEW {number}")
    return linked


@pytest.mark.parametrize("kind", ["drift_extra", "drift_enum", "drift_optional_gone"])
def test_f31_drift_that_harms_nothing(kind: str, someone: Person) -> None:
    """New fields, new words and missing extras change no amount, no date and no id."""
    someone.faults({"kind": kind, "times": 1000})
    someone.sync()
    assert someone.bank.faults()[kind] > 0
    assert someone.differences() == []


@pytest.mark.parametrize("kind", ["drift_required_gone", "drift_type"])
def test_f31_row_that_lost_what_it_needs(kind: str, someone: Person, clock: Clock) -> None:
    """The row waits in quarantine, its neighbours go on, none is taken for missing; good answers heal it."""
    someone.faults({"kind": kind, "paths": TRANSACTIONS[someone.provider], "times": 1})
    someone.sync()
    assert someone.one(_OPEN) == 1
    assert someone.one(_LIVE) == 6 + 2 * len(someone.accounts()) - 1
    for _ in range(4):
        clock.advance(days=1)
        someone.sync()
    assert someone.differences() == []


def test_f32_two_workers(someone: Person, services: Services) -> None:
    """While one syncs, another finds it busy and does nothing; the first one's work is whole."""
    someone.faults({"kind": "slow", "paths": TRANSACTIONS[someone.provider], "delay_s": 1.0})
    first = threading.Thread(target=someone.sync)
    first.start()
    busy = 0
    while first.is_alive():
        try:
            with open_services(services.settings, clock=services.clock) as other:
                sync_connection(other, someone.connection_id)
            break
        except SyncBusy:
            busy += 1
    first.join()
    assert busy > 0
    assert someone.differences() == []
    assert someone.one("SELECT lease_holder FROM bank.connections WHERE connection_id = :id") is None


def test_f32_zombie(someone: Person, services: Services, clock: Clock) -> None:
    """A worker that lost its database session while the bank was slow writes nothing when it wakes up."""
    someone.faults({"kind": "slow", "paths": TRANSACTIONS[someone.provider], "delay_s": 1.5})
    ended: list[BaseException] = []

    def work() -> None:
        try:
            someone.sync()
        except (ProviderError, DatabaseError) as error:
            ended.append(error)

    zombie = threading.Thread(target=work)
    zombie.start()
    with open_services(services.settings, clock=services.clock) as other:
        _end_session_of_the_reader(other)
        clock.advance(minutes=16)  # past the lease
        sync_connection(other, someone.connection_id)
        rounds = someone.rounds()
        zombie.join()
    assert isinstance(ended[0], DatabaseError)
    assert someone.rounds() == rounds
    assert someone.differences() == []


def _end_session_of_the_reader(services: Services) -> None:
    """Wait until a session idles within a transaction (it waits for the bank), and end it."""
    query = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
        "AND datname = current_database() AND state = 'idle in transaction' "
        "AND clock_timestamp() - state_change > interval '150 milliseconds'"
    )
    ended: int = 0
    while not ended:
        with services.engine.connect() as db:
            ended = db.execute(query).scalar_one()


@pytest.mark.parametrize("op", ["revoke", "expire_consent"])
def test_f33_consent_that_ends_between_two_calls(
    op: str, someone: Person, person: Callable[..., Person], clock: Clock
) -> None:
    """The person is asked for once, the ledger stays, and nobody else's connection is concerned."""
    neighbour = person(someone.provider)
    before = someone.one(_LIVE)
    engine.pull_accounts(someone.services, someone.connection_id)
    someone.tell(op)
    with pytest.raises(ProviderError) as failed:
        engine.pull_transactions(someone.services, someone.connection_id)
    assert failed.value.recovery in NEEDS_USER
    for _ in range(2):
        clock.advance(days=1)
        assert someone.fails().recovery in NEEDS_USER or someone.fails().code == "credential_breaker_open"
    state = "SELECT state FROM bank.connections WHERE connection_id = :id"
    told = "SELECT count(*) FROM bank.notifications WHERE connection_id = :id AND kind = 'reconnect_needed'"
    assert (someone.one(state), someone.one(told), someone.one(_LIVE)) == ("disconnected", 1, before)
    neighbour.sync()
    assert (neighbour.one(state), neighbour.differences()) == ("connected", [])


def test_f34_account_that_returns_with_a_new_id(someone: Person, clock: Clock) -> None:
    """It is the account it was, with the rows it had: nothing is doubled, nothing lost."""
    someone.sync()
    ids = (
        "SELECT string_agg(account_id, ' ' ORDER BY account_id) FROM bank.accounts WHERE connection_id = :id"
    )
    before = someone.one(ids), someone.one(_IDS)
    account = someone.accounts()[0]
    someone.tell("renew_account", account=account)
    clock.advance(days=1)
    someone.sync()
    assert account not in someone.accounts()
    assert (someone.one(ids), someone.one(_IDS)) == before
    assert someone.differences() == []


def test_f34_account_that_closes_and_reopens(someone: Person, clock: Clock) -> None:
    """Its rows stay while it is closed; open again it is the same account, and goes on."""
    someone.sync()
    account = someone.accounts()[0]
    rows = someone.one(_LIVE)
    state = f"SELECT state FROM bank.accounts WHERE connection_id = :id AND provider_account_id = '{account}'"
    someone.tell("close_account", account=account)
    clock.advance(days=1)
    someone.tries()
    assert (someone.one(state) == "active", someone.one(_LIVE)) == (False, rows)
    someone.tell("reopen_account", account=account)
    someone.spend(account, "-99.00")
    for _ in range(2):
        clock.advance(days=1)
        someone.sync()
    assert (someone.one(state), someone.one(_LIVE)) == ("active", rows + 1)
    assert someone.differences() == []


def test_f34_account_that_appears(someone: Person, clock: Clock) -> None:
    """An account the bank lists only later is added with all its rows, beside those known before."""
    late, listed = someone.accounts()[0], len(someone.accounts())
    someone.spend(late, "-99.00")
    someone.tell("close_account", account=late)
    someone.tries()
    known = "SELECT count(*) FROM bank.accounts WHERE connection_id = :id AND state = 'active'"
    is_named_by_consent = someone.provider == "gocardless"
    assert is_named_by_consent or someone.one(known) == listed - 1
    someone.tell("reopen_account", account=late)
    for _ in range(2):
        clock.advance(days=1)
        someone.sync()
    assert someone.one(known) == listed
    assert someone.differences() == []


def test_f35_everything_under_new_ids(someone: Person, clock: Clock) -> None:
    """A provider that takes all rows away and brings them back under other ids changes no row of ours."""
    someone.sync()
    before = someone.one(_IDS)
    someone.tell("churn", account=someone.accounts()[0])
    clock.advance(days=1)
    someone.sync()
    assert someone.one(_IDS) == before
    assert someone.differences() == []


def test_f35_everything_gone(someone: Person, clock: Clock) -> None:
    """A round that takes nearly all rows away is held; the ledger stays until a person lets it through."""
    account = someone.accounts()[0]
    gone = [
        someone.spend(account, f"-{number + 40}.00", description=f"LOST {number}") for number in range(40)
    ]
    someone.sync()
    rows = someone.one(_LIVE)
    for movement in gone:
        someone.tell("remove", movement=movement)
    clock.advance(days=1)
    someone.sync()
    held = "SELECT max(round_id) FROM raw.rounds WHERE connection_id = :id AND held_at IS NOT NULL"
    assert someone.one(held) is not None
    assert someone.one(_LIVE) == rows
    clock.advance(days=1)
    project.release_round(someone.services, someone.one(held), by="person")
    someone.sync()
    assert someone.one(_LIVE) == rows - len(gone)
    assert someone.differences() == []


def test_f35_everything_gone_and_back(someone: Person, clock: Clock) -> None:
    """What was taken away and brought back lets the held round through by itself."""
    account = someone.accounts()[0]
    gone = [
        someone.spend(account, f"-{number + 40}.00", description=f"LOST {number}") for number in range(40)
    ]
    someone.sync()
    rows = someone.one(_LIVE)
    for op in ("remove", "restore"):
        for movement in gone:
            someone.tell(op, movement=movement)
        clock.advance(days=1)
        someone.sync()
        assert someone.one(_LIVE) == rows
    assert someone.differences() == []
