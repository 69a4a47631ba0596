"""The next sync is decided on what the database holds, and its reason is stored beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.models import AskedBy, Part
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections, journal, observations
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.database import transaction
from bank_sync.sync import cadence, engine
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import sync

Link = Callable[..., str]

FIRST_SEEN = text(
    "UPDATE bank.transactions SET first_seen_at = :at, changed_at = :at, booked_on = :at "
    "WHERE transaction_id = (SELECT min(transaction_id) FROM bank.transactions "
    "WHERE connection_id = :id AND first_seen_at = :first)"
)


def stored(services: Services, connection_id: str) -> StoredConnection:
    """As it stands."""
    with transaction(services.engine) as db:
        return connections.get_connection(db, connection_id)


def reason(services: Services, connection_id: str) -> str:
    """Why the next sync is when it is."""
    found = stored(services, connection_id).next_sync_reason
    assert found is not None
    return found


def look_back(services: Services, clock: Clock, connection_id: str, *, days: int, hour: int) -> None:
    """Have the connection read every five hours for some days, in which a row came up each day at an hour."""
    first = clock.now
    begin = first - timedelta(days=days)
    reads = [begin + timedelta(hours=5 * number) for number in range(days * 24 // 5)]
    came = [begin.replace(hour=hour, minute=10) + timedelta(days=day) for day in range(1, days)]
    with transaction(services.engine) as db:
        for at in reads:
            journal.record_attempt(
                db, connection_id, Part.TRANSACTIONS, outcome="succeeded", started_at=at, finished_at=at
            )
        for at in sorted({min(read for read in reads if read >= one) for one in came if one <= reads[-1]}):
            db.execute(FIRST_SEEN, {"at": at, "id": connection_id, "first": first})


def test_from_a_link_on(services: Services, link: Link) -> None:
    """A link says that it is due at once; its first sync, that nothing is known of it yet."""
    connection_id = link("teller")
    assert reason(services, connection_id) == "It was just linked, so it is read at once."
    sync(services, connection_id)
    after = stored(services, connection_id)
    assert after.last_synced_at is not None
    wait = after.next_sync_at - after.last_synced_at
    assert timedelta(hours=1) < wait < cadence.promised_freshness("teller")
    assert "It is not known yet when new rows usually appear" in reason(services, connection_id)


def test_learned_from_its_own_reads(services: Services, clock: Clock, link: Link) -> None:
    """What a month of reads found is known, and another login of the bank profits from it."""
    connection_id = link("teller")
    sync(services, connection_id)
    look_back(services, clock, connection_id, days=28, hour=9)
    engine.finish_sync(services, connection_id)
    window = re.search(
        r"usually appear here between (\d\d):00 and (\d\d):00 UTC", reason(services, connection_id)
    )
    assert window is not None
    assert int(window[1]) <= 9 < int(window[2]) <= int(window[1]) + 4
    due = stored(services, connection_id).next_sync_at
    assert due - clock.now < timedelta(hours=21)
    with transaction(services.engine) as db:
        db.execute(text("UPDATE bank.connections SET first_synced_at = first_synced_at - interval '28 days'"))
    new_id = link("teller", "somebody_else")
    sync(services, new_id)
    assert "at this bank" in reason(services, new_id)


def test_webhooks_are_believed_until_rows_come_without(services: Services, clock: Clock, link: Link) -> None:
    """While webhooks announce what comes the connection is only checked; a miss makes it polled again."""
    connection_id = link("teller")
    sync(services, connection_id)
    polled = stored(services, connection_id).next_sync_at - clock.now
    with transaction(services.engine) as db:
        observations.note_webhook(db, connection_id, now=clock.now)
    engine.finish_sync(services, connection_id)
    assert "announced by webhook" in reason(services, connection_id)
    assert stored(services, connection_id).next_sync_at - clock.now > polled
    clock.advance(days=3)
    look_back(services, clock, connection_id, days=2, hour=9)
    with transaction(services.engine) as db:  # rows of the first read are those that come up again
        moved = {"id": connection_id, "at": clock.now - timedelta(hours=8)}
        db.execute(
            text("UPDATE bank.transactions SET first_seen_at = :at, changed_at = :at, booked_on = :at"), moved
        )
    engine.finish_sync(services, connection_id)
    assert "announced by webhook" not in reason(services, connection_id)


def test_who_asks_looks(services: Services, clock: Clock, link: Link) -> None:
    """A person's sync counts as a look, the schedule's does not."""
    connection_id = link("teller")
    for asked_by, seen in ((AskedBy.SCHEDULE, None), (AskedBy.PERSON, clock.now)):
        engine.pull_accounts(services, connection_id, asked_by=asked_by)
        with transaction(services.engine) as db:
            assert observations.signs_of(db, connection_id).user_active_at == seen


def test_the_calls_of_a_day(services: Services, clock: Clock, link: Link) -> None:
    """What GoCardless still gives decides, and a read is kept for a person."""
    connection_id = link("gocardless")
    begun = clock.now
    sync(services, connection_id)
    assert "with 3 reads a day to spend and one kept for a person" in reason(services, connection_id)
    assert timedelta(hours=4) < stored(services, connection_id).next_sync_at - begun < timedelta(hours=13)
    for _ in range(2):
        clock.advance(hours=1)
        sync(services, connection_id)
    assert "this is when the next one is free" in reason(services, connection_id)
    assert stored(services, connection_id).next_sync_at == begun + timedelta(hours=24, minutes=1)


def test_a_failure_says_so(services: Services, sandbox: RunningSandbox, link: Link) -> None:
    """A sync that failed tells its code and when it is tried again."""
    connection_id = link("teller")
    plan = {"seed": 1, "rate": 1, "kinds": ["http_503"], "paths": "/accounts"}
    httpx.post(f"{sandbox.url}/_sandbox/faults", json=plan).raise_for_status()
    with pytest.raises(ProviderError) as failed:
        engine.pull_accounts(services, connection_id)
    said = reason(services, connection_id)
    assert failed.value.code in said
    assert "tried again in 15 minutes" in said
