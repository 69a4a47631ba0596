"""Breakers, one row per credential or institution that failed lately.

Belongs here: `bank.breakers`. Does not belong here: their life (`domain.breaker`). No row is a closed breaker
that remembers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.breaker import Breaker
from bank_sync.storage.tables import breakers


def find(db: Connection, keys: Iterable[str]) -> dict[str, Breaker]:
    """Those breakers that are not at rest, locked until the transaction ends."""
    query = select(breakers).where(breakers.c.breaker_key.in_(sorted(keys)))
    return {
        row.breaker_key: Breaker(
            recent={name: datetime.fromisoformat(at) for name, at in row.recent.items()},
            openings=row.openings,
            opened_at=row.opened_at,
            retry_at=row.retry_at,
            probe=row.probe,
        )
        for row in db.execute(query.order_by(breakers.c.breaker_key).with_for_update())
    }


def find_or_begin(db: Connection, key: str) -> Breaker:
    """The breaker, made at rest if there is none; locked until the transaction ends."""
    begun = insert(breakers).values(breaker_key=key, recent={}, openings=0)
    db.execute(begun.on_conflict_do_nothing())
    return find(db, [key]).get(key, Breaker())


def keep(db: Connection, key: str, breaker: Breaker) -> None:
    """Store a breaker that was found before in this transaction."""
    values = {
        "recent": {name: at.isoformat() for name, at in breaker.recent.items()},
        "openings": breaker.openings,
        "opened_at": breaker.opened_at,
        "retry_at": breaker.retry_at,
        "probe": breaker.probe,
    }
    db.execute(breakers.update().where(breakers.c.breaker_key == key).values(**values))


def forget(db: Connection, keys: Iterable[str]) -> None:
    """Put breakers to rest."""
    db.execute(delete(breakers).where(breakers.c.breaker_key.in_(sorted(keys))))


def open_breakers(db: Connection) -> dict[str, Breaker]:
    """All breakers that let only probes through, by key."""
    query = select(breakers).where(breakers.c.opened_at.is_not(None)).order_by(breakers.c.breaker_key)
    return {
        row.breaker_key: Breaker({}, row.openings, row.opened_at, row.retry_at, row.probe)
        for row in db.execute(query)
    }
