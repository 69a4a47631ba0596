"""The figures the demo reports, read from the database and nowhere else.

Belongs here: queries over the demo's connections. Does not belong here: the query of an analyst
(`demo_sample`) and how figures are printed (`demo_report`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, and_, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from bank_sync.cli.demo_sample import SampleResult
from bank_sync.services import Services
from bank_sync.storage.connections import StoredConnection, get_connection
from bank_sync.storage.database import transaction
from bank_sync.storage.tables import (
    accounts,
    balances,
    connections,
    notifications,
    transaction_categories,
    transactions,
    users,
)

if TYPE_CHECKING:
    # Dagster is slow to import and not needed to read figures
    from bank_sync.orchestration.launch import MartsReport, RunReport

_NEWEST_MESSAGES = 8

_LIVE = and_(transactions.c.removed_at.is_(None), transactions.c.superseded_by.is_(None))


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of one connection in the ledger, whether live or not."""

    transactions: int
    balances: int
    categories: int

    def since(self, before: RowCounts) -> RowCounts:
        """What was added."""
        return RowCounts(
            self.transactions - before.transactions,
            self.balances - before.balances,
            self.categories - before.categories,
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.transactions + self.balances + self.categories


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is known of one connection: its accounts, live transactions, and current money by currency."""

    accounts: int
    live_transactions: int
    balances: tuple[tuple[str, Decimal], ...]


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """How many live transactions have a category; None is the abstention."""

    category_primary: str | None
    transactions: int


@dataclass(frozen=True, slots=True)
class ConnectionResult:
    """One connection after its sync: what it holds, what was added, and how the run went."""

    connection: StoredConnection
    holdings: Holdings
    added: RowCounts
    run: RunReport


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything the report tells.

    Attributes:
        messages: texts of the newest notifications, `message_count` of all of them.
        sample: None when the marts could not be asked.
        embedded: whether bank_sync runs the database server itself.
    """

    connections: tuple[ConnectionResult, ...]
    categories: tuple[CategoryCount, ...]
    message_count: int
    messages: tuple[str, ...]
    marts: MartsReport
    sample: SampleResult | None
    embedded: bool


def find_connection(db: Connection, user_reference: str, provider: str) -> str | None:
    """The newest connection of a person at a provider that still has a credential to open it with."""
    query = (
        select(connections.c.connection_id)
        .join(users, users.c.user_id == connections.c.user_id)
        .where(
            users.c.external_reference == user_reference,
            connections.c.provider == provider,
            connections.c.state.not_in(("revoked", "erased")),
        )
        .order_by(connections.c.linked_at.desc())
        .limit(1)
    )
    found = db.execute(query).scalar_one_or_none()
    return None if found is None else str(found)


def count_rows(db: Connection, connection_id: str) -> RowCounts:
    """Rows of a connection as they are now."""
    return RowCounts(
        transactions=_count(db, transactions, connection_id),
        balances=_count(db, balances, connection_id),
        categories=_count(db, transaction_categories, connection_id),
    )


def _count(db: Connection, table: Table, connection_id: str) -> int:
    query = select(func.count()).select_from(table).where(table.c.connection_id == connection_id)
    return int(db.execute(query).scalar_one())


def holdings(db: Connection, connection_id: str) -> Holdings:
    """Accounts, live transactions and current money of a connection."""
    live = select(func.count()).where(transactions.c.connection_id == connection_id, _LIVE)
    return Holdings(
        accounts=_count(db, accounts, connection_id),
        live_transactions=int(db.execute(live).scalar_one()),
        balances=_current_money(db, connection_id),
    )


def _current_money(db: Connection, connection_id: str) -> tuple[tuple[str, Decimal], ...]:
    """The newest current balance of each account, added up by currency."""
    newest = (
        select(balances.c.account_id, balances.c.currency, balances.c.amount)
        .ext(distinct_on(balances.c.account_id, balances.c.currency))
        .where(balances.c.connection_id == connection_id, balances.c.role == "current")
        .order_by(balances.c.account_id, balances.c.currency, balances.c.as_of.desc())
        .subquery()
    )
    query = (
        select(newest.c.currency, func.sum(newest.c.amount).label("amount"))
        .group_by(newest.c.currency)
        .order_by(newest.c.currency)
    )
    return tuple((row.currency, row.amount) for row in db.execute(query))


def count_categories(db: Connection, connection_ids: Sequence[str]) -> list[CategoryCount]:
    """Live transactions by current category, the most frequent first."""
    current = and_(
        transaction_categories.c.transaction_id == transactions.c.transaction_id,
        transaction_categories.c.replaced_at.is_(None),
    )
    primary = transaction_categories.c.category_primary
    query = (
        select(primary, func.count().label("transactions"))
        .select_from(transactions.outerjoin(transaction_categories, current))
        .where(transactions.c.connection_id.in_(connection_ids), _LIVE)
        .group_by(primary)
        .order_by(func.count().desc(), primary)
    )
    return [CategoryCount(row.category_primary, row.transactions) for row in db.execute(query)]


def newest_messages(db: Connection, connection_ids: Sequence[str]) -> tuple[int, list[str]]:
    """How many notifications the connections have caused, and the texts of the newest."""
    mine = notifications.c.connection_id.in_(connection_ids)
    total = db.execute(select(func.count()).select_from(notifications).where(mine)).scalar_one()
    query = (
        select(notifications.c.message)
        .where(mine)
        .order_by(notifications.c.notification_id.desc())
        .limit(_NEWEST_MESSAGES)
    )
    return int(total), [row.message for row in db.execute(query)]


def gather(
    services: Services,
    before: Mapping[str, RowCounts],
    runs: Sequence[RunReport],
    marts: MartsReport,
    sample: SampleResult | None,
) -> DemoResult:
    """Everything the report tells, read in one transaction; `before` by connection_id.

    Raises:
        DatabaseError: the database refused.
    """
    with transaction(services.engine) as db:
        message_count, messages = newest_messages(db, list(before))
        return DemoResult(
            connections=tuple(_connection_result(db, before[run.connection_id], run) for run in runs),
            categories=tuple(count_categories(db, list(before))),
            message_count=message_count,
            messages=tuple(messages),
            marts=marts,
            sample=sample,
            embedded=services.locations.embedded,
        )


def _connection_result(db: Connection, before: RowCounts, run: RunReport) -> ConnectionResult:
    return ConnectionResult(
        connection=get_connection(db, run.connection_id),
        holdings=holdings(db, run.connection_id),
        added=count_rows(db, run.connection_id).since(before),
        run=run,
    )
