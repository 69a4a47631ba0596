"""A bank linked again: the same accounts under all-new ids."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from bank_sync.domain.errors import NotFound
from bank_sync.domain.models import ConnectionState
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.sync.onboarding import LinkUnclear, settle_link
from bank_sync.sync.relink import Recognised, Verdict, recognise
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import PROVIDERS, assert_equal


def _ids(services: Services, table: str) -> set[str]:
    column = {"accounts": "account_id", "transactions": "transaction_id"}[table]
    with services.engine.connect() as db:
        return set(db.execute(text(f"SELECT {column} FROM bank.{table}")).scalars())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_relink_keeps_everything(
    provider: str, services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """The same connection, 0 new accounts, and no row but those the bank has added meanwhile."""
    connection_id = link(provider)
    sync_connection(services, connection_id)
    before = {name: _ids(services, name) for name in ("accounts", "transactions")}
    clock.advance(hours=1)
    assert link(provider) == connection_id
    sync_connection(services, connection_id)
    assert {name: _ids(services, name) for name in before} == before
    assert_equal(services, sandbox, connection_id)
    for _ in range(2):
        clock.advance(days=3)
        sync_connection(services, connection_id)
        assert_equal(services, sandbox, connection_id)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_relink_after_a_silence(
    provider: str, services: Services, sandbox: RunningSandbox, clock: Clock, link: Callable[..., str]
) -> None:
    """What happened between the last sync and the new link is told once: nothing lost, nothing doubled."""
    connection_id = link(provider)
    sync_connection(services, connection_id)
    clock.advance(days=20)
    assert link(provider) == connection_id
    sync_connection(services, connection_id)
    assert_equal(services, sandbox, connection_id)
    with services.engine.connect() as db:
        stored = connections.get_connection(db, connection_id)
    assert (stored.generation, stored.state) == (1, ConnectionState.CONNECTED)


def test_another_person_is_another_connection(services: Services, link: Callable[..., str]) -> None:
    """Somebody else's accounts at the same bank begin a connection of their own."""
    first = link("plaid", "user_good")
    sync_connection(services, first)
    assert link("plaid", "user_other") != first


@pytest.mark.parametrize(
    ("told", "stored", "expected"),
    [
        ({"a", "b"}, {}, Recognised(Verdict.NEW)),
        ({"a", "b"}, {"x": {"c"}}, Recognised(Verdict.NEW)),
        ({"a", "b"}, {"x": {"a", "b"}}, Recognised(Verdict.SAME, ("x",))),
        ({"a"}, {"x": {"a", "b"}}, Recognised(Verdict.SAME, ("x",))),
        ({"a", "b", "c"}, {"x": {"a", "b"}, "y": {"d"}}, Recognised(Verdict.SAME, ("x",))),
        (set(), {"x": {"a"}}, Recognised(Verdict.UNCLEAR, ("x",))),
        ({"a", "b"}, {"x": {"b", "c"}}, Recognised(Verdict.UNCLEAR, ("x",))),
        ({"a", "b"}, {"y": {"a"}, "x": {"a", "b"}}, Recognised(Verdict.UNCLEAR, ("x", "y"))),
    ],
)
def test_recognising(told: set[str], stored: dict[str, set[str]], expected: Recognised) -> None:
    """All accounts of one side at one connection is a renewal; a joint account through two logins is not."""
    accounts = {name: {key: f"account {key}" for key in keys} for name, keys in stored.items()}
    assert recognise(told, accounts) == expected


@pytest.mark.parametrize("told", [{"old", "b", "c"}, {"new", "b", "c"}, {"old", "b"}, {"new"}])
def test_recognising_by_any_name(told: set[str]) -> None:
    """An account that was told by two keys is on the other side when it is told by either."""
    stored = {"x": {"old": "first", "new": "first", "b": "second"}}
    assert recognise(told, stored) == Recognised(Verdict.SAME, ("x",))


