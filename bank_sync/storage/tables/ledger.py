"""The ledger: transactions with their versions and keys, links, categories, balances."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bank_sync.domain import models
from bank_sync.storage.tables.base import account_column, connection_column, metadata, moment, money, one_of


def _transaction_facts() -> list[Column[Any]]:
    """The columns a provider's row fills; shared by current rows and their earlier versions."""
    return [
        Column("connection_id", Text, nullable=False),
        Column("account_id", Text, nullable=False),
        Column("provider_transaction_id", Text),
        Column("pending_provider_transaction_id", Text),
        Column("posting", one_of("posting", models.Posting), nullable=False),
        money("amount"),
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
        money("original_amount", required=False),
        Column("original_currency", Text),
        Column("content_hash", LargeBinary, nullable=False),
        Column("round_id", BigInteger, nullable=False, comment="the round that last changed the row"),
        moment("removed_at", required=False),
        Column("removal_reason", Text),
    ]


transactions = Table(
    "transactions",
    metadata,
    Column("transaction_id", Text, primary_key=True),
    *_transaction_facts(),
    Column("superseded_by", Text, ForeignKey("bank.transactions.transaction_id")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    moment("first_seen_at"),
    moment("changed_at"),
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

transaction_keys = Table(
    "transaction_keys",
    metadata,
    Column("account_id", Text, ForeignKey("bank.accounts.account_id"), primary_key=True),
    Column("transaction_key", Text, primary_key=True, comment="id:… or content:…; see sync.identity"),
    Column(
        "transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False, index=True
    ),
    Column("generation", Integer, nullable=False, comment="the connection's when the key was last seen"),
    Column("round_id", BigInteger, nullable=False, comment="the round that last changed it or its row"),
    schema="bank",
    comment="One row per key a transaction was ever known by; re-links and new ids add keys, not rows.",
)

transaction_versions = Table(
    "transaction_versions",
    metadata,
    Column("transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    *_transaction_facts(),
    moment("known_from"),
    moment("known_until"),
    schema="bank",
    comment="One row per earlier version of a transaction: what was believed from known_from to known_until.",
)

transaction_links = Table(
    "transaction_links",
    metadata,
    Column("link_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    Column("kind", Text, nullable=False),
    Column("from_transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    Column("to_transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    Column("state", one_of("state", models.LinkState), nullable=False, server_default=text("'accepted'")),
    Column("decided_by", Text, nullable=False),
    Column("score", Numeric(5, 4), nullable=False),
    Column("evidence", JSONB, nullable=False),
    moment("decided_at"),
    moment("undone_at", required=False),
    Column("undone_by", Text),
    Index("ix_transaction_links_from", "from_transaction_id"),
    Index("ix_transaction_links_to", "to_transaction_id"),
    Index(
        "uq_transaction_links_live",
        "kind",
        "from_transaction_id",
        unique=True,
        postgresql_where=text("undone_at IS NULL AND state = 'accepted'"),
    ),
    schema="bank",
    comment="One row per decision that two transactions belong together, with its evidence; undoable.",
)

transaction_categories = Table(
    "transaction_categories",
    metadata,
    Column("category_id", BigInteger, Identity(), primary_key=True),
    Column("transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), nullable=False),
    connection_column(),
    Column("category_primary", Text, comment="NULL when nothing was sure enough"),
    Column("category_detailed", Text),
    Column("suggested_primary", Text, comment="the guess that was not sure enough"),
    Column("confidence", Numeric(5, 4), nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("merchant_name", Text),
    Column("merchant_key", Text),
    Column("merchant_domain", Text, comment="of the merchant's website and logo, where it is known"),
    Column("model_version", Text, nullable=False),
    Column("taxonomy_version", Text, nullable=False),
    Column("transaction_hash", LargeBinary, nullable=False, comment="content the decision was made on"),
    moment("decided_at"),
    moment("replaced_at", required=False),
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

transaction_overlays = Table(
    "transaction_overlays",
    metadata,
    Column("transaction_id", Text, ForeignKey("bank.transactions.transaction_id"), primary_key=True),
    connection_column(),
    Column("category_primary", Text),
    Column("category_detailed", Text),
    Column("note", Text),
    Column("is_hidden", Boolean, nullable=False, server_default=text("false")),
    Column("changed_by", Text, nullable=False),
    moment("changed_at"),
    schema="bank",
    comment="One row per transaction a person edited: kept beside the provider's row, untouched by syncs.",
)

reconciliations = Table(
    "reconciliations",
    metadata,
    Column("account_id", Text, ForeignKey("bank.accounts.account_id"), primary_key=True),
    Column("currency", Text, primary_key=True),
    connection_column(),
    Column("state", one_of("state", models.ReconciliationState), nullable=False),
    money("difference", required=False),
    money("opening_amount", required=False),
    moment("opening_as_of", required=False),
    money("flows", required=False),
    money("closing_amount", required=False),
    moment("closing_as_of", required=False),
    Column("reason", Text, nullable=False),
    Column("opening_total", Numeric(28, 8), comment="of the ledger's posted rows at the opening"),
    Column("opening_generation", Integer, comment="the connection's at the opening"),
    Column("syncs_differing", Integer, nullable=False, server_default=text("0"), comment="in a row"),
    moment("checked_at"),
    schema="bank",
    comment="One row per account and currency: whether opening balance + flows = closing balance.",
)

balances = Table(
    "balances",
    metadata,
    Column("balance_id", BigInteger, Identity(), primary_key=True),
    connection_column(),
    account_column(),
    Column("balance_type", Text, nullable=False, comment="the provider's word"),
    Column("role", Text, comment="current, available or limit: the question it was chosen to answer"),
    money("amount"),
    money("provider_amount"),
    Column("currency", Text, nullable=False),
    Column("reference_on", Date),
    Column("round_id", BigInteger, nullable=False),
    moment("as_of"),
    moment("confirmed_at"),
    Index("ix_balances_latest", "account_id", "balance_type", "currency", text("as_of DESC")),
    schema="bank",
    comment="One row per distinct observation of a balance, true from as_of and last seen at confirmed_at.",
)
