"""Counting calls in windows of time, by the virtual clock.

Here: the counting alone. Not here: anybody's limits (each protocol has its own), nor the words of a refusal.
A restart forgets the counts, as nothing else depends on them.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Windows:
    """Moving windows: of each key, the calls of the last so much time."""

    def __init__(self, now: Callable[[], datetime], length: timedelta = MINUTE) -> None:
        self._now = now
        self._length = length
        self._calls: defaultdict[Hashable, deque[datetime]] = defaultdict(deque)

    def add(self, key: Hashable) -> int:
        """Count a call; gives how many the window holds now."""
        self._recent(key).append(self._now())
        return len(self._calls[key])

    def used(self, key: Hashable) -> int:
        """How many calls the window holds now."""
        return len(self._recent(key))

    def reset_in(self, key: Hashable) -> timedelta:
        """How long until the oldest call leaves the window; the whole window if it is empty."""
        calls = self._recent(key)
        return self._length - (self._now() - calls[0]) if calls else self._length

    def _recent(self, key: Hashable) -> deque[datetime]:
        now, calls = self._now(), self._calls[key]
        while calls and not timedelta(0) <= now - calls[0] < self._length:  # a clock set back empties it too
            calls.popleft()
        return calls
