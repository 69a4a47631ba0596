"""The ledger of calls that count against a daily quota.

Belongs here: `bank.quota_calls`. Does not belong here: the arithmetic (`domain.quota`), making the calls.

A call is reserved in a committed transaction of its own before it is made. If the process dies, or the answer
never comes, the reservation stays and counts as used: the ledger may think too much of the quota is used,
never too little.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    delete,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on

from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import (
    COUNTS_FOR,
    UNKNOWN_COUNTS_FOR,
    CallOutcome,
    Counted,
    Reservation,
    Scope,
    allowance,
    free_at,
)
from bank_sync.storage.database import transaction
from bank_sync.storage.tables import quota_calls

_NAMED_BY = (quota_calls.c.provider, quota_calls.c.account_hash, quota_calls.c.scope)
_KEPT_FOR = timedelta(days=30)  # calls that no longer count, for whoever asks what happened


@dataclass(frozen=True, slots=True)
class Standing:
    """How much of one quota is used, and when the schedule and a person may call again."""

    provider_account_id: str
    scope: Scope
    used: int
    calls_per_day: int
    schedule_at: datetime
    person_at: datetime


@dataclass(frozen=True, slots=True)
class _Key:
    provider: str
    account_hash: str
    scope: Scope


class QuotaLedger:
    """Reserves and settles calls, outside of any transaction of the caller.

    Args:
        engine: not the one whose transactions are long; `storage.database.side_engine`.
        clock: the time in UTC.
        calls_per_day: per account and scope; a bank that says less is believed.
    """

    def __init__(self, engine: Engine, clock: Callable[[], datetime], calls_per_day: int) -> None:
        self._engine = engine
        self._clock = clock
        self._calls_per_day = calls_per_day

    def reserve(
        self, provider: str, provider_account_id: str, scope: Scope, asked_by: AskedBy
    ) -> Reservation:
        """Reserve one call, or tell when the next one fits."""
        key = _key(provider, provider_account_id, scope)
        now = self._clock()
        with transaction(self._engine) as db:
            _lock(db, key)
            allowed = allowance(self._limit(_limits(db, [key]).get(key)), asked_by)
            moment = free_at(_counting(db, [key], now)[key], allowed, now)
            if moment > now:
                return Reservation(None, moment)
            return Reservation(_insert(db, key, asked_by, now), now)

    def settle(
        self,
        call_id: int,
        outcome: CallOutcome,
        *,
        limit: int | None = None,
        remaining: int | None = None,
        refused_for_s: float | None = None,
    ) -> None:
        """Note how a reserved call ended.

        Args:
            call_id: of the reservation.
            outcome: a success counts for a day; a failure that the provider itself told counts no more.
            limit: the bank's quota as the answer gave it.
            remaining: what the answer said is left of it; what others used is booked as used.
            refused_for_s: seconds for which the bank gives nothing at all.
        """
        now = self._clock()
        with transaction(self._engine) as db:
            key = _key_of(db, call_id)
            _lock(db, key)
            units, until = 0, now
            if outcome is CallOutcome.SUCCEEDED:
                units, until = 1 + _used_by_others(db, key, now, limit, remaining), now + COUNTS_FOR
            elif outcome is CallOutcome.REFUSED:
                units, until = self._calls_per_day, now + timedelta(seconds=refused_for_s or 0)
            db.execute(
                update(quota_calls)
                .where(quota_calls.c.call_id == call_id)
                .values(outcome=outcome, units=units, counts_until=until, call_limit=limit, settled_at=now)
            )

    def next_allowed_at(
        self, provider: str, provider_account_id: str, scope: Scope, asked_by: AskedBy = AskedBy.SCHEDULE
    ) -> datetime:
        """The first moment from now on at which a call fits."""
        standing = self.standing(provider, provider_account_id, scope)
        return standing.person_at if asked_by is AskedBy.PERSON else standing.schedule_at

    def standing(self, provider: str, provider_account_id: str, scope: Scope) -> Standing:
        """Where one quota stands now."""
        found = self.standings(provider, [provider_account_id])
        return next(one for one in found if one.scope is scope)

    def standings(self, provider: str, provider_account_ids: Iterable[str]) -> list[Standing]:
        """Where all quotas of some accounts stand now."""
        named = [(name, _key(provider, name, scope)) for name in provider_account_ids for scope in Scope]
        keys = [key for _, key in named]
        now = self._clock()
        with transaction(self._engine) as db:
            counting, limits = _counting(db, keys, now), _limits(db, keys)
        return [
            _standing(name, key.scope, counting[key], self._limit(limits.get(key)), now)
            for name, key in named
        ]

    def forget_old(self) -> int:
        """Delete calls that stopped counting a month ago; returns how many."""
        old = delete(quota_calls).where(quota_calls.c.counts_until < self._clock() - _KEPT_FOR)
        with transaction(self._engine) as db:
            return db.execute(old).rowcount

    def _limit(self, told: int | None) -> int:
        """The setting, or less where the bank last said so."""
        return self._calls_per_day if told is None else max(1, min(told, self._calls_per_day))


def _standing(name: str, scope: Scope, counting: list[Counted], limit: int, now: datetime) -> Standing:
    return Standing(
        provider_account_id=name,
        scope=scope,
        used=sum(call.units for call in counting),
        calls_per_day=limit,
        schedule_at=free_at(counting, allowance(limit, AskedBy.SCHEDULE), now),
        person_at=free_at(counting, allowance(limit, AskedBy.PERSON), now),
    )


def _key(provider: str, provider_account_id: str, scope: Scope) -> _Key:
    digest = hashlib.sha256(f"{provider}\x1f{provider_account_id}".encode()).hexdigest()
    return _Key(provider, digest[:32], scope)


def _key_of(db: Connection, call_id: int) -> _Key:
    return _key_of_row(db.execute(select(*_NAMED_BY).where(quota_calls.c.call_id == call_id)).one())


def _key_of_row(row: Row[Any]) -> _Key:
    return _Key(row.provider, row.account_hash, Scope(row.scope))


def _lock(db: Connection, key: _Key) -> None:
    """One at a time per quota, until the transaction ends."""
    name = f"quota:{key.provider}:{key.account_hash}:{key.scope}"
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def _counting(db: Connection, keys: Sequence[_Key], now: datetime) -> dict[_Key, list[Counted]]:
    """The calls that count now, by key."""
    columns = (*_NAMED_BY, quota_calls.c.units, quota_calls.c.counts_until)
    query = select(*columns).where(_any_of(keys), quota_calls.c.counts_until > now, quota_calls.c.units > 0)
    found: dict[_Key, list[Counted]] = {key: [] for key in keys}
    for row in db.execute(query):
        found[_key_of_row(row)].append(Counted(row.units, row.counts_until))
    return found


def _limits(db: Connection, keys: Sequence[_Key]) -> dict[_Key, int]:
    """What the bank last said that its quota is, by key."""
    query = (
        select(*_NAMED_BY, quota_calls.c.call_limit)
        .ext(distinct_on(*_NAMED_BY))
        .where(_any_of(keys), quota_calls.c.call_limit.is_not(None))
        .order_by(*_NAMED_BY, quota_calls.c.call_id.desc())
    )
    return {_key_of_row(row): row.call_limit for row in db.execute(query)}


def _any_of(keys: Sequence[_Key]) -> ColumnElement[bool]:
    return tuple_(*_NAMED_BY).in_([(key.provider, key.account_hash, key.scope) for key in keys])


def _insert(db: Connection, key: _Key, asked_by: AskedBy, now: datetime) -> int:
    statement = insert(quota_calls).values(
        provider=key.provider,
        account_hash=key.account_hash,
        scope=key.scope,
        asked_by=asked_by,
        outcome=CallOutcome.RESERVED,
        units=1,
        counts_until=now + UNKNOWN_COUNTS_FOR,
        reserved_at=now,
    )
    call_id: int = db.execute(statement.returning(quota_calls.c.call_id)).scalar_one()
    return call_id


def _used_by_others(
    db: Connection, key: _Key, now: datetime, limit: int | None, remaining: int | None
) -> int:
    """Calls the bank has counted beyond those of this ledger: somebody else reads the account too."""
    if limit is None or remaining is None:
        return 0
    ours = select(func.coalesce(func.sum(quota_calls.c.units), 0)).where(
        _any_of([key]), quota_calls.c.counts_until > now
    )
    known: int = db.execute(ours).scalar_one()
    return max(0, limit - remaining - known)
