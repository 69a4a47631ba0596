"""Rules that people made for their own transactions.

Belongs here: `bank.category_rules`. Does not belong here: whether a rule fits a row (`sync.teaching`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, Select, insert, select, update

from bank_sync.domain.errors import NotFound
from bank_sync.storage.tables import category_rules, connections, users


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows with this merchant or these words, in this direction and of this size, belong to a category.

    `words` are whole words in plain form, which all have to occur; amounts are sizes without a sign, both
    ends included; None asks for nothing.
    """

    merchant_key: str | None
    words: str | None
    money_in: bool | None
    at_least: Decimal | None
    at_most: Decimal | None
    category_primary: str
    category_detailed: str | None


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule with its number and whose it is."""

    rule_id: int
    user_id: str
    external_reference: str
    rule: Rule


def add_rule(db: Connection, user_id: str, rule: Rule, *, now: datetime) -> int:
    """Keep a person's rule; returns its number."""
    values = {name: getattr(rule, name) for name in Rule.__slots__}
    statement = insert(category_rules).values(user_id=user_id, made_at=now, **values)
    return int(db.execute(statement.returning(category_rules.c.rule_id)).scalar_one())


def remove_rule(db: Connection, rule_id: int, *, now: datetime) -> str:
    """End a rule; returns whose it was. The row stays, since decisions name it.

    Raises:
        NotFound: there is no such rule, or it was removed before.
    """
    statement = (
        update(category_rules)
        .where(category_rules.c.rule_id == rule_id, category_rules.c.removed_at.is_(None))
        .values(removed_at=now)
        .returning(category_rules.c.user_id)
    )
    owner: str | None = db.execute(statement).scalar()
    if owner is None:
        raise NotFound(f"There is no rule {rule_id}; `bank-sync categories rules list` has them.")
    return owner


def living_rules(db: Connection, external_reference: str | None = None) -> list[OwnRule]:
    """Rules of one person, or of everybody, the newest first: the order in which they decide."""
    query = _living()
    if external_reference is not None:
        query = query.where(users.c.external_reference == external_reference)
    return _read(db, query)


def rules_for(db: Connection, connection_id: str) -> list[OwnRule]:
    """Rules of the person behind a connection, the newest first: the order in which they decide."""
    query = _living().join(connections, connections.c.user_id == users.c.user_id)
    return _read(db, query.where(connections.c.connection_id == connection_id))


def _living() -> Select[tuple[object, ...]]:
    columns = [category_rules.c[name] for name in Rule.__slots__]
    return (
        select(category_rules.c.rule_id, users.c.user_id, users.c.external_reference, *columns)
        .join(users, users.c.user_id == category_rules.c.user_id)
        .where(category_rules.c.removed_at.is_(None))
        .order_by(category_rules.c.rule_id.desc())
    )


def _read(db: Connection, query: Select[tuple[object, ...]]) -> list[OwnRule]:
    return [
        OwnRule(
            row["rule_id"],
            row["user_id"],
            row["external_reference"],
            Rule(**{name: row[name] for name in Rule.__slots__}),
        )
        for row in db.execute(query).mappings()
    ]
