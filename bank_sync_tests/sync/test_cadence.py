"""When the next sync is due: what always holds, and each rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import COUNTS_FOR, Counted, allowance, free_at
from bank_sync.sync import cadence
from bank_sync.sync.cadence import Cause, Quota, Situation, next_sync, promised_freshness
from bank_sync.sync.habits import BINS, HOURS_OF_DAY, Basis
from bank_sync.sync.requests import days_to_reread

NOW = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)  # a Tuesday
DAY = timedelta(days=1)
CALLS_A_DAY = 4

moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
rates = st.lists(st.floats(0, 6), min_size=BINS, max_size=BINS)
names = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=8, max_size=8).map("conn_{}".format)
situations = st.builds(
    Situation,
    names,
    st.sampled_from(["plaid", "teller", "gocardless", "other"]),
    rates,
    basis=st.sampled_from(Basis),
    are_webhooks_working=st.booleans(),
    user_active_at=st.none() | moments,
    is_history_waiting=st.booleans(),
)


def flat(a_day: float) -> list[float]:
    """The same at each hour."""
    return [a_day / HOURS_OF_DAY] * BINS


def burst(hour: int, *, elsewhere: float = 0.0) -> list[float]:
    """Nearly always within one hour of each day."""
    return [4.0 if number % HOURS_OF_DAY == hour else elsewhere for number in range(BINS)]


def polled(rates: list[float] | None = None, provider: str = "plaid") -> Situation:
    """A connection without webhooks whose person looks at it now."""
    return Situation("conn_1", provider, rates or flat(3), user_active_at=NOW)


def wait_h(situation: Situation, now: datetime = NOW) -> float:
    """Hours until the next sync."""
    return (next_sync(situation, now).at - now) / timedelta(hours=1)


@given(moments, situations)
def test_after_now_and_within_the_promise(now: datetime, situation: Situation) -> None:
    """Whatever is known, the next sync is later than now and well before the promise is broken."""
    chosen = next_sync(situation, now)
    latest = promised_freshness(situation.provider) - timedelta(hours=2)
    assert timedelta(minutes=2) <= chosen.at - now <= latest
    assert next_sync(situation, now) == chosen


@dataclass
class Bank:
    """A bank behind GoCardless that counts, read as the cadence says; people and failures come between."""

    situation: Situation
    now: datetime
    counted: list[Counted] = field(default_factory=list)
    scheduled: list[datetime] = field(default_factory=list)
    answered: list[datetime] = field(default_factory=list)

    def free_at(self, asked_by: AskedBy) -> datetime:
        """As the ledger of calls tells it."""
        return free_at(self.counted, allowance(CALLS_A_DAY, asked_by), self.now)

    def read(self, asked_by: AskedBy) -> None:
        """A good answer, if a call is left."""
        if self.free_at(asked_by) > self.now:
            return
        self.counted.append(Counted(1, self.now + COUNTS_FOR))
        self.answered.append(self.now)

    def due_at(self) -> datetime:
        """What the cadence says after a good read now."""
        quota = Quota(allowance(CALLS_A_DAY, AskedBy.SCHEDULE), self.free_at(AskedBy.SCHEDULE))
        return next_sync(replace(self.situation, quota=quota), self.now).at


@given(
    moments,
    rates,
    names,
    st.lists(st.tuples(st.floats(0.01, 60), st.sampled_from(["person", "failure"])), max_size=12),
)
def test_quota_and_reserve(
    begin: datetime, rates: list[float], name: str, events: list[tuple[float, str]]
) -> None:
    """No 24 hours see more reads than the bank gives, and the schedule alone leaves one for a person."""
    bank = Bank(Situation(name, "gocardless", rates, user_active_at=begin), begin)
    due = begin
    for gap_h, event in [*events, *[(24.0, "none")] * 6]:
        happens = bank.now + timedelta(hours=gap_h)
        while due <= happens:
            bank.now = due
            assert bank.free_at(AskedBy.SCHEDULE) <= due, "the sync would have been refused"
            bank.read(AskedBy.SCHEDULE)
            bank.scheduled.append(due)
            due = bank.due_at()
            assert due <= bank.now + promised_freshness("gocardless")
        bank.now = happens
        if event == "person":
            bank.read(AskedBy.PERSON)
            due = bank.due_at()
        elif event == "failure":
            due = max(happens + timedelta(minutes=15), bank.free_at(AskedBy.SCHEDULE))
    for earlier, later in zip(bank.answered, bank.answered[CALLS_A_DAY:], strict=False):
        assert later - earlier > DAY
    for earlier, later in zip(bank.scheduled, bank.scheduled[CALLS_A_DAY - 1 :], strict=False):
        assert later - earlier > DAY


@given(moments, situations)
def test_spread_is_even(now: datetime, situation: Situation) -> None:
    """Connections that are alike and were synced together come back spread over a window, without gaps."""
    situation = replace(situation, is_history_waiting=False)
    at = sorted(
        (next_sync(replace(situation, connection_id=f"conn_{number}"), now).at - now).total_seconds()
        for number in range(400)
    )
    window = at[-1] - at[0]
    assert window >= min(25 * 60, 0.09 * at[0])
    assert max(later - earlier for earlier, later in pairwise(at)) < window / 20
    quarters = Counter(min(3, int(4 * (one - at[0]) / window)) for one in at)
    assert min(quarters[part] for part in range(4)) > 70


def test_spread_lasts() -> None:
    """A connection's place in the window is its own, for ever."""
    assert cadence.spread("conn_1") == cadence.spread("conn_1")
    assert cadence.spread("conn_1") != cadence.spread("conn_2")
    assert 0 <= cadence.spread("conn_1") < 1


