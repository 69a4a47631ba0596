"""Minute budgets hold over processes, whatever the order in which they ask."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from bank_sync.domain.errors import ProviderError, Recovery, SettingsError
from bank_sync.providers.budget import Limit, Pace, usual_limit
from bank_sync.services import open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage.budgets import PostgresBudget, forget_idle
from bank_sync.storage.database import side_engine
from bank_sync.storage.locations import locate
from bank_sync.storage.redis_budgets import RedisBudget
from bank_sync_tests.conftest import Clock

REDIS_URL = os.environ.get("BANK_SYNC_TEST_REDIS_URL")

WORKER = """
import sys
from datetime import datetime
from sqlalchemy import make_url
from bank_sync.providers.budget import usual_limit
from bank_sync.storage.budgets import PostgresBudget
from bank_sync.storage.database import side_engine

engine = side_engine(make_url(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[2])
budget = PostgresBudget(engine, clock=lambda: now)
limit = usual_limit("plaid", int(sys.argv[3]))
taken = refused = 0
print("ready", flush=True)
sys.stdin.readline()
while refused < 20:
    granted = budget.take(limit, longest_wait_s=60.0) <= 60.0
    taken += granted
    refused += not granted
engine.dispose()
print(taken)
"""


@pytest.fixture
def side(settings: Settings) -> Iterator[Engine]:
    """An engine of its own for what must be committed at once."""
    engine = side_engine(locate(settings).warehouse)
    yield engine
    engine.dispose()


def test_four_processes_share_one_budget(settings: Settings, clock: Clock) -> None:
    """Within one minute exactly as many units are booked as the minute has, over all of them."""
    url = locate(settings).warehouse.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WORKER, url, clock().isoformat(), "200"]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for worker in workers:  # none begins before all have started, which takes longer than the work
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = [int(worker.communicate(timeout=60)[0]) for worker in workers]
    assert sum(taken) == 200
    assert min(taken) > 0


def test_no_minute_holds_more(side: Engine, clock: Clock) -> None:
    """Any 60 seconds, wherever they begin, hold no more than the limit, however it is asked."""
    for per_minute in (2, 5, 15, 50, 200):
        used = _asked_for(150, side, clock, per_minute)
        assert max(sum(at <= other < at + 60 for other in used) for at in used) <= per_minute
        assert len(used) >= per_minute


def _asked_for(span_s: float, side: Engine, clock: Clock, per_minute: int) -> list[float]:
    """When units were used by someone who asks at random, and waits at random."""
    dice = random.Random(per_minute)  # noqa: S311 - a story that replays
    budget = PostgresBudget(side, clock=clock)
    limit = usual_limit(f"limit-{per_minute}", per_minute)
    used: list[float] = []
    begun = clock()
    while clock() < begun + timedelta(seconds=span_s):
        clock.advance(seconds=dice.choice([0, 0, 0, 0.05, 0.4, 3]))
        longest_wait_s = dice.choice([0.0, 5.0])
        wait_s = budget.take(limit, longest_wait_s=longest_wait_s)
        if wait_s <= longest_wait_s:
            used.append((clock() - begun).total_seconds() + wait_s)
    return used


def test_a_burst_then_the_flow(side: Engine, clock: Clock) -> None:
    """A tenth comes at once, the rest evenly spread; a refusal books nothing."""
    budget = PostgresBudget(side, clock=clock)
    limit = Limit("gocardless", per_minute=50, burst=5)
    assert [budget.take(limit, longest_wait_s=0) for _ in range(5)] == [0.0] * 5
    refused = [budget.take(limit, longest_wait_s=0) for _ in range(3)]
    assert refused == [pytest.approx(60 / 45, abs=1e-5)] * 3
    assert budget.take(limit, longest_wait_s=2) == pytest.approx(60 / 45, abs=1e-5)
    assert budget.take(limit, longest_wait_s=5) == pytest.approx(120 / 45, abs=1e-5)


def test_the_server_clock(side: Engine) -> None:
    """Without a clock of its own the server's decides, and time gives units back."""
    budget = PostgresBudget(side)
    limit = Limit("teller", per_minute=6_000, burst=1)
    for _ in range(20):
        assert budget.take(limit, longest_wait_s=1.0) <= 0.3
    slow = Limit("plaid", per_minute=2, burst=1)
    assert budget.take(slow, longest_wait_s=0) == 0
    assert 59 < budget.take(slow, longest_wait_s=0) <= 60


def test_booking_stands_when_the_caller_rolls_back(side: Engine, services: object) -> None:
    """A request that was made is counted, whatever becomes of the transaction around it."""
    engine = services.engine  # type: ignore[attr-defined]
    with engine.connect() as db:
        db.execute(text("SELECT 1"))
        PostgresBudget(side).take(usual_limit("plaid", 200), longest_wait_s=0)
        db.rollback()
    with engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM bank.rate_budgets")).scalar() == 1


def test_idle_budgets_are_forgotten(side: Engine, clock: Clock) -> None:
    """Those that nobody used for a day, and no others."""
    clock.now = datetime.now(UTC) - timedelta(days=1, minutes=1)
    PostgresBudget(side, clock=clock).take(usual_limit("idle", 200), longest_wait_s=0)
    PostgresBudget(side).take(usual_limit("busy", 200), longest_wait_s=0)
    with side.begin() as db:
        forget_idle(db)
        assert db.execute(text("SELECT budget_key FROM bank.rate_budgets")).scalars().all() == ["busy"]


def test_waiting_for_a_turn(side: Engine, clock: Clock) -> None:
    """A short wait is slept, a long one ends the call with the time to come back."""
    waits: list[float] = []
    budget = PostgresBudget(side, clock=clock)
    pace = Pace("plaid", budget, 20, longest_wait_s=4, sleep=waits.append)
    pace.wait("/accounts/get", None)
    pace.wait("/accounts/get", None)
    assert waits == []
    pace.wait("/accounts/get", None)
    assert waits == [pytest.approx(60 / 18, abs=1e-5)]
    with pytest.raises(ProviderError) as refused:
        pace.wait("/accounts/get", None)
    assert (refused.value.code, refused.value.recovery) == ("budget_exhausted", Recovery.RETRY_AT)
    assert refused.value.retry_after_s == pytest.approx(2 * 60 / 18, abs=1e-4)


def test_limits_of_one_item(side: Engine, clock: Clock) -> None:
    """One connection's own limit binds it alone, and is kept under no provider's id."""
    budget = PostgresBudget(side, clock=clock)
    pace = Pace("plaid", budget, 10_000, per_item={"/item/get": 2}, longest_wait_s=1, sleep=lambda _: None)
    pace.wait("/item/get", "item-canary")
    with pytest.raises(ProviderError, match="budget_exhausted"):
        pace.wait("/item/get", "item-canary")
    pace.wait("/item/get", "item-of-another")
    pace.wait("/transactions/sync", "item-canary")
    with side.connect() as db:
        keys: set[str] = set(db.execute(text("SELECT budget_key FROM bank.rate_budgets")).scalars())
    assert len(keys) == 3
    assert not any("canary" in key for key in keys)


def test_calls_of_one_sync_do_not_wait_for_each_other(side: Engine, clock: Clock) -> None:
    """A connection's accounts and balances are one path at Plaid: both are read at once, within its limit."""
    waits: list[float] = []
    per_item = {"/accounts/get": 15}
    budget = PostgresBudget(side, clock=clock)
    pace = Pace("plaid", budget, 10_000, per_item=per_item, longest_wait_s=60, sleep=waits.append)
    for _ in range(3):
        pace.wait("/accounts/get", "item")
    assert waits == []
    for _ in range(12):
        pace.wait("/accounts/get", "item")
    assert max(waits) == pytest.approx(60, abs=1e-3)  # all fifteen of a minute are used up by its end
    with pytest.raises(ProviderError, match="budget_exhausted"):
        pace.wait("/accounts/get", "item")


@pytest.mark.skipif(REDIS_URL is None, reason="BANK_SYNC_TEST_REDIS_URL names no Redis")
def test_redis_keeps_the_same_budget() -> None:
    """Burst, wait and refusal are those of PostgreSQL."""
    budget = RedisBudget(str(REDIS_URL))
    limit = Limit(f"test-{random.Random().random()}", per_minute=50, burst=5)  # noqa: S311 - a fresh key
    taken = [budget.take(limit, longest_wait_s=60) for _ in range(80)]
    budget.close()
    assert sum(wait_s <= 60 for wait_s in taken) in (50, 51)  # real time passes meanwhile
    assert [wait_s for wait_s in taken[:5] if wait_s > 0] == []


def test_redis_without_its_package(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting without the package says what to install, and never shows the URL."""
    monkeypatch.setitem(sys.modules, "redis", None)
    wanted = load_settings(**{**settings.model_dump(), "redis_url": "redis://:canary@host/0"})
    with pytest.raises(SettingsError, match=r"bank-sync\[redis\]") as refused, open_services(wanted):
        pass
    assert "canary" not in str(refused.value)
