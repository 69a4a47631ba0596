"""What a failed sync means for the next one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.trouble import OUR_LIMITS, NextStep, Tell, Trouble, after_failure

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def failure(recovery: Recovery, code: str = "any", retry_after_s: float | None = None) -> ProviderError:
    """What a provider did."""
    return ProviderError(provider="plaid", code=code, recovery=recovery, retry_after_s=retry_after_s)


def story(error: ProviderError, tries: int, spread: float = 0.5) -> list[tuple[timedelta, Tell | None]]:
    """The same failure again and again, each at its time: the waits, and what is told."""
    trouble, now = Trouble(), NOON
    told: list[tuple[timedelta, Tell | None]] = []
    for _ in range(tries):
        step = after_failure(error, trouble, now=now, spread=spread)
        told.append((step.due_at - now, step.tell))
        trouble, now = step.trouble, step.due_at
    return told


def test_passing_trouble() -> None:
    """15, 30 and 60 minutes; the fourth failure is told, and from then on it is tried daily."""
    waits, tells = zip(*story(failure(Recovery.RETRY_BACKOFF), 6), strict=True)
    assert [wait / HOUR for wait in waits] == [0.25, 0.5, 1, 24, 24, 24]
    assert tells[:3] == (None, None, None)
    assert set(tells[3:]) == {Tell.CONNECTION_FAILING}  # one episode: the outbox takes it once


def test_daily_tries_are_spread() -> None:
    """Connections that failed together do not come back together."""
    waits = {story(failure(Recovery.BUG), 1, spread)[0][0] / HOUR for spread in (0.0, 0.25, 0.5, 0.99)}
    assert len(waits) == 4
    assert min(waits) == pytest.approx(21.6)
    assert max(waits) < 26.4


def test_what_only_the_person_can_mend() -> None:
    """Told at once, and looked at again in a week: no state lasts for ever."""
    for recovery in (Recovery.REAUTH_USER, Recovery.RELINK):
        assert story(failure(recovery), 2) == [(timedelta(days=7), Tell.RECONNECT_NEEDED)] * 2


def test_a_time_the_provider_names() -> None:
    """It is kept, and not called a failure before it has gone on for a day."""
    waits, tells = zip(*story(failure(Recovery.RETRY_AT, retry_after_s=3600), 30, spread=0.0), strict=True)
    assert set(waits) == {HOUR}
    assert tells[:24] == (None,) * 24
    assert tells[24] is Tell.CONNECTION_FAILING


def test_a_longer_wait_than_ours() -> None:
    """Where a provider asks for more than the next delay, it gets it."""
    assert story(failure(Recovery.RETRY_BACKOFF, retry_after_s=7200), 1) == [(2 * HOUR, None)]


@pytest.mark.parametrize("code", sorted(OUR_LIMITS))
def test_limits_of_ours(code: str) -> None:
    """A sync that was not allowed to ask says nothing about the connection, for ever."""
    step = NextStep(Trouble(), NOON)
    for _ in range(20):
        error = failure(Recovery.RETRY_AT, code, 600)
        step = after_failure(error, step.trouble, now=step.due_at, spread=0.3)
        assert (step.trouble.failures, step.trouble.first_failed_at, step.tell) == (0, None, None)


def test_out_of_turn() -> None:
    """Several parts of one sync that fail, or a person who asks meanwhile, are one try."""
    first = after_failure(failure(Recovery.RETRY_BACKOFF), Trouble(), now=NOON, spread=0.0)
    again = after_failure(
        failure(Recovery.RETRY_BACKOFF), first.trouble, now=NOON + timedelta(minutes=5), spread=0.0
    )
    assert again.trouble.failures == 1
    assert again.due_at == first.due_at
    limited = after_failure(
        failure(Recovery.RETRY_AT, "daily_quota", 80_000), first.trouble, now=NOON, spread=0.0
    )
    assert limited.due_at == first.due_at


def test_every_failure_has_a_next_try() -> None:
    """Whatever fails, the next try is after now and at most a week and a bit away."""
    waits = (None, -5.0, 0.0, 10.0, 1e9)
    for recovery, wait_s, failures in product(Recovery, waits, (0, 1, 3, 50)):
        trouble = Trouble(failures=failures, first_failed_at=NOON if failures else None)
        step = after_failure(failure(recovery, retry_after_s=wait_s), trouble, now=NOON, spread=0.99)
        assert NOON < step.due_at <= NOON + timedelta(days=8), (recovery, wait_s, failures)
