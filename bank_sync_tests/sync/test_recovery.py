"""What a failure leaves behind: the next try, one message, breakers, and syncs that lost their worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.models import AskedBy, SyncState
from bank_sync.services import Services
from bank_sync.storage import breakers, tables
from bank_sync.storage.connections import StoredConnection, get_connection
from bank_sync.storage.database import transaction
from bank_sync.sync import engine, project, recovery
from bank_sync_tests.conftest import Clock

Link = Callable[..., str]
PEOPLE = tuple(f"script-{number}" for number in range(6))


def failure(kind: Recovery, code: str = "INSTITUTION_DOWN", status: int = 400) -> ProviderError:
    """What a provider did."""
    return ProviderError(provider="plaid", code=code, recovery=kind, http_status=status)


def connection_of(services: Services, connection_id: str) -> StoredConnection:
    """As it stands."""
    with transaction(services.engine) as db:
        return get_connection(db, connection_id)


def fail(services: Services, connection_id: str, error: ProviderError) -> datetime:
    """A failed attempt, noted as the engine does."""
    with transaction(services.engine) as db:
        connection = get_connection(db, connection_id)
        due_at = recovery.note_failure(db, connection, error, now=services.clock())
        db.execute(
            update(tables.connections)
            .where(tables.connections.c.connection_id == connection_id)
            .values(next_sync_at=due_at)
        )
    return due_at


def succeed(services: Services, connection_id: str) -> None:
    """A sync that went through."""
    with transaction(services.engine) as db:
        recovery.note_success(db, get_connection(db, connection_id))


def check(services: Services, connection_id: str, asked_by: AskedBy = AskedBy.SCHEDULE) -> None:
    """Ask the breakers as the engine does."""
    connection = connection_of(services, connection_id)
    with transaction(services.engine) as db:
        refusal = recovery.refusal_by_breakers(db, connection, asked_by, now=services.clock())
    if refusal is not None:
        raise refusal


def messages(services: Services) -> list[tuple[str, str]]:
    """Kind and text of all queued messages."""
    query = select(tables.notifications.c.kind, tables.notifications.c.message)
    with transaction(services.engine) as db:
        return [(row.kind, row.message) for row in db.execute(query)]


def row_of(services: Services, connection_id: str) -> Mapping[str, object]:
    """Everything stored of a connection."""
    query = select(tables.connections).where(tables.connections.c.connection_id == connection_id)
    with transaction(services.engine) as db:
        return dict(db.execute(query).mappings().one())


def test_told_once_in_a_long_outage(services: Services, link: Link, clock: Clock) -> None:
    """Three tries, then one message however long it lasts; after a success the next outage is a new one."""
    connection_id = link("plaid", "script")
    waits = []
    for _ in range(8):
        due_at = fail(services, connection_id, failure(Recovery.RETRY_BACKOFF))
        waits.append(due_at - clock())
        clock.now = due_at
    assert waits[:3] == [timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60)]
    assert all(timedelta(hours=21) < wait < timedelta(hours=27) for wait in waits[3:])
    assert [kind for kind, _ in messages(services)] == ["connection_failing"]
    assert row_of(services, connection_id)["failures"] == 8
    succeed(services, connection_id)
    after = row_of(services, connection_id)
    assert (after["failures"], after["first_failed_at"], after["told_at"]) == (0, None, None)
    for _ in range(5):
        clock.now = fail(services, connection_id, failure(Recovery.RETRY_BACKOFF))
    assert [kind for kind, _ in messages(services)] == ["connection_failing"] * 2


def test_a_login_that_is_refused(services: Services, link: Link, clock: Clock) -> None:
    """The person is told once, the schedule leaves the login alone, the person may try at any time."""
    connection_id = link("plaid", "script")
    other_id = link("teller", "script")
    for _ in range(3):
        fail(services, connection_id, failure(Recovery.REAUTH_USER, "ITEM_LOGIN_REQUIRED"))
    told = messages(services)
    assert [kind for kind, _ in told] == ["reconnect_needed"]
    assert connection_of(services, connection_id).institution_name in told[0][1]
    with pytest.raises(ProviderError) as refused:
        check(services, connection_id)
    assert (refused.value.code, refused.value.recovery) == ("credential_breaker_open", Recovery.RETRY_AT)
    check(services, connection_id, AskedBy.PERSON)
    check(services, other_id)
    clock.advance(days=1)
    check(services, connection_id)
    succeed(services, connection_id)
    clock.advance(seconds=1)
    check(services, connection_id)


def test_connecting_again_after_a_refused_login(services: Services, link: Link, clock: Clock) -> None:
    """The schedule goes on at once, and a later refusal is told anew."""
    connection_id = link("gocardless", "script")
    engine.pull_accounts(services, connection_id)
    project.project_accounts(services, connection_id)
    fail(services, connection_id, failure(Recovery.REAUTH_USER, "AccessExpiredError", 401))
    clock.advance(hours=1)
    assert link("gocardless", "script") == connection_id
    check(services, connection_id)
    fail(services, connection_id, failure(Recovery.REAUTH_USER, "AccessExpiredError", 401))
    assert [kind for kind, _ in messages(services)] == ["reconnect_needed"] * 2


def test_a_bank_that_is_down(services: Services, link: Link, clock: Clock) -> None:
    """Five people failing stop all syncs of the bank, alert once, and one probe tells when it is back."""
    ids = [link("plaid", person) for person in PEOPLE]
    elsewhere = link("teller", "script")
    for connection_id in ids[:5]:
        check(services, connection_id)
        fail(services, connection_id, failure(Recovery.RETRY_BACKOFF))
    for asked_by in AskedBy:
        with pytest.raises(ProviderError, match="institution_breaker_open") as refused:
            check(services, ids[5], asked_by)
        assert refused.value.retry_after_s == 15 * 60
    check(services, elsewhere)
    clock.advance(minutes=15)
    check(services, ids[5])
    with pytest.raises(ProviderError, match="institution_breaker_open"):
        check(services, ids[0])
    fail(services, ids[5], failure(Recovery.RETRY_BACKOFF))
    with pytest.raises(ProviderError) as refused:
        check(services, ids[0])
    assert refused.value.retry_after_s == 30 * 60
    clock.advance(minutes=30)
    check(services, ids[0])
    succeed(services, ids[0])
    for connection_id in ids:
        check(services, connection_id)
    query = select(tables.audit).where(tables.audit.c.action == "institution_breaker_opened")
    with transaction(services.engine) as db:
        assert len(db.execute(query).all()) == 1
        assert breakers.open_breakers(db) == {}
    assert messages(services) == []


@pytest.mark.parametrize(
    "error",
    [
        failure(Recovery.RETRY_BACKOFF, "RATE_LIMIT", 429),
        failure(Recovery.REAUTH_USER, "ITEM_LOGIN_REQUIRED"),
        failure(Recovery.OPERATOR, "INVALID_API_KEYS"),
        failure(Recovery.RETRY_AT, "budget_exhausted"),
    ],
)
def test_failures_that_are_not_the_banks(services: Services, link: Link, error: ProviderError) -> None:
    """They stop nobody else's sync."""
    connection_id = link("plaid", "script")
    connection = connection_of(services, connection_id)
    with transaction(services.engine) as db:
        for _ in range(6):
            recovery.note_failure(db, connection, error, now=services.clock())
        assert not any(key.startswith("institution:") for key in breakers.open_breakers(db))


