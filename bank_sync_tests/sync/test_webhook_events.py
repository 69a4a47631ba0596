"""The plan for waiting webhooks: whatever their order, number and delay, the bank is asked in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.domain.models import ConnectionState
from bank_sync.storage.inbox_draining import Standing, WaitingEvent
from bank_sync.sync.webhook_events import (
    ASKS_THE_BANK,
    MOST_TRIES,
    Meaning,
    Progress,
    meaning_of,
    plan_for,
    without_owner,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
STANDING = Standing("conn_1", ConnectionState.CONNECTED, NOON - timedelta(days=9), None, None, is_busy=False)
KINDS = ("TRANSACTIONS/SYNC_UPDATES_AVAILABLE", "ITEM/ERROR", "ITEM/LOGIN_REPAIRED", "ITEM/SOMETHING_NEW")


def event(
    number: int, kind: str = KINDS[0], *, run_key: str | None = None, body: bytes = b"{}"
) -> WaitingEvent:
    """An event of one connection, received so many seconds after noon."""
    received_at = NOON + timedelta(seconds=number)
    return WaitingEvent(number, "plaid", kind, "conn_1", body, received_at, run_key)


@pytest.mark.parametrize(
    ("provider", "kind", "meaning"),
    [
        ("plaid", "TRANSACTIONS/SYNC_UPDATES_AVAILABLE", Meaning.SYNC),
        ("plaid", "TRANSACTIONS/DEFAULT_UPDATE", Meaning.NOTHING),
        ("plaid", "ITEM/ERROR", Meaning.LOOK),
        ("plaid", "ITEM/PENDING_EXPIRATION", Meaning.EXPIRING),
        ("plaid", "ITEM/PENDING_DISCONNECT", Meaning.EXPIRING),
        ("plaid", "ITEM/LOGIN_REPAIRED", Meaning.REPAIRED),
        ("plaid", "ITEM/USER_PERMISSION_REVOKED", Meaning.LOOK),
        ("plaid", "ITEM/NEW_ACCOUNTS_AVAILABLE", Meaning.NEW_ACCOUNTS),
        ("teller", "enrollment.disconnected", Meaning.LOOK),
        ("teller", "transactions.processed", Meaning.SYNC),
        ("teller", "webhook.test", Meaning.NOTHING),
        ("teller", "ITEM/ERROR", Meaning.UNKNOWN),
        ("gocardless", "anything", Meaning.UNKNOWN),
        ("plaid", "unreadable", Meaning.UNKNOWN),
    ],
)
def test_meanings(provider: str, kind: str, meaning: Meaning) -> None:
    """Each provider's kinds stand for what its documentation says; others for nothing we know."""
    assert meaning_of(replace(event(1, kind), provider=provider)) is meaning


