"""The life of a breaker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bank_sync.domain.breaker import Breaker, BreakerRule

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULE = BreakerRule(
    connections=3,
    within=15 * MINUTE,
    first_open_for=10 * MINUTE,
    longest_open_for=60 * MINUTE,
    probe_for=5 * MINUTE,
)


def opened() -> Breaker:
    """Opened at noon by three connections."""
    breaker = Breaker()
    for name in ("a", "b", "c"):
        breaker = breaker.failed(RULE, name, NOON)
    return breaker


def test_different_connections_open_it() -> None:
    """One connection that fails again and again says nothing about the others."""
    breaker = Breaker()
    for _ in range(10):
        breaker = breaker.failed(RULE, "a", NOON)
    assert not breaker.failed(RULE, "b", NOON).is_open
    assert breaker.failed(RULE, "b", NOON).failed(RULE, "c", NOON).is_open


def test_failures_far_apart() -> None:
    """They have nothing to do with each other."""
    breaker = Breaker().failed(RULE, "a", NOON).failed(RULE, "b", NOON + 10 * MINUTE)
    assert not breaker.failed(RULE, "c", NOON + 16 * MINUTE).is_open


def test_one_probe_at_a_time() -> None:
    """After the while one goes through, and another only when the first says nothing for too long."""
    breaker = opened()
    assert breaker.admitted(RULE, "a", NOON + 9 * MINUTE) is None
    probing = breaker.admitted(RULE, "d", NOON + 10 * MINUTE)
    assert probing is not None
    assert probing.admitted(RULE, "d", NOON + 11 * MINUTE) == probing  # later parts of the same sync
    assert probing.admitted(RULE, "e", NOON + 11 * MINUTE) is None
    second = probing.admitted(RULE, "e", NOON + 15 * MINUTE)
    assert second is not None
    assert second.probe == "e"


def test_a_probe_that_fails() -> None:
    """The next while is twice as long, up to the longest; those who started earlier change nothing."""
    breaker = opened()
    assert breaker.failed(RULE, "z", NOON + MINUTE) == breaker
    waits = []
    for _ in range(5):
        assert breaker.retry_at is not None
        now = breaker.retry_at
        probing = breaker.admitted(RULE, "d", now)
        assert probing is not None
        breaker = probing.failed(RULE, "d", now)
        assert breaker.retry_at is not None
        waits.append((breaker.retry_at - now) / MINUTE)
    assert waits == [20, 40, 60, 60, 60]
