"""Tries to connect or repair a bank, from the first click to their end.

Belongs here: `bank.link_attempts`. Does not belong here: what a provider makes of them (`sync.linking`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from bank_sync.domain.errors import NotFound
from bank_sync.storage.tables import link_attempts


@dataclass(frozen=True, slots=True)
class LinkAttempt:
    """One row of `bank.link_attempts`; `start` is what the browser needs."""

    attempt_id: str
    user_id: str
    session_id: str | None
    provider: str
    institution_id: str | None
    institution_name: str | None
    connection_id: str | None
    is_repair: bool
    start: Mapping[str, str]
    reference: str
    state: str
    error_code: str | None
    created_at: datetime
    ends_at: datetime


_COLUMNS = [link_attempts.c[name] for name in LinkAttempt.__slots__]


def add_attempt(db: Connection, attempt: LinkAttempt, *, state_hash: bytes | None) -> None:
    """Remember a try; `state_hash` is of the one-time word that a redirect brings back."""
    values = {name: getattr(attempt, name) for name in LinkAttempt.__slots__}
    db.execute(insert(link_attempts).values(**values, state_hash=state_hash))


def get_attempt(db: Connection, attempt_id: str, *, user_id: str) -> LinkAttempt:
    """One try of one person.

    Raises:
        NotFound: the person has none with this id.
    """
    query = select(*_COLUMNS).where(
        link_attempts.c.attempt_id == attempt_id, link_attempts.c.user_id == user_id
    )
    row = db.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("There is no such link. Begin a new one.")
    return LinkAttempt(**row)


def take_state(db: Connection, state_hash: bytes, *, session_id: str, now: datetime) -> str | None:
    """Use up the word a redirect brought back to its session: the attempt's id, None when spent."""
    statement = (
        update(link_attempts)
        .where(
            link_attempts.c.state_hash == state_hash,
            link_attempts.c.session_id == session_id,
            link_attempts.c.state == "open",
            link_attempts.c.ends_at > now,
        )
        .values(state_hash=None)
    )
    found: str | None = db.execute(statement.returning(link_attempts.c.attempt_id)).scalar_one_or_none()
    return found


def end_attempt(
    db: Connection,
    attempt_id: str,
    state: str,
    *,
    connection_id: str | None = None,
    error_code: str | None = None,
) -> bool:
    """Close a try and forget what its browser needed; False when it was closed before."""
    values: dict[str, object] = {"state": state, "error_code": error_code, "start": {}, "state_hash": None}
    if connection_id is not None:
        values["connection_id"] = connection_id
    statement = update(link_attempts).where(
        link_attempts.c.attempt_id == attempt_id, link_attempts.c.state == "open"
    )
    return db.execute(statement.values(**values)).rowcount == 1


def away_attempts(db: Connection, *, begun_before: datetime, now: datetime, limit: int) -> list[LinkAttempt]:
    """Open tries whose person is at the bank's own pages, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(
            link_attempts.c.state == "open",
            link_attempts.c.ends_at > now,
            link_attempts.c.created_at <= begun_before,
            link_attempts.c.start["kind"].astext == "redirect",
        )
        .order_by(link_attempts.c.created_at)
        .limit(limit)
    )
    return [LinkAttempt(**row) for row in db.execute(query).mappings()]


def overdue_attempts(db: Connection, *, now: datetime, limit: int) -> list[LinkAttempt]:
    """Tries that were never brought to an end, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(link_attempts.c.state == "open", link_attempts.c.ends_at <= now)
        .order_by(link_attempts.c.ends_at)
        .limit(limit)
    )
    return [LinkAttempt(**row) for row in db.execute(query).mappings()]
