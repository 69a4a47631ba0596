"""What limits how often providers are asked, and what saves asking (tokens, details of accounts)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.storage.tables.base import metadata, moment

rate_budgets = Table(
    "rate_budgets",
    metadata,
    Column("budget_key", Text, primary_key=True, comment="provider, or provider:endpoint:item"),
    moment("arrival_at"),
    schema="bank",
    comment="One row per minute budget: the theoretical arrival time of its next unit (GCRA).",
)

quota_calls = Table(
    "quota_calls",
    metadata,
    Column("call_id", BigInteger, Identity(), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("account_hash", Text, nullable=False, comment="of the provider's account id"),
    Column("scope", Text, nullable=False, comment="details, balances or transactions"),
    Column("asked_by", Text, nullable=False),
    Column("outcome", Text, nullable=False, comment="reserved, succeeded, failed or refused"),
    Column("units", Integer, nullable=False, comment="calls it stands for, until counts_until"),
    moment("counts_until"),
    Column("call_limit", Integer, comment="what the answer said"),
    moment("reserved_at"),
    moment("settled_at", required=False),
    Index("ix_quota_calls_counting", "provider", "account_hash", "scope", text("counts_until DESC")),
    schema="bank",
    comment="One row per call against a daily quota, written before the call is made.",
)

breakers = Table(
    "breakers",
    metadata,
    Column("breaker_key", Text, primary_key=True, comment="credential:… or institution:provider:…"),
    Column("recent", JSONB, nullable=False, comment="by connection: when it last failed"),
    Column(
        "openings", Integer, nullable=False, server_default=text("0"), comment="in a row; each waits longer"
    ),
    moment("opened_at", required=False),
    moment("retry_at", required=False),
    Column("probe", Text, comment="connection that was let through last, while open"),
    schema="bank",
    comment="One row per credential or institution that failed lately; open while opened_at is set.",
)

application_tokens = Table(
    "application_tokens",
    metadata,
    Column("token_key", Text, primary_key=True, comment="provider and hash of the application's id"),
    Column("key_id", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    moment("sealed_at"),
    schema="bank",
    comment="One row per application at a provider: its own tokens, sealed, shared by all processes.",
)

account_details = Table(
    "account_details",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("provider_account_id", Text, primary_key=True),
    Column("body", Text, nullable=False, comment="JSON text, minimised like a raw page"),
    moment("read_at"),
    schema="bank",
    comment="One row per account whose details cost a call of a daily quota: the last ones read.",
)