def test_success_of_others_between_failures(services: Services, link: Link) -> None:
    """Somebody getting through shows that the bank is up."""
    ids = [link("plaid", person) for person in PEOPLE]
    for connection_id in ids[:4]:
        fail(services, connection_id, failure(Recovery.RETRY_BACKOFF))
    succeed(services, ids[5])
    fail(services, ids[4], failure(Recovery.RETRY_BACKOFF))
    check(services, ids[5])


def test_syncs_without_a_worker(services: Services, link: Link, clock: Clock) -> None:
    """A sync whose lease or holder has ended is failed and due at once; one that still runs is left alone."""
    ids = [link("plaid", person) for person in PEOPLE[:3]]
    ends = (clock() - timedelta(seconds=1), clock() + timedelta(minutes=1), None)
    for connection_id, lease_until in zip(ids, ends, strict=True):
        state = SyncState.IDLE if lease_until is None else SyncState.IN_PROGRESS
        with transaction(services.engine) as db:
            db.execute(
                update(tables.connections)
                .where(tables.connections.c.connection_id == connection_id)
                .values(
                    sync_state=state,
                    lease_holder="worker",
                    lease_until=lease_until,
                    next_sync_at=clock() + timedelta(days=1),
                )
            )
    assert recovery.reap_stuck(services, ended_of=lambda _: ()) == 1
    assert recovery.reap_stuck(services, ended_of=lambda _: ()) == 0
    rows = [row_of(services, connection_id) for connection_id in ids]
    assert [row["sync_state"] for row in rows] == ["failed", "in_progress", "idle"]
    assert rows[0]["error_code"] == "worker_lost"
    assert rows[0]["next_sync_at"] == clock()
    assert rows[0]["lease_holder"] is None
    assert recovery.reap_stuck(services, ended_of=lambda holders: holders) == 1
    assert [row_of(services, one)["sync_state"] for one in ids] == ["failed", "failed", "idle"]
