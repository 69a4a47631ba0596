"""People, their connections, the sealed credentials and the accounts behind them."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from bank_sync.domain import models
from bank_sync.storage.tables.base import connection_column, metadata, moment, one_of

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("external_reference", Text, nullable=False, unique=True),
    moment("created_at"),
    moment("last_active_at", required=False),
    Column(
        "unwanted_kinds",
        ARRAY(Text),
        nullable=False,
        server_default=text("'{}'"),
        comment="kinds of messages the person does not want",
    ),
    schema="bank",
    comment="One row per person, under an opaque reference chosen by the embedding application.",
)

connections = Table(
    "connections",
    metadata,
    Column("connection_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False, index=True),
    Column("provider", Text, nullable=False),
    Column("provider_connection_id", Text, nullable=False),
    Column("institution_id", Text),
    Column("institution_name", Text, nullable=False),
    Column("state", one_of("state", models.ConnectionState), nullable=False),
    Column("sync_state", one_of("sync_state", models.SyncState), nullable=False),
    Column("error_code", Text),
    Column("error_recovery", Text),
    Column("history_days", Integer),
    Column("history_state", one_of("history_state", models.HistoryState)),
    Column(
        "generation",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="counts re-links and lost cursors: keys confirmed in the current one are trusted",
    ),
    Column(
        "failures",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="in a row, since the last good sync",
    ),
    moment("first_failed_at", required=False),
    moment("told_at", required=False),
    Column("lease_holder", Text, comment="who syncs now; free when NULL or past lease_until"),
    moment("lease_until", required=False),
    moment("consent_expires_at", required=False),
    moment("linked_at"),
    moment("first_synced_at", required=False),
    moment("last_synced_at", required=False),
    moment("next_sync_at"),
    Column("next_sync_reason", Text, comment="one sentence on why then; NULL where somebody set the moment"),
    moment("webhook_seen_at", required=False),
    UniqueConstraint("provider", "provider_connection_id"),
    Index("ix_connections_institution", "provider", "institution_id"),
    Index(
        "ix_connections_due",
        "next_sync_at",
        postgresql_where=text("state NOT IN ('revoked', 'erased')"),
    ),
    # in the order in which a batch takes them, so that each taking looks at one row
    Index(
        "ix_connections_next_of_provider",
        "provider",
        text("(first_synced_at IS NOT NULL)"),
        "next_sync_at",
        postgresql_where=text("state NOT IN ('revoked', 'erased')"),
    ),
    schema="bank",
    comment="One row per link between a person and a bank at a provider; connection_id is the partition key.",
)

credentials = Table(
    "credentials",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("provider", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    moment("sealed_at"),
    moment("checked_at", required=False),
    schema="bank",
    comment="One row per connection: its secret at the provider, sealed for provider + connection_id.",
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    connection_column(),
    Column("provider_account_id", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("official_name", Text),
    Column("mask", Text),
    Column("type", Text, nullable=False),
    Column("subtype", Text),
    Column("currency", Text, nullable=False),
    Column("state", one_of("state", models.AccountState), nullable=False),
    Column(
        "key_basis",
        one_of("key_basis", models.KeyBasis),
        nullable=False,
        server_default=text("'provider_id'"),
    ),
    Column("ids_compared", Integer, nullable=False, server_default=text("0")),
    Column("ids_changed", Integer, nullable=False, server_default=text("0")),
    moment("first_seen_at"),
    moment("changed_at"),
    UniqueConstraint("connection_id", "provider_account_id"),
    CheckConstraint("length(mask) <= 4", name="mask_is_short"),
    schema="bank",
    comment="One row per account of a connection, over all its links.",
)

account_keys = Table(
    "account_keys",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("stable_key", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("bank.accounts.account_id"), nullable=False, index=True),
    moment("told_at"),
    schema="bank",
    comment="One row per key an account was ever told by; told_at says since when it is the one told.",
)