@given(st.data(), st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
def test_any_order_gives_the_same_plan(data: st.DataObject, kinds: list[str]) -> None:
    """The same events, received in another order: the same are settled, one run for the same others (F02)."""
    plans = []
    for order in (kinds, data.draw(st.permutations(kinds))):
        events = {number: event(number, kind) for number, kind in enumerate(order, 1)}
        plan = plan_for(list(events.values()), STANDING, {})
        claimed = sorted(events[one].kind for one in plan.claimed)
        parked = sorted(one.kind for one in plan.parked)
        plans.append((parked, claimed, plan.run_key is None, plan.is_urgent, plan.forgives, plan.stale))
    assert plans[0] == plans[1]


@given(
    st.lists(st.tuples(st.sampled_from(KINDS[:3]), st.booleans()), min_size=1, max_size=8),
    st.lists(st.sampled_from(("sync", "dies", "busy", "tick")), max_size=30),
)
def test_no_event_is_lost(arrivals: list[tuple[str, bool]], happenings: list[str]) -> None:
    """However ticks, deaths and other syncs mix: a read began after every event, never two runs at a time."""
    story = _Story()
    for kind, is_tick in arrivals:
        story.arrive(kind)
        if is_tick:
            story.tick()
    for happening in happenings:
        story.happen(happening)
    for _ in range(4 * MOST_TRIES):
        story.tick()
        story.happen("sync")
    assert story.waiting == {}
    for received_at in story.answered_needed:
        assert any(read_at >= received_at for read_at in story.reads)
    assert story.most_runs <= 1


class _Story:
    """One connection, its events, and runs that may die before they read; other syncs come and go."""

    def __init__(self) -> None:
        self.now = 0
        self.waiting: dict[int, WaitingEvent] = {}
        self.answered_needed: list[datetime] = []
        self.reads: list[datetime] = []
        self.tried_at: datetime | None = None
        self.runs: dict[str, Progress] = {}
        self.is_busy = False
        self.most_runs = 0

    def _moment(self) -> datetime:
        self.now += 1
        return NOON + timedelta(seconds=self.now)

    def arrive(self, kind: str) -> None:
        self._moment()
        one = event(self.now, kind)
        self.waiting[one.event_id] = one
        if meaning_of(one) is Meaning.SYNC:
            self.answered_needed.append(one.received_at)

    def happen(self, what: str) -> None:
        at = self._moment()
        under_way = [key for key, progress in self.runs.items() if progress is Progress.UNDER_WAY]
        if what == "tick":
            self.tick()
        elif what == "busy":
            self.is_busy = not self.is_busy
        elif what == "dies":
            if under_way and len(self.runs) < MOST_TRIES:  # the last try of an event is let live
                self.runs[under_way[0]] = Progress.ENDED
        else:
            self.is_busy = False
            for key in under_way:
                self.runs[key] = Progress.ENDED
            if under_way:
                self.reads.append(at)
                self.tried_at = at

    def tick(self) -> None:
        standing = replace(STANDING, is_busy=self.is_busy, tried_at=self.tried_at, read_at=self.tried_at)
        plan = plan_for(list(self.waiting.values()), standing, self.runs)
        for settled in (*plan.handled, *plan.stale):
            del self.waiting[settled]
        assert plan.parked == []
        for claimed in plan.claimed:
            self.waiting[claimed] = replace(self.waiting[claimed], run_key=plan.run_key)
        if plan.run_key:
            self.runs.setdefault(plan.run_key, Progress.UNDER_WAY)
        self.most_runs = max(self.most_runs, list(self.runs.values()).count(Progress.UNDER_WAY))


def test_run_that_never_read() -> None:
    """After the last try the event is parked instead of asked for again."""
    run_key = f"webhook:conn_1:1:{MOST_TRIES}"
    plan = plan_for([event(1, run_key=run_key)], STANDING, {run_key: Progress.ENDED})
    assert [one.event_id for one in plan.parked] == [1]
    assert plan.run_key is None


def test_events_without_an_owner() -> None:
    """They wait ten minutes for their link; unknown kinds are parked at once, others need nothing."""
    lost, strange, link = event(1), event(2, "X/Y"), event(3, "LINK/SESSION_FINISHED")
    early = without_owner([lost, strange, link], now=NOON + timedelta(minutes=1))
    assert ([one.event_id for one in early.parked], early.handled) == ([2], [3])
    late = without_owner([lost], now=NOON + timedelta(minutes=11))
    assert [one.event_id for one in late.parked] == [1]


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"\xff", b'{"disconnect_time": "2026-03-20"}', b'{"disconnect_time": 7}', b"[]"]
)
def test_an_end_that_cannot_be_read(body: bytes) -> None:
    """It is parked, and nothing is stored."""
    plan = plan_for([event(1, "ITEM/PENDING_DISCONNECT", body=body)], STANDING, {})
    assert (len(plan.parked), plan.ends_at) == (1, None)


def test_revoked_connections() -> None:
    """Whatever is said of them is over."""
    standing = replace(STANDING, state=ConnectionState.REVOKED)
    plan = plan_for([event(number, kind) for number, kind in enumerate(KINDS)], standing, {})
    assert plan.stale == [0, 1, 2, 3]
    assert Meaning.LOOK in ASKS_THE_BANK
