"""Breakers: stop asking what keeps failing, and look again now and then.

Belongs here: the life of one breaker, pure. Does not belong here: which errors count (`sync.recovery`),
keeping breakers (`storage.breakers`).

Closed, it remembers who failed lately. Enough different ones open it for a while; after that one is let
through as a probe: when the probe goes well the breaker is forgotten, when it fails the next while is twice
as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class BreakerRule:
    """When a breaker opens and for how long.

    Attributes:
        connections: this many different connections failing open it.
        within: failures further apart have nothing to do with each other.
        first_open_for: the first time; each probe that fails doubles it.
        longest_open_for: where doubling ends.
        probe_for: how long a probe may take before another one is let through.
    """

    connections: int
    within: timedelta
    first_open_for: timedelta
    longest_open_for: timedelta
    probe_for: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of one credential or institution that failed lately.

    Attributes:
        recent: by connection_id: when it last failed, while closed.
        openings: in a row.
        opened_at: None while closed.
        retry_at: when the next probe may go, while open.
        probe: the connection that was let through last, while open.
    """

    recent: Mapping[str, datetime] = field(default_factory=dict)
    openings: int = 0
    opened_at: datetime | None = None
    retry_at: datetime | None = None
    probe: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether only probes are let through."""
        return self.opened_at is not None

    def failed(self, rule: BreakerRule, connection_id: str, now: datetime) -> Breaker:
        """After a failure; those that started before the breaker opened say nothing new."""
        if self.is_open:
            return _opened(rule, self.openings, now) if connection_id == self.probe else self
        recent = {name: at for name, at in self.recent.items() if now - at <= rule.within}
        recent[connection_id] = now
        if len(recent) >= rule.connections:
            return _opened(rule, self.openings, now)
        return replace(self, recent=recent)

    def admitted(self, rule: BreakerRule, connection_id: str, now: datetime) -> Breaker | None:
        """The breaker after letting a connection through; None when it has to wait until `retry_at`."""
        if not self.is_open or connection_id == self.probe:
            return self
        if self.retry_at is not None and now < self.retry_at:
            return None
        return replace(self, probe=connection_id, retry_at=now + rule.probe_for)


def _opened(rule: BreakerRule, openings: int, now: datetime) -> Breaker:
    open_for = min(rule.first_open_for * 2**openings, rule.longest_open_for)
    return Breaker(openings=openings + 1, opened_at=now, retry_at=now + open_for)
