"""What all tables share: the metadata with its naming rule, and columns that recur.

Does not belong here: tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, Enum, ForeignKey, MetaData, Numeric, Text

SCHEMAS = ("raw", "bank", "analytics")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def moment(name: str, *, required: bool = True) -> Column[Any]:
    """An instant with its zone."""
    return Column(name, DateTime(timezone=True), nullable=not required)


def one_of(name: str, values: type) -> Enum:
    """Text with a check: readable in SQL, and extended by an ordinary migration."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def money(name: str, *, required: bool = True) -> Column[Any]:
    """An exact amount in units of its currency."""
    return Column(name, Numeric(28, 8), nullable=not required)


def connection_column() -> Column[Any]:
    """The connection a row belongs to."""
    return Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), nullable=False)


def account_column() -> Column[Any]:
    """The account a row belongs to."""
    return Column("account_id", Text, ForeignKey("bank.accounts.account_id"), nullable=False)
