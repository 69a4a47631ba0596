"""Payments and income that come again and again, and the transactions they consist of."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
)

from bank_sync.storage.tables.base import account_column, connection_column, metadata, moment, money

recurring_streams = Table(
    "recurring_streams",
    metadata,
    Column("stream_id", Text, primary_key=True),
    connection_column(),
    account_column(),
    Column("merchant_key", Text, nullable=False),
    Column("merchant_name", Text),
    Column("money_in", Boolean, nullable=False),
    Column("currency", Text, nullable=False),
    Column("category_primary", Text, comment="of its newest row, a person's word first"),
    Column("cadence", Text, nullable=False),
    Column("state", Text, nullable=False, comment="active, late (a date missed) or ended (two)"),
    Column("occurrences", Integer, nullable=False),
    Column("missed", Integer, nullable=False, comment="dates between first and last that were not met"),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("next_on", Date, comment="NULL once ended"),
    money("usual_amount"),
    money("low_amount"),
    money("high_amount"),
    Column("confidence", Numeric(5, 4), nullable=False, comment="how regular it is, no probability"),
    Column("last_transaction_id", Text, nullable=False),
    moment("found_at"),
    CheckConstraint("state IN ('active', 'late', 'ended')", name="state"),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence_is_a_share"),
    Index("ix_recurring_streams_connection_id", "connection_id"),
    schema="bank",
    comment="One row per stream of payments or income with one merchant; found anew every day.",
)

recurring_transactions = Table(
    "recurring_transactions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column(
        "stream_id",
        Text,
        ForeignKey("bank.recurring_streams.stream_id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    connection_column(),
    Index("ix_recurring_transactions_connection_id", "connection_id"),
    schema="bank",
    comment="One row per transaction of a stream; found anew with the streams.",
)