@pytest.mark.parametrize("hour", [2, 9, 17, 23])
def test_soon_after_rows_usually_appear(hour: int) -> None:
    """Where rows appear in one hour of the day, the read comes within the two hours after it began."""
    due = next_sync(polled(burst(hour)), NOW).at
    since = (due.hour + due.minute / 60 - hour) % HOURS_OF_DAY
    assert 0.3 < since < 2


def test_more_rows_are_read_more_often() -> None:
    """The wait shrinks as more appears, and does so slower than what appears grows."""
    waits = [wait_h(polled(flat(a_day))) for a_day in (1, 3, 12)]
    assert waits == sorted(waits, reverse=True)
    assert waits[0] / waits[2] < 6


def test_weekends_are_their_own() -> None:
    """A bank that books nothing on weekends is hardly read then."""
    rates = burst(6)[:HOURS_OF_DAY] + [0.0] * HOURS_OF_DAY
    noons = [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (12, 13, 14)]  # Thursday to Saturday
    waits = [wait_h(polled(rates), noon) for noon in noons]
    assert 18 < waits[0] < 20
    assert waits[1] > 21
    assert waits[2] > 21


def test_webhooks_that_work_save_reads() -> None:
    """What is announced need not be looked for, but for the announcement that was lost."""
    quiet = wait_h(replace(polled(), are_webhooks_working=True))
    assert 1.8 * wait_h(polled()) < quiet <= 22
    assert next_sync(replace(polled(flat(12)), are_webhooks_working=True), NOW).cause is Cause.WEBHOOKS


def test_nobody_looks() -> None:
    """The longer nobody looked the longer the wait; not knowing lies between."""
    looked = [
        wait_h(replace(polled(flat(12)), user_active_at=NOW - timedelta(days=days))) for days in (0, 3, 60)
    ]
    assert looked == sorted(looked)
    assert looked[0] < looked[2]
    unknown = wait_h(replace(polled(flat(12)), user_active_at=None))
    assert looked[0] < unknown < looked[2]


def test_history_is_asked_for_again_soon() -> None:
    """While the provider reads the history of a link, it is asked every two minutes."""
    chosen = next_sync(replace(polled(), is_history_waiting=True), NOW)
    assert (chosen.at - NOW, chosen.cause) == (timedelta(minutes=2), Cause.HISTORY)


def test_little_is_expected() -> None:
    """A connection at which nothing ever happens is read before the promise ends all the same."""
    chosen = next_sync(polled(flat(0.001)), NOW)
    assert chosen.cause is Cause.PROMISE
    assert timedelta(hours=21) < chosen.at - NOW <= timedelta(hours=22)


def ten_days(rates: list[float]) -> list[datetime]:
    """When a connection with three reads a day is read, without any trouble."""
    at = [NOW]
    while at[-1] < NOW + 10 * DAY:
        quota = Quota(3, free_at([Counted(1, one + COUNTS_FOR) for one in at], 3, at[-1]))
        situation = replace(polled(rates, "gocardless"), quota=quota, user_active_at=at[-1])
        at.append(next_sync(situation, at[-1]).at)
    return at


@pytest.mark.parametrize("a_day", [4, 100])
def test_a_day_of_reads_lasts_for_the_day(a_day: int) -> None:
    """Where rows come at any hour, the three reads of a day lie evenly, and all are used."""
    at = ten_days(flat(a_day))
    assert len(at) >= 30
    assert max(later - earlier for earlier, later in pairwise(at)) < timedelta(hours=10)


@pytest.mark.parametrize("elsewhere", [0.05, 0.2])
def test_a_quota_keeps_a_read_for_the_usual_hour(elsewhere: float) -> None:
    """Where most rows come in one hour, each day has a read when it is over, and its other reads too."""
    at = ten_days(burst(6, elsewhere=elsewhere))
    assert len(at) >= 30
    assert len({one.date() for one in at if one.hour == 7}) == 10


def test_a_used_up_quota_waits() -> None:
    """The moment the ledger names is kept, and told as the cause."""
    free = NOW + timedelta(hours=20)
    chosen = next_sync(replace(polled(provider="gocardless"), quota=Quota(3, free)), NOW)
    assert (chosen.at, chosen.cause) == (free, Cause.QUOTA)
    waiting = replace(polled(provider="gocardless"), quota=Quota(3, free), is_history_waiting=True)
    assert next_sync(waiting, NOW).at == free


@pytest.mark.parametrize(
    ("provider", "hours"), [("plaid", 24), ("teller", 24), ("gocardless", 26), ("new", 24)]
)
def test_promises(provider: str, hours: int) -> None:
    """A day; for GoCardless what a used-up quota needs to be free again, and a bit."""
    assert promised_freshness(provider) == timedelta(hours=hours)


@pytest.mark.parametrize(("since", "days"), [(0, 14), (5, 14), (11, 14), (12, 15), (100, 103)])
def test_days_to_reread(since: int, days: int) -> None:
    """Two weeks, or the gap and three days."""
    assert days_to_reread(since) == days
