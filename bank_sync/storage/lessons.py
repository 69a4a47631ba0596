"""Lessons that many people taught alike, on their way to everybody's model.

Belongs here: `bank.training_candidates`, who of the people teaches and who judges, and the rows that judge.
Does not belong here: what one person taught for themselves (`storage.category_memory`).

A fifth of the people never teach: what they corrected, and what they left standing beside it, is what a new
model is judged by. Nothing in a candidate says who taught it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Row,
    cast,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from bank_sync.domain.errors import NotFound
from bank_sync.storage.categories import Uncategorized, live_facts
from bank_sync.storage.tables import (
    category_memory,
    connections,
    training_candidates,
    transaction_categories,
    transaction_overlays,
    transactions,
)

LEAST_PEOPLE = 5
"""Fewer than this, and what they say of a merchant might tell who they are."""

_LEAST_AGREEMENT = 0.8
_JUDGES = 5  # one person in so many judges and does not teach
_LOOKED_AT = timedelta(days=30)
# Who paid whom is nobody else's business, and no model learns it from a name.
_BETWEEN_PEOPLE = ("TRANSFER_IN", "TRANSFER_OUT")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What people agree on about a merchant: `agreeing` of `people` said this category."""

    candidate_id: int
    merchant_key: str
    money_in: bool
    category_primary: str
    category_detailed: str | None
    people: int
    agreeing: int
    state: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A row of somebody who never teaches; `corrected` where they said the label, else they let it stand."""

    row: Uncategorized
    user_id: str
    label: str
    corrected: bool


def _judges(user_id: ColumnElement[str]) -> ColumnElement[bool]:
    drawn = func.get_byte(func.decode(func.md5(user_id), "hex"), 0)
    judges: ColumnElement[bool] = drawn % _JUDGES == 0
    return judges


def find_candidates(db: Connection, *, now: datetime) -> int:
    """Look for what enough people agree on; returns how many candidates wait. Decided ones stay decided."""
    found = db.execute(_agreed()).all()
    keys = [(one.merchant_key, one.money_in, one.category_primary) for one in found]
    columns = training_candidates.c
    key = tuple_(columns.merchant_key, columns.money_in, columns.category_primary)
    db.execute(delete(training_candidates).where(columns.state == "waiting", key.not_in(keys)))
    for one in found:
        _keep(db, one, now)
    waiting = select(func.count()).select_from(training_candidates).where(columns.state == "waiting")
    return int(db.execute(waiting).scalar_one())


def _agreed() -> Any:
    said = category_memory.c
    group = (said.merchant_key, said.money_in)
    people = func.sum(func.count()).over(partition_by=group)
    by_category = (
        select(
            *group,
            said.category_primary,
            func.min(said.category_detailed).label("some_detailed"),
            func.count(said.category_detailed.distinct()).label("details"),
            func.count().label("agreeing"),
            people.label("people"),
        )
        .where(~_judges(said.user_id))
        .group_by(*group, said.category_primary)
        .subquery()
    )
    return select(by_category).where(
        by_category.c.agreeing >= LEAST_PEOPLE,
        by_category.c.agreeing >= _LEAST_AGREEMENT * by_category.c.people,
        by_category.c.category_primary.not_in(_BETWEEN_PEOPLE),
    )


def _keep(db: Connection, found: Row[Any], now: datetime) -> None:
    counts = {
        "category_detailed": found.some_detailed if found.details == 1 else None,
        "people": found.people,
        "agreeing": found.agreeing,
    }
    statement = insert(training_candidates).values(
        merchant_key=found.merchant_key,
        money_in=found.money_in,
        category_primary=found.category_primary,
        found_at=now,
        **counts,
    )
    keys = ["merchant_key", "money_in", "category_primary"]
    waits = training_candidates.c.state == "waiting"
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=counts, where=waits))


def candidates(db: Connection, state: str) -> list[Candidate]:
    """The candidates in a state: waiting, accepted or refused; what most people said comes first."""
    columns = [training_candidates.c[name] for name in Candidate.__slots__]
    query = (
        select(*columns)
        .where(training_candidates.c.state == state)
        .order_by(training_candidates.c.agreeing.desc(), training_candidates.c.candidate_id)
    )
    return [Candidate(**row) for row in db.execute(query).mappings()]


def decide_candidate(db: Connection, candidate_id: int, state: str, *, by: str, now: datetime) -> None:
    """Accept or refuse a candidate; a later word replaces an earlier one.

    Raises:
        NotFound: there is no such candidate.
    """
    statement = (
        update(training_candidates)
        .where(training_candidates.c.candidate_id == candidate_id)
        .values(state=state, decided_by=by, decided_at=now)
    )
    if not db.execute(statement).rowcount:
        raise NotFound(
            f"There is no candidate {candidate_id}; `bank-sync categories candidates list` has them."
        )


def held_out(db: Connection, *, limit: int) -> list[HeldOut]:
    """Live rows of the people who judge: what they corrected, and what they let stand when they looked.

    A person is taken to have looked at the rows of the 30 days before a correction of theirs.
    """
    overlay, current = transaction_overlays, transaction_categories
    corrected = overlay.c.category_primary
    stood = current.c.category_primary.is_not(None) & current.c.source.not_in(("memory", "user_rule"))
    query = (
        live_facts()
        .add_columns(
            connections.c.user_id,
            func.coalesce(corrected, current.c.category_primary).label("label"),
            corrected.is_not(None).label("corrected"),
        )
        .outerjoin(overlay, overlay.c.transaction_id == transactions.c.transaction_id)
        .where(_judges(connections.c.user_id), or_(corrected.is_not(None), stood & _looked_at()))
        .order_by(transactions.c.booked_on.desc(), transactions.c.transaction_id)
        .limit(limit)
    )
    return [_held_out(dict(row)) for row in db.execute(query).mappings()]


def _looked_at() -> ColumnElement[bool]:
    said, theirs = transaction_overlays.alias("said"), connections.alias("theirs")
    day = cast(said.c.changed_at, Date)
    return exists(
        select(said.c.transaction_id)
        .join(theirs, theirs.c.connection_id == said.c.connection_id)
        .where(
            theirs.c.user_id == connections.c.user_id,
            said.c.category_primary.is_not(None),
            transactions.c.booked_on.between(day - _LOOKED_AT.days, day),
        )
    )


def _held_out(row: dict[str, Any]) -> HeldOut:
    own = {name: row.pop(name) for name in ("user_id", "label", "corrected")}
    return HeldOut(row=Uncategorized(**row), **own)
