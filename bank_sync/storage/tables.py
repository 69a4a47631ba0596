"""Every table of the warehouse, as SQLAlchemy Core.

Belongs here: tables, keys, constraints, and a comment per table that states its grain. Does not belong here:
queries (one module per thing stored) and analysts' models (`dbt_project`). A change here needs a migration
(`storage/migrations`); a test compares the two.

Schemas: `raw` holds what providers said, append-only; `bank` holds operational truth; `analytics` belongs
to dbt.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.domain import models

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


def _moment(name: str, *, required: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=not required)


def _one_of(name: str, values: type) -> Enum:
    """Text with a check: readable in SQL, and extended by an ordinary migration."""
    return Enum(
        values,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


def _money(name: str, *, required: bool = True) -> Column[Any]:
    return Column(name, Numeric(28, 8), nullable=not required)


def _connection() -> Column[Any]:
    return Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), nullable=False)


def _account() -> Column[Any]:
    return Column("account_id", Text, ForeignKey("bank.accounts.account_id"), nullable=False)


# ── people and their connections ─────────────────────────────────────────────────────────────────────────

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("external_reference", Text, nullable=False, unique=True),
    _moment("created_at"),
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
    Column("state", _one_of("state", models.ConnectionState), nullable=False),
    Column("sync_state", _one_of("sync_state", models.SyncState), nullable=False),
    Column("error_code", Text),
    Column("error_recovery", Text),
    Column("history_days", Integer),
    _moment("consent_expires_at", required=False),
    _moment("linked_at"),
    _moment("first_synced_at", required=False),
    _moment("last_synced_at", required=False),
    _moment("next_sync_at"),
    UniqueConstraint("provider", "provider_connection_id"),
    Index(
        "ix_connections_due",
        "next_sync_at",
        postgresql_where=text("state IN ('connected', 'pending_refresh')"),
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
    _moment("sealed_at"),
    schema="bank",
    comment="One row per connection: its secret at the provider, sealed for provider + connection_id.",
)

accounts = Table(
    "accounts",
    metadata,
    Column("account_id", Text, primary_key=True),
    _connection(),
    Column("provider_account_id", Text, nullable=False),
    Column("stable_key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("official_name", Text),
    Column("mask", Text),
    Column("type", Text, nullable=False),
    Column("subtype", Text),
    Column("currency", Text, nullable=False),
    Column("state", _one_of("state", models.AccountState), nullable=False),
    _moment("first_seen_at"),
    _moment("changed_at"),
    UniqueConstraint("connection_id", "provider_account_id"),
    UniqueConstraint("connection_id", "stable_key"),
    CheckConstraint("length(mask) <= 4", name="mask_is_short"),
    schema="bank",
    comment="One row per account of a connection; the stable key survives a re-link.",
)

# ── what providers said ──────────────────────────────────────────────────────────────────────────────────

rounds = Table(
    "rounds",
    metadata,
    Column("round_id", BigInteger, Identity(), primary_key=True),
    _connection(),
    Column("part", _one_of("part", models.Part), nullable=False),
    Column("cursor_before", Text),
    Column("cursor_after", Text),
    Column("pages", Integer, nullable=False),
    _moment("fetched_at"),
    _moment("projected_at", required=False),
    Index(
        "ix_rounds_to_project",
        "connection_id",
        "part",
        "round_id",
        postgresql_where=text("projected_at IS NULL"),
    ),
    schema="raw",
    comment="One row per complete read of one part of a connection; projected_at is the ledger's watermark.",
)

pages = Table(
    "pages",
    metadata,
    Column("page_id", BigInteger, Identity(), primary_key=True),
    Column("round_id", BigInteger, ForeignKey("raw.rounds.round_id"), nullable=False),
    _connection(),
    Column("part", _one_of("part", models.Part), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("provider_account_id", Text),
    Column("window_first", Date),
    Column("window_last", Date),
    Column("body", Text, nullable=False, comment="JSON text, digits as received; never an account number"),
    _moment("fetched_at"),
    UniqueConstraint("round_id", "sequence"),
    schema="raw",
    comment="One row per answer of a provider, append-only.",
)

cursors = Table(
    "cursors",
    metadata,
    Column("connection_id", Text, ForeignKey("bank.connections.connection_id"), primary_key=True),
    Column("cursor", Text, nullable=False),
    _moment("moved_at"),
    schema="raw",
    comment="One row per connection of a cursor provider: where its last committed round ended.",
)

coverage = Table(
    "coverage",
    metadata,
    Column("account_id", Text, ForeignKey("bank.accounts.account_id"), primary_key=True),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    _moment("read_at"),
    schema="raw",
    comment="One row per account of a window provider: the dates that complete answers have covered.",
)

# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────


def _transaction_facts() -> list[Column[Any]]:
    """The columns a provider's row fills; shared by current rows and their earlier versions."""
    return [
        Column("connection_id", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("provider_transaction_id", Text),
        Column("pending_provider_transaction_id", Text),
        Column("posting", _one_of("posting", models.Posting), nullable=False),
        _money("amount"),
        Column("currency", Text, nullable=False),
        Column("booked_on", Date, nullable=False),
        Column("value_on", Date),
        Column("authorised_on", Date),
        Column("description", Text, nullable=False),
        Column("merchant_name", Text),
        Column("counterparty_name", Text),
        Column("merchant_category_code", Text),
        Column("provider_category", Text),
        Column("provider_category_confidence", Text),
        Column("provider_type", Text),
        _money("original_amount", required=False),
        Column("original_currency", Text),
        Column("content_hash", LargeBinary, nullable=False),
        Column("round_id", BigInteger, nullable=False, comment="the round that last changed the row"),
        _moment("removed_at", required=False),
        Column("removal_reason", Text),
    ]


transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    Column("transaction_key", Text, nullable=False, comment="unique within the account; see sync.identity"),
    *_transaction_facts(),
    Column("superseded_by", Text, ForeignKey("bank.transactions.transaction_id")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _moment("first_seen_at"),
    _moment("changed_at"),
    UniqueConstraint("account_id", "transaction_key"),
    Index("ix_transactions_account_booked", "account_id", "booked_on"),
    Index("ix_transactions_connection_changed", "connection_id", "changed_at"),
    Index(
        "ix_transactions_pending_link",
        "account_id",
        "pending_provider_transaction_id",
        postgresql_where=text("pending_provider_transaction_id IS NOT NULL"),
    ),
    schema="bank",
    comment="One row per transaction ever seen; live rows have removed_at and superseded_by NULL.",
)

transaction_versions = Table(
    "transaction_versions",
    metadata,
    Column("transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    *_transaction_facts(),
    _moment("known_from"),
    _moment("known_until"),
    schema="bank",
    comment="One row per earlier version of a transaction: what was believed from known_from to known_until.",
)

transaction_links = Table(
    "transaction_links",
    metadata,
    Column("link_id", BigInteger, Identity(), primary_key=True),
    _connection(),
    Column("kind", Text, nullable=False),
    Column("from_transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    Column("to_transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("score", Numeric(5, 4), nullable=False),
    Column("evidence", JSONB, nullable=False),
    _moment("decided_at"),
    _moment("undone_at", required=False),
    Index(
        "uq_transaction_links_live",
        "kind",
        "from_transaction_id",
        unique=True,
        postgresql_where=text("undone_at IS NULL"),
    ),
    schema="bank",
    comment="One row per decision that two transactions belong together, with its evidence; undoable.",
)

transaction_categories = Table(
    "transaction_categories",
    metadata,
    Column("category_id", BigInteger, Identity(), primary_key=True),
    Column("transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    _connection(),
    Column("category_primary", Text, comment="NULL when nothing was sure enough"),
    Column("category_detailed", Text),
    Column("confidence", Numeric(5, 4), nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("merchant_name", Text),
    Column("merchant_key", Text),
    Column("model_version", Text, nullable=False),
    Column("taxonomy_version", Text, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False, comment="content the decision was made on"),
    _moment("decided_at"),
    _moment("replaced_at", required=False),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence_is_a_share"),
    Index(
        "uq_transaction_categories_current",
        "transaction_id",
        unique=True,
        postgresql_where=text("replaced_at IS NULL"),
    ),
    schema="bank",
    comment="One row per category ever given to a transaction; the current one has replaced_at NULL.",
)

balances = Table(
    "balances",
    metadata,
    Column("balance_id", BigInteger, Identity(), primary_key=True),
    _connection(),
    _account(),
    Column("balance_type", Text, nullable=False, comment="the provider's word"),
    Column("role", Text, comment="current, available or limit: the question it was chosen to answer"),
    _money("amount"),
    _money("provider_amount"),
    Column("currency", Text, nullable=False),
    Column("reference_on", Date),
    Column("round_id", BigInteger, nullable=False),
    _moment("as_of"),
    _moment("confirmed_at"),
    Index("ix_balances_latest", "account_id", "balance_type", "currency", text("as_of DESC")),
    schema="bank",
    comment="One row per distinct observation of a balance, true from as_of and last seen at confirmed_at.",
)

# ── operations ───────────────────────────────────────────────────────────────────────────────────────────

sync_attempts = Table(
    "sync_attempts",
    metadata,
    Column("attempt_id", BigInteger, Identity(), primary_key=True),
    _connection(),
    Column("part", _one_of("part", models.Part), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("pages", Integer, nullable=False, server_default=text("0")),
    Column("error_code", Text),
    Column("error_recovery", Text),
    Column("run_id", Text, comment="the Dagster run, where there was one"),
    _moment("started_at"),
    _moment("finished_at"),
    Index("ix_sync_attempts_connection", "connection_id", text("finished_at DESC")),
    schema="bank",
    comment="One row per attempt to read one part of a connection.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", BigInteger, Identity(), primary_key=True),
    _connection(),
    Column("page_id", BigInteger, ForeignKey("raw.pages.page_id"), nullable=False),
    Column("locator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    _moment("quarantined_at"),
    _moment("resolved_at", required=False),
    UniqueConstraint("page_id", "locator"),
    schema="bank",
    comment="One row per row of a page that could not be read; the page still holds it.",
)

notifications = Table(
    "notifications",
    metadata,
    Column("notification_id", BigInteger, Identity(), primary_key=True),
    Column("user_id", Text, ForeignKey("bank.users.user_id"), nullable=False, index=True),
    _connection(),
    Column("kind", Text, nullable=False),
    Column("dedupe_key", Text, nullable=False, unique=True),
    Column("message", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    _moment("created_at"),
    _moment("sent_at", required=False),
    schema="bank",
    comment="One row per thing worth telling a person: the outbox that channels deliver from.",
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", BigInteger, Identity(), primary_key=True),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("connection_id", Text),
    Column("details", JSONB, nullable=False),
    _moment("happened_at"),
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
    _moment("checked_at"),
    schema="bank",
    comment="One row per connection and quality check: its latest verdict, which gates notifications.",
)
