"""Who may ask through the web: keys of applications, sessions of people, links and syncs under way."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.storage.tables.base import connection_column, metadata, moment

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False, comment="what it is for, as the operator said"),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256 of 256 random bits"),
    Column("scopes", Text, nullable=False, comment="read, or read,write"),
    moment("created_at"),
    moment("ends_at", required=False),
    moment("revoked_at", required=False),
    moment("last_used_at", required=False),
    schema="bank",
    comment="One row per key of an embedding application; the secret itself is shown once and not stored.",
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False, index=True),
    Column("link_hash", LargeBinary, nullable=False, unique=True, comment="of the address that opens it"),
    Column("cookie_hash", LargeBinary, unique=True, comment="NULL until the address was opened"),
    Column("purpose", Text, nullable=False, comment="the page it opens at: connect or connections"),
    moment("created_at"),
    moment("link_ends_at"),
    moment("ends_at"),
    schema="bank",
    comment="One row per address given to a person's browser, and the session it opens.",
)

link_attempts = Table(
    "link_attempts",
    metadata,
    Column("attempt_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False, index=True),
    Column("session_id", Text, comment="the browser that began it; NULL for the API"),
    Column("provider", Text, nullable=False),
    Column("institution_id", Text),
    Column("institution_name", Text),
    Column("connection_id", Text, comment="what it repairs, or once it is finished what it made"),
    Column("is_repair", Boolean, nullable=False, comment="the provider keeps the link as it is"),
    Column("start", JSONB, nullable=False, comment="what the browser needs; good for minutes"),
    Column("reference", Text, nullable=False, comment="nonce, requisition id or our own"),
    Column("state_hash", LargeBinary, unique=True, comment="of the one-time word a redirect brings back"),
    Column("state", Text, nullable=False, server_default="open", comment="open, finished, failed, expired"),
    Column("error_code", Text),
    moment("created_at"),
    moment("ends_at"),
    Index("ix_link_attempts_open", "ends_at", postgresql_where=text("state = 'open'")),
    schema="bank",
    comment="One row per try to connect or repair a bank.",
)

sync_requests = Table(
    "sync_requests",
    metadata,
    Column("request_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    Column("asked_by", Text, nullable=False),
    moment("asked_at"),
    moment("started_at", required=False),
    Index(
        "uq_sync_requests_waiting",
        "connection_id",
        unique=True,
        postgresql_where=text("started_at IS NULL"),
    ),
    schema="bank",
    comment="One row per sync a person asked for; a sensor starts it.",
)
