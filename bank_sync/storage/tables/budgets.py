"""What limits how often providers are asked: minute budgets, the daily quota, breakers."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, text

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
    Column("outcome", Text, nullable=False, comment="reserved, succeeded or failed; reserved counts as used"),
    Column("call_limit", Integer, comment="what the answer said"),
    Column("remaining", Integer, comment="what the answer said"),
    moment("resets_at", required=False),
    moment("reserved_at"),
    moment("settled_at", required=False),
    Index("ix_quota_calls_recent", "provider", "account_hash", "scope", text("reserved_at DESC")),
    schema="bank",
    comment="One row per call against a daily quota, written before the call is made.",
)

breakers = Table(
    "breakers",
    metadata,
    Column("breaker_key", Text, primary_key=True, comment="connection:… or institution:provider:…"),
    Column("failures", Integer, nullable=False),
    Column(
        "openings", Integer, nullable=False, server_default=text("0"), comment="in a row; each waits longer"
    ),
    moment("last_failed_at"),
    moment("opened_at", required=False),
    moment("retry_at", required=False),
    moment("alerted_at", required=False),
    schema="bank",
    comment="One row per credential or institution that failed lately; open until retry_at.",
)
