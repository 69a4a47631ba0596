"""Sessions of people's browsers.

Belongs here: `bank.web_sessions`. Does not belong here: cookies and pages (`web`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update
from ulid import ULID

from bank_sync.security.tokens import hash_token, new_token
from bank_sync.storage.tables import users, web_sessions

LINK_GOOD_FOR = timedelta(minutes=10)
"""How long the address that opens a session can be opened, once."""

SESSION_GOOD_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Session:
    """One open session and whose it is."""

    session_id: str
    user_id: str
    user_reference: str
    purpose: str


def new_session_link(db: Connection, user_id: str, purpose: str, *, now: datetime) -> tuple[str, datetime]:
    """The word of an address that opens a session for a person, once, and until when."""
    token, ends_at = new_token(), now + LINK_GOOD_FOR
    values = {
        "session_id": f"session_{str(ULID()).lower()}",
        "user_id": user_id,
        "link_hash": hash_token(token),
        "purpose": purpose,
        "created_at": now,
        "link_ends_at": ends_at,
        "ends_at": now + SESSION_GOOD_FOR,
    }
    db.execute(insert(web_sessions).values(**values))
    return token, ends_at


def open_session(db: Connection, token: str, *, now: datetime) -> tuple[str, str] | None:
    """Use up the word of an address: the cookie's word and the page to go to; None if it is spent."""
    cookie = new_token()
    opened = (
        update(web_sessions)
        .where(
            web_sessions.c.link_hash == hash_token(token),
            web_sessions.c.cookie_hash.is_(None),
            web_sessions.c.link_ends_at > now,
        )
        .values(cookie_hash=hash_token(cookie), ends_at=now + SESSION_GOOD_FOR)
        .returning(web_sessions.c.purpose)
    )
    purpose: str | None = db.execute(opened).scalar_one_or_none()
    return None if purpose is None else (cookie, purpose)


def find_session(db: Connection, cookie: str, *, now: datetime) -> Session | None:
    """The open session of a cookie."""
    query = (
        select(
            web_sessions.c.session_id,
            web_sessions.c.user_id,
            users.c.external_reference.label("user_reference"),
            web_sessions.c.purpose,
        )
        .join(users, users.c.user_id == web_sessions.c.user_id)
        .where(web_sessions.c.cookie_hash == hash_token(cookie), web_sessions.c.ends_at > now)
    )
    row = db.execute(query).mappings().one_or_none()
    return None if row is None else Session(**row)
