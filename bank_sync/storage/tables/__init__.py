"""Every table of the warehouse, as SQLAlchemy Core.

Belongs here: tables, keys, constraints, and a comment per table that states its grain, one module per theme.
Does not belong here: queries (one module per thing stored) and analysts' models (`dbt_project`). A change
here needs a migration (`storage/migrations`); a test compares the two.

Schemas: `raw` holds what providers said, append-only; `bank` holds operational truth; `analytics` belongs
to dbt.
"""

from bank_sync.storage.tables.base import SCHEMAS, metadata
from bank_sync.storage.tables.budgets import (
    account_details,
    application_tokens,
    breakers,
    quota_calls,
    rate_budgets,
)
from bank_sync.storage.tables.inbox import webhook_inbox
from bank_sync.storage.tables.learning import (
    category_memory,
    category_models,
    category_rules,
    training_candidates,
)
from bank_sync.storage.tables.ledger import (
    balances,
    reconciliations,
    transaction_categories,
    transaction_keys,
    transaction_links,
    transaction_overlays,
    transaction_versions,
    transactions,
)
from bank_sync.storage.tables.operations import (
    alerts,
    audit,
    notifications,
    quality_results,
    quarantine,
    sync_attempts,
)
from bank_sync.storage.tables.people import account_keys, accounts, connections, credentials, users
from bank_sync.storage.tables.raw import coverage, cursors, pages, rounds
from bank_sync.storage.tables.recurring import recurring_streams, recurring_transactions
from bank_sync.storage.tables.web import api_keys, link_attempts, sync_requests, web_sessions

__all__ = [
    "SCHEMAS", "account_details", "account_keys", "accounts", "alerts", "api_keys",
    "application_tokens", "audit", "balances", "breakers", "category_memory", "category_models",
    "category_rules", "connections", "coverage", "credentials", "cursors", "link_attempts", "metadata",
    "notifications", "pages", "quality_results", "quarantine", "quota_calls", "rate_budgets",
    "reconciliations", "recurring_streams", "recurring_transactions", "rounds", "sync_attempts",
    "sync_requests", "training_candidates", "transaction_categories", "transaction_keys", "transaction_links",
    "transaction_overlays", "transaction_versions", "transactions", "users", "web_sessions",
    "webhook_inbox",
]  # fmt: skip
