"""What providers said, append-only: rounds, pages, cursors, coverage."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bank_sync.domain import models
from bank_sync.storage.tables.base import connection_column, metadata, moment, one_of

rounds = Table(
    "rounds",
    metadata,
    Column("round_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    Column("part", one_of("part", models.Part), nullable=False),
    Column("cursor_before", Text),
    Column("cursor_after", Text),
    Column("pages", Integer, nullable=False),
    Column(
        "generation", Integer, nullable=False, server_default=text("0"), comment="the connection's when read"
    ),
    Column(
        "is_complete",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="false when an account failed",
    ),
    Column("history_state", one_of("history_state", models.HistoryState), comment="what the provider said"),
    moment("fetched_at"),
    moment("projected_at", required=False),
    moment("held_at", required=False),
    Column("held_reason", Text),
    moment("released_at", required=False),
    Column("released_by", Text, comment="who let a held round through"),
    Column("pruned_at", DateTime(timezone=True), comment="when its pages were deleted for their age"),
    Index(
        "ix_rounds_to_project",
        "connection_id",
        "part",
        "round_id",
        postgresql_where=text("projected_at IS NULL"),
    ),
    Index("ix_rounds_projected", "connection_id", "projected_at"),
    schema="raw",
    comment="One row per complete read of one part of a connection; projected_at is the ledger's watermark.",
)

pages = Table(
    "pages",
    metadata,
    Column("page_id", BigInteger, Identity(), primary_key=True),
    Column("round_id", BigInteger, ForeignKey("raw.rounds.round_id"), nullable=False),
    connection_column(),
    Column("part", one_of("part", models.Part), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("provider_account_id", Text),
    Column("window_first", Date),
    Column("window_last", Date),
    Column("body", Text, nullable=False, comment="JSON text, digits as received; never an account number"),
    moment("fetched_at"),
    UniqueConstraint("round_id", "sequence"),
    schema="raw",
    comment="One row per answer of a provider, append-only.",
)

cursors = Table(
    "cursors",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("cursor", Text, nullable=False),
    moment("moved_at"),
    schema="raw",
    comment="One row per connection of a cursor provider: where its last committed round ended.",
)

coverage = Table(
    "coverage",
    metadata,
    Column("account_id", Text, ForeignKey("bank.accounts.account_id"), primary_key=True),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("is_history_complete", Boolean, nullable=False, server_default=text("false")),
    moment("read_at"),
    schema="raw",
    comment="One row per account: the dates complete answers have covered, and whether older ones exist.",
)
