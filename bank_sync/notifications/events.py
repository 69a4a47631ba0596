"""What is worth telling a person after a sync.

Belongs here: from the ledger to messages in the outbox. Does not belong here: delivery, the outbox's table
(`storage.outbox`).

The first sync gives one message instead of one per transaction; later ones a digest, and only when
something is new. While a quality check fails nothing is written: the rows stay untold and are told once the
checks pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum

from bank_sync.services import Services
from bank_sync.storage import connections, journal, outbox
from bank_sync.storage.database import transaction


class News(StrEnum):
    """Kinds of messages that a sync brings about."""

    FIRST_SYNC_DONE = "first_sync_done"
    NEW_TRANSACTIONS = "new_transactions"


@dataclass(frozen=True, slots=True)
class Announced:
    """Messages queued, the untold transactions they cover, and the checks that hold them back."""

    queued: int
    transactions: int
    held_by: tuple[str, ...] = ()


def announce(services: Services, connection_id: str) -> Announced:
    """Queue what a person should hear about this connection's newest sync."""
    now = services.clock()
    with transaction(services.engine) as db:
        since = outbox.told_until(db, connection_id)
        count, newest = outbox.untold(db, connection_id, since)
        held_by = tuple(journal.failed_checks(db, connection_id))
        if held_by or newest is None:
            return Announced(0, count, held_by)
        connection = connections.get_connection(db, connection_id)
        first = since is None
        told_until = newest.astimezone(UTC).isoformat()
        noun = "transaction" if count == 1 else "transactions"
        opening = f"{connection.institution_name} is connected" if first else connection.institution_name
        queued = outbox.enqueue(
            db,
            user_id=connection.user_id,
            connection_id=connection_id,
            kind=News.FIRST_SYNC_DONE if first else News.NEW_TRANSACTIONS,
            dedupe_key=f"{connection_id}:told_until:{told_until}",
            message=f"{opening}: {count} {'' if first else 'new '}{noun}.",
            details={"transactions": count, "told_until": told_until},
            now=now,
        )
    return Announced(int(queued), count)