@pytest.fixture
def unclear(services: Services, link: Callable[..., str]) -> tuple[str, str]:
    """A stored connection, and a new link that has one account of its own and misses one of the stored."""
    stored = link("plaid")
    sync_connection(services, stored)
    with services.engine.begin() as db:
        first = "(SELECT min(account_id) FROM bank.accounts)"
        db.execute(text(f"UPDATE bank.account_keys SET stable_key = 'another' WHERE account_id = {first}"))
    with pytest.raises(LinkUnclear) as asked:
        link("plaid")
    assert asked.value.candidates == (stored,)
    return stored, asked.value.connection_id


def test_link_that_shares_some_accounts_waits(
    services: Services, clock: Clock, unclear: tuple[str, str]
) -> None:
    """Nothing is guessed: the link is kept, sealed, and not synced until somebody says what it is."""
    clock.advance(days=3)
    with services.engine.connect() as db:
        due = connections.due_connections(db, now=clock(), limit=10)
    assert [one.connection_id for one in due] == [unclear[0]]


def test_unclear_link_is_a_renewal(services: Services, unclear: tuple[str, str]) -> None:
    """Said to renew the stored connection, it takes its place and leaves nothing beside it."""
    stored, new = unclear
    assert settle_link(services, new, renews=stored, by="operator") == stored
    sync_connection(services, stored)
    with services.engine.connect() as db:
        assert [one.connection_id for one in connections.list_connections(db)] == [stored]
        assert connections.get_connection(db, stored).generation == 1


def test_unclear_link_is_separate(services: Services, unclear: tuple[str, str]) -> None:
    """Said to be a connection of its own, it is synced as one; saying it again is refused."""
    stored, new = unclear
    assert settle_link(services, new, renews=None, by="operator") == new
    sync_connection(services, new)
    with services.engine.connect() as db:
        assert {one.connection_id for one in connections.list_connections(db)} == {stored, new}
    with pytest.raises(NotFound):
        settle_link(services, new, renews=stored, by="operator")


def test_renamed_account_is_still_recognised(
    services: Services, clock: Clock, link: Callable[..., str]
) -> None:
    """An account that was renamed, and is then told under a new id, keeps its place: 0 new accounts."""
    connection_id = link("plaid")
    sync_connection(services, connection_id)
    before = _ids(services, "accounts")
    with services.engine.begin() as db:  # as if it had been told by another name until now
        db.execute(text("UPDATE bank.account_keys SET stable_key = 'key of its old name ' || account_id"))
    clock.advance(hours=7)
    sync_connection(services, connection_id)
    assert link("plaid") == connection_id
    sync_connection(services, connection_id)
    assert _ids(services, "accounts") == before


def test_renamed_account_of_a_renewed_link_is_kept_once_it_is_settled(
    services: Services, link: Callable[..., str]
) -> None:
    """Renamed and under a new id at once: a person is asked, and then it is the account it was."""
    connection_id = link("plaid")
    sync_connection(services, connection_id)
    before = _ids(services, "accounts")
    with services.engine.begin() as db:
        db.execute(text("UPDATE bank.account_keys SET stable_key = 'key of its old name ' || account_id"))
    with pytest.raises(LinkUnclear) as asked:
        link("plaid")
    settle_link(services, asked.value.connection_id, renews=connection_id, by="operator")
    sync_connection(services, connection_id)
    assert _ids(services, "accounts") == before


def test_second_try_after_a_link_that_never_worked() -> None:
    """A connection that failed before it told any account is what the new link renews; of two, neither."""
    stored: dict[str, dict[str, str]] = {"x": {}, "y": {"b": "account b"}}
    assert recognise({"a"}, stored, stillborn={"x"}) == Recognised(Verdict.SAME, ("x",))
    assert recognise({"b"}, stored, stillborn={"x"}) == Recognised(Verdict.SAME, ("y",))
    assert recognise({"a"}, {"x": {}, "z": {}}, stillborn={"x", "z"}) == Recognised(Verdict.NEW)
