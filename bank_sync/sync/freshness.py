"""Whether every connection is as fresh as was promised.

Belongs here: verdicts over all connections. Does not belong here: the promise (`sync.cadence`), telling
people (`notifications.reminders`), what holds for one connection's data (`quality.gate`).
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from bank_sync.notifications.alerts import alert
from bank_sync.quality.gate import Verdict
from bank_sync.services import Services
from bank_sync.storage import inbox_draining, watch
from bank_sync.storage.database import transaction
from bank_sync.sync.cadence import promised_freshness

STALE_CONNECTIONS = "stale_connections"
NO_WEBHOOK_PARKED = "no_webhook_parked"

_MOST_NAMED = 20


def promises(services: Services) -> dict[str, timedelta]:
    """What is promised of each configured provider's connections."""
    return {name: promised_freshness(name) for name in services.providers}


def check_freshness(services: Services) -> Verdict:
    """Connections in good health whose last good sync is older than their provider's promise.

    The oldest are named, each with the hours since it was read; whoever runs bank_sync is told once.
    """
    now, promised = services.clock(), promises(services)
    with transaction(services.engine) as db:
        found = [one.connection for one in watch.stale(db, (), now=now, promised=promised)]
        by_provider = Counter(one.provider for one in found)
        for provider, number in sorted(by_provider.items()):
            hours = promised[provider] / timedelta(hours=1)
            message = f"{number} {provider} connections were read longer than {hours:.0f} h ago."
            alert(db, STALE_CONNECTIONS, provider, message=message, now=now)
    oldest = [
        {
            "connection": one.connection_id,
            "provider": one.provider,
            "hours": round((now - (one.last_synced_at or one.linked_at)) / timedelta(hours=1), 1),
        }
        for one in found[:_MOST_NAMED]
    ]
    return Verdict(
        STALE_CONNECTIONS,
        not found,
        {"stale": len(found), "by_provider": dict(by_provider), "oldest": oldest},
    )


def check_inbox(services: Services) -> Verdict:
    """Webhooks that were parked because nobody has decided what they mean."""
    with transaction(services.engine) as db:
        parked = inbox_draining.parked(db)
    return Verdict(NO_WEBHOOK_PARKED, not parked, {"parked": sum(parked.values()), "by_kind": parked})
