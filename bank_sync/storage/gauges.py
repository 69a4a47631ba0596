"""How much of what there is: figures for whoever runs bank_sync, nobody's data.

Belongs here: counts by kind. Does not belong here: how they are told (`web.metrics`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure and the kinds it is of."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


_COUNTS = {
    "connections": "SELECT provider, state, count(*) FROM bank.connections GROUP BY 1, 2 ORDER BY 1, 2",
    "webhooks_waiting": "SELECT provider, state, count(*) FROM bank.webhook_inbox "
    "WHERE state IN ('new', 'parked') GROUP BY 1, 2 ORDER BY 1, 2",
    "links": "SELECT provider, state, count(*) FROM bank.link_attempts "
    "WHERE created_at > :now - interval '1 day' GROUP BY 1, 2 ORDER BY 1, 2",
}
_AGES = {
    "oldest_webhook_s": "SELECT min(received_at) FROM bank.webhook_inbox WHERE state = 'new'",
    "oldest_sync_request_s": "SELECT min(asked_at) FROM bank.sync_requests WHERE started_at IS NULL",
}


def gauges(db: Connection, *, now: datetime) -> list[Gauge]:
    """Connections, waiting webhooks and links of a day by provider and state; how long the oldest waits."""
    found: list[Gauge] = []
    for name, query in _COUNTS.items():
        rows = db.execute(text(query), {"now": now})
        found += [Gauge(name, (("provider", row[0]), ("state", row[1])), row[2]) for row in rows]
    for name, query in _AGES.items():
        oldest: datetime | None = db.execute(text(query)).scalar()
        found.append(Gauge(name, (), (now - oldest).total_seconds() if oldest else 0.0))
    return found
