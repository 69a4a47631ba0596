"""Webhooks on their way: what waits, until when, and what became of the rest.

Here: the queue and the vendors' retry schedules, by the virtual clock; nothing moves by itself. Not here:
sending (`delivery`), and what there is to say (`watch`). A restart forgets the queue.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_KEPT = 1000
_DAY = timedelta(days=1)
_FEWEST_JUDGED = 10
_MOST_REJECTED = 0.9
# seconds after each failed attempt; Plaid's are documented (times four, for 24 hours), Teller's a guess
_RETRIES_S: Mapping[str, tuple[int, ...]] = {
    "plaid": (30, 120, 480, 1920, 7680, 30_720),
    "teller": (60, 300, 1800, 7200, 28_800),
}


@dataclass(frozen=True, slots=True)
class Webhook:
    """One thing to say; `outcome` is waiting, delivered, given_up, dropped or refused (no own address)."""

    id: str
    provider: str
    kind: str
    url: str
    body: str
    made_at: datetime
    due_at: datetime
    attempts: int = 0
    outcome: str = "waiting"

    def shown(self) -> dict[str, object]:
        """The webhook as the admin path tells it."""
        return {
            "id": self.id,
            "provider": self.provider,
            "kind": self.kind,
            "url": self.url,
            "body": self.body,
            "made": self.made_at.isoformat(),
            "due": self.due_at.isoformat(),
            "attempts": self.attempts,
            "outcome": self.outcome,
        }


class Outbox:
    """One server's queue."""

    def __init__(self) -> None:
        self._waiting: list[Webhook] = []
        self._made = 0
        self._answers: deque[tuple[datetime, str, bool]] = deque(maxlen=_KEPT)
        self.done: deque[Webhook] = deque(maxlen=_KEPT)

    def put(self, provider: str, kind: str, url: str | None, body: str, now: datetime) -> None:
        """Queue a webhook, due at once; nothing happens where nobody gave an address."""
        if not url:
            return
        self._made += 1
        self._waiting.append(Webhook(f"w{self._made}", provider, kind, url, body, now, now))

    def waiting(self) -> list[Webhook]:
        """Everything that was not settled yet, in the order it was made."""
        return list(self._waiting)

    def due(self, now: datetime) -> list[Webhook]:
        """What is to be tried now."""
        return [each for each in self._waiting if each.due_at <= now]

    def settle(self, webhook: Webhook, outcome: str) -> None:
        """The webhook needs no more attempts."""
        self._waiting = [each for each in self._waiting if each.id != webhook.id]
        self.done.append(replace(webhook, outcome=outcome))

    def tried(self, webhook: Webhook, now: datetime, *, is_accepted: bool) -> str:
        """Note an attempt: it is delivered, waits for the next one, or is given up; gives which."""
        self._answers.append((now, webhook.url, is_accepted))
        tried = replace(webhook, attempts=webhook.attempts + 1)
        delays_s = _RETRIES_S[webhook.provider]
        if is_accepted:
            outcome = "delivered"
        elif tried.attempts > len(delays_s) or self._is_hopeless(webhook.url, now):
            outcome = "given_up"
        else:
            due_at = now + timedelta(seconds=delays_s[webhook.attempts])
            self._replace(replace(tried, due_at=due_at))
            return "waiting"
        self.settle(tried, outcome)
        return outcome

    def _is_hopeless(self, url: str, now: datetime) -> bool:
        """Whether the address rejected more than nine of ten in the last day: then nothing is tried again."""
        recent = [good for at, to, good in self._answers if to == url and now - at < _DAY]
        return len(recent) >= _FEWEST_JUDGED and recent.count(False) > _MOST_REJECTED * len(recent)

    def _replace(self, webhook: Webhook) -> None:
        self._waiting = [webhook if each.id == webhook.id else each for each in self._waiting]
