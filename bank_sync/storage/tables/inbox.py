"""What providers told unasked: the inbox of webhooks."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Table, Text, UniqueConstraint, text

from bank_sync.storage.tables.base import metadata, moment

webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    Column("event_id", BigInteger, Identity(), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("dedup_key", Text, nullable=False, comment="of this very delivery: kills exact replays, for ever"),
    Column("environment", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="TYPE/CODE at Plaid, the type at Teller, else unreadable"),
    Column("provider_item", Text, comment="the connection's id at the provider, where it was told"),
    Column("connection_id", Text, comment="NULL: of no connection we know; no key, it outlives an erasure"),
    Column("body", LargeBinary, nullable=False, comment="the very bytes that were signed"),
    moment("received_at"),
    Column(
        "state", Text, nullable=False, server_default=text("'new'"), comment="new, handled, parked, stale"
    ),
    moment("handled_at", required=False),
    Column("run_key", Text, comment="the run that it started"),
    UniqueConstraint("provider", "dedup_key"),
    # A redelivery joins what still waits; the same bytes a day later are a new event (Plaid repeats itself).
    # What a run was started for absorbs nothing: that run may have read the bank already.
    Index(
        "uq_webhook_inbox_waiting",
        "provider",
        text("sha256(body)"),
        unique=True,
        postgresql_where=text("state = 'new' AND run_key IS NULL"),
    ),
    Index("ix_webhook_inbox_new", "event_id", postgresql_where=text("state = 'new'")),
    schema="bank",
    comment="One row per verified webhook, written before it is acknowledged.",
)
