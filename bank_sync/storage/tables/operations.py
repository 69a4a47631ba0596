"""What happened: attempts, quarantine, notifications, audit, verdicts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.domain import models
from bank_sync.storage.tables.base import connection_column, metadata, moment, one_of

sync_attempts = Table(
    "sync_attempts",
    metadata,
    Column("attempt_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    Column("part", one_of("part", models.Part), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("error_code", Text),
    Column("error_recovery", Text),
    Column("run_id", Text, comment="the Dagster run, where there was one"),
    moment("started_at"),
    moment("finished_at"),
    Index("ix_sync_attempts_connection", "connection_id", text("finished_at DESC")),
    schema="bank",
    comment="One row per attempt to read one part of a connection.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    Column("page_id", BigInteger, ForeignKey("raw.pages.page_id"), nullable=False),
    Column("locator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("quarantined_at"),
    Column(
        "tries", Integer, nullable=False, server_default=text("0"), comment="how often it was asked again"
    ),
    moment("retried_at", required=False),
    moment("resolved_at", required=False),
    Column("resolution", Text, comment="asked_again, applied, overtaken, dismissed"),
    UniqueConstraint("page_id", "locator"),
    schema="bank",
    comment="One row per row of a page that could not be read; the page still holds it.",
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", BigInteger, Identity(), primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False, index=True),
    connection_column(),
    Column("kind", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    Column("message", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    moment("created_at"),
    moment("sent_at", required=False),
    Column(
        "is_unwanted",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="the person wants none of this kind: no channel delivers it",
    ),
    Index("ix_notifications_connection_kind", "connection_id", "kind", text("created_at DESC")),
    schema="bank",
    comment="One row per thing worth telling a person: the outbox that channels deliver from.",
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", BigInteger, Identity(), primary_key=True),
    Column("cause", Text, nullable=False, unique=True, comment="what is wrong, in code-like words"),
    Column("message", Text, nullable=False, comment="what is wrong and what to do; nobody's data"),
    Column("times", Integer, nullable=False, server_default=text("1"), comment="how often it was met"),
    moment("first_at"),
    moment("last_at"),
    moment("told_at"),
    Column("run_id", Text, comment="the last Dagster run that met it, where there was one"),
    schema="bank",
    comment="One row per cause of trouble for whoever runs bank_sync: told once, then weekly at most.",
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", BigInteger, Identity(), primary_key=True),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("connection_id", Text),
    Column("details", JSONB, nullable=False),
    moment("happened_at"),
    schema="bank",
    comment="One row per security-relevant action; append-only, holds no secret.",
)

quality_results = Table(
    "quality_results",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("check_name", Text, primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("looked_at", Text, comment="state of the rows it looked at, where the check knows one"),
    moment("checked_at"),
    schema="bank",
    comment="One row per connection and quality check: its latest verdict, which gates notifications.",
)
