"""The inbox of webhooks as the drain sees it: what waits, and what became of it.

Belongs here: reading and settling rows of `bank.webhook_inbox`. Does not belong here: storing what came
(`storage.inbox`), what an event means (`sync.webhook_events`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text, update

from bank_sync.domain.models import ConnectionState
from bank_sync.storage.tables import webhook_inbox


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """A webhook that is not settled yet; `run_key` names the run that was asked for because of it."""

    event_id: int
    provider: str
    kind: str
    connection_id: str | None
    body: bytes
    received_at: datetime
    run_key: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the connection of waiting events stands.

    Attributes:
        linked_at: what was said before concerns an older link.
        tried_at: when the newest try began that got to transactions, or failed before.
        read_at: when the newest good read of transactions began.
        is_busy: somebody syncs it now.
    """

    connection_id: str
    state: ConnectionState
    linked_at: datetime
    tried_at: datetime | None
    read_at: datetime | None
    is_busy: bool


def waiting(db: Connection, *, limit: int) -> list[WaitingEvent]:
    """Events that are not settled, oldest first; those of no known connection get it if it came to be."""
    db.execute(text(_FIND_OWNERS))
    columns = [webhook_inbox.c[name] for name in WaitingEvent.__slots__]
    query = select(*columns).where(webhook_inbox.c.state == "new").order_by(webhook_inbox.c.event_id)
    return [WaitingEvent(**row) for row in db.execute(query.limit(limit)).mappings()]


_FIND_OWNERS = """
UPDATE bank.webhook_inbox AS i SET connection_id = c.connection_id
FROM bank.connections AS c
WHERE i.state = 'new' AND i.connection_id IS NULL
    AND c.provider = i.provider AND c.provider_connection_id = i.provider_item
"""
"""A webhook may overtake the commit of the link it belongs to."""


def standings(db: Connection, connection_ids: Sequence[str], *, now: datetime) -> dict[str, Standing]:
    """Where these connections stand, by connection_id."""
    rows = db.execute(text(_STANDINGS), {"ids": list(connection_ids), "now": now}).mappings()
    return {row["connection_id"]: Standing(**{**row, "state": ConnectionState(row["state"])}) for row in rows}


_STANDINGS = """
SELECT c.connection_id, c.state, c.linked_at,
    (SELECT max(a.started_at) FROM bank.sync_attempts AS a WHERE a.connection_id = c.connection_id
        AND (a.part = 'transactions' OR a.outcome = 'failed')) AS tried_at,
    (SELECT max(a.started_at) FROM bank.sync_attempts AS a WHERE a.connection_id = c.connection_id
        AND a.part = 'transactions' AND a.outcome <> 'failed') AS read_at,
    coalesce(c.lease_until > :now, false) AS is_busy
FROM bank.connections AS c WHERE c.connection_id = ANY(:ids)
"""


def settle(db: Connection, event_ids: Sequence[int], state: str, *, now: datetime) -> None:
    """These are `handled`, `stale` (something newer stands) or `parked` (nobody knows what to do)."""
    if event_ids:
        rows = update(webhook_inbox).where(webhook_inbox.c.event_id.in_(event_ids))
        db.execute(rows.values(state=state, handled_at=now))


def claim(db: Connection, event_ids: Sequence[int], run_key: str) -> None:
    """Note which run is asked for because of these; they stay unsettled until it has read the bank."""
    db.execute(update(webhook_inbox).where(webhook_inbox.c.event_id.in_(event_ids)).values(run_key=run_key))


def parked(db: Connection) -> dict[str, int]:
    """How many events nobody knows what to do with, by provider and kind."""
    name = webhook_inbox.c.provider + " " + webhook_inbox.c.kind
    query = select(name, func.count()).where(webhook_inbox.c.state == "parked").group_by(name).order_by(name)
    return {row[0]: row[1] for row in db.execute(query)}
