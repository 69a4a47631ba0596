"""Keys of embedding applications.

Belongs here: `bank.api_keys`. Does not belong here: what a key's scopes allow (`web.access`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, or_, select, update
from ulid import ULID

from bank_sync.domain.errors import NotFound
from bank_sync.security.tokens import hash_token, is_token, new_token
from bank_sync.storage.tables import api_keys

_PREFIX = "bsk"
_USE_NOTED_EVERY = timedelta(hours=1)


class Scope(StrEnum):
    """What a key is good for."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key without its secret."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def create_key(db: Connection, name: str, scopes: frozenset[Scope], *, now: datetime) -> tuple[ApiKey, str]:
    """A new key and its full text, which is nowhere stored: `bsk_<id>_<secret>`."""
    key_id, secret = str(ULID()).lower(), new_token()
    values = {
        "key_id": key_id,
        "name": name,
        "secret_hash": hash_token(secret),
        "scopes": ",".join(sorted(scopes)),
        "created_at": now,
    }
    db.execute(insert(api_keys).values(**values))
    return ApiKey(key_id, name, scopes, now, None, None, None), f"{_PREFIX}_{key_id}_{secret}"


def rotate_key(db: Connection, key_id: str, *, ends_at: datetime, now: datetime) -> tuple[ApiKey, str]:
    """A successor with the same name and scopes, as `create_key` gives it; the old key ends at that moment.

    Raises:
        NotFound: there is no such key that is still good.
    """
    end_key(db, key_id, at=ends_at, now=now)
    query = select(*_COLUMNS).where(api_keys.c.key_id == key_id)
    old = _key(db.execute(query).mappings().one())
    return create_key(db, old.name, old.scopes, now=now)


def end_key(db: Connection, key_id: str, *, at: datetime, now: datetime) -> None:
    """A key ends at that moment; at once where it is not in the future.

    Raises:
        NotFound: there is no such key that is still good.
    """
    values = {"revoked_at": now} if at <= now else {"ends_at": at}
    still_good = (api_keys.c.key_id == key_id) & api_keys.c.revoked_at.is_(None)
    if db.execute(update(api_keys).where(still_good).values(**values)).rowcount == 0:
        raise NotFound(f"There is no living key {key_id!r}. List them with `bank-sync keys list`.")


def list_keys(db: Connection) -> list[ApiKey]:
    """All keys, oldest first."""
    query = select(*_COLUMNS).order_by(api_keys.c.created_at, api_keys.c.key_id)
    return [_key(row) for row in db.execute(query).mappings()]


def find_key(db: Connection, text: str, *, now: datetime) -> ApiKey | None:
    """The living key with this full text; notes at most hourly that it was used."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != _PREFIX or not key_id.isalnum() or not secret:
        return None
    living = or_(api_keys.c.ends_at.is_(None), api_keys.c.ends_at > now) & api_keys.c.revoked_at.is_(None)
    query = select(*_COLUMNS, api_keys.c.secret_hash).where(api_keys.c.key_id == key_id, living)
    row = db.execute(query).mappings().one_or_none()
    if row is None or not is_token(secret, row["secret_hash"]):
        return None
    used = row["last_used_at"]
    if used is None or now - used >= _USE_NOTED_EVERY:
        db.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_at=now))
    return _key(row)


_COLUMNS = [api_keys.c[name] for name in ApiKey.__slots__]


def _key(row: RowMapping) -> ApiKey:
    values = {name: row[name] for name in ApiKey.__slots__}
    return ApiKey(**values | {"scopes": frozenset(Scope(one) for one in row["scopes"].split(","))})
