"""Forgetting a person: what every table does about it.

Belongs here: the rule of each table, and carrying it out. Does not belong here: telling the providers, and
when it happens (`sync.erasing`).

It takes two steps. The first is quick and ends every sync that is under way: the connections are `erased`,
their generation is over, the secrets and sessions are gone, the person's reference names nobody. The second
deletes; it waits for writers that were there before it, and nobody can begin after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text
from sqlalchemy.sql.elements import TextClause

from bank_sync.storage.tables import metadata

_BY_CONNECTION = "connection_id = ANY(:connections)"
_BY_ACCOUNT = "account_id IN (SELECT account_id FROM bank.accounts WHERE connection_id = ANY(:connections))"
_BY_USER = "user_id = :user_id"
_EACH = "unnest(CAST(:connections AS text[])) AS id"

DELETED: Mapping[str, str] = {
    "raw.pages": _BY_CONNECTION,
    "raw.rounds": _BY_CONNECTION,
    "raw.cursors": _BY_CONNECTION,
    "raw.coverage": _BY_ACCOUNT,
    "bank.users": _BY_USER,
    "bank.connections": _BY_CONNECTION,
    "bank.credentials": _BY_CONNECTION,
    "bank.accounts": _BY_CONNECTION,
    "bank.account_keys": _BY_CONNECTION,
    "bank.account_details": _BY_CONNECTION,
    "bank.transactions": _BY_CONNECTION,
    "bank.transaction_keys": _BY_ACCOUNT,
    "bank.transaction_versions": _BY_CONNECTION,
    "bank.transaction_links": _BY_CONNECTION,
    "bank.transaction_categories": _BY_CONNECTION,
    "bank.transaction_overlays": _BY_CONNECTION,
    "bank.category_memory": _BY_USER,
    "bank.category_rules": _BY_USER,
    "bank.reconciliations": _BY_CONNECTION,
    "bank.balances": _BY_CONNECTION,
    "bank.sync_attempts": _BY_CONNECTION,
    "bank.quarantine": _BY_CONNECTION,
    "bank.recurring_streams": _BY_CONNECTION,
    "bank.recurring_transactions": _BY_CONNECTION,
    "bank.notifications": _BY_USER,
    "bank.quality_results": _BY_CONNECTION,
    "bank.webhook_inbox": "connection_id = ANY(:connections) OR (provider, provider_item) IN "
    "(SELECT provider, provider_connection_id FROM bank.connections WHERE connection_id = ANY(:connections))",
    "bank.quota_calls": "(provider, account_hash) IN ("
    "SELECT c.provider, "
    "left(encode(sha256(convert_to(c.provider || E'\\x1f' || a.provider_account_id, 'UTF8')), 'hex'), 32) "
    "FROM bank.accounts AS a JOIN bank.connections AS c USING (connection_id) "
    "WHERE connection_id = ANY(:connections))",
    "bank.breakers": f"breaker_key IN (SELECT 'credential:' || id FROM {_EACH})",
    "bank.web_sessions": _BY_USER,
    "bank.link_attempts": _BY_USER,
    "bank.sync_requests": _BY_CONNECTION,
}
"""Which rows of a table go, by its name."""

SCRUBBED: Mapping[str, str] = {
    "bank.audit": "details = '{}', actor = CASE WHEN actor = :user_id THEN 'person' "
    "WHEN actor IN ('operator', 'sync') THEN actor ELSE 'somebody' END "
    f"WHERE {_BY_CONNECTION} OR actor = :user_id"
}
"""Rows that stay as proof that something happened, and what is taken out of which: who did it becomes a kind,
for a name that somebody typed may be the person's."""

KEPT: Mapping[str, str] = {
    "bank.rate_budgets": "hashes of ids, for a minute",
    "bank.application_tokens": "our own tokens",
    "bank.api_keys": "the application's",
    "bank.alerts": "nobody's data",
    "bank.training_candidates": "merchants, and how many people agree on them, five at least",
    "bank.category_models": "figures of models",
}
"""Tables that hold nothing of a person, and why."""

_ANALYTICS = (
    ("connection_id", "connection_id = ANY(:connections)"),
    ("user_id", "user_id = :user_id"),
)

_END_AT_ONCE = (
    "DELETE FROM bank.web_sessions WHERE user_id = :user_id",
    "DELETE FROM bank.link_attempts WHERE user_id = :user_id",
    "DELETE FROM bank.sync_requests WHERE connection_id = ANY(:connections)",
    "DELETE FROM bank.credentials WHERE connection_id = ANY(:connections)",
    # no column of a key: that would wait for reads that are under way, for minutes
    """UPDATE bank.connections SET state = 'erased', generation = generation + 1, sync_state = 'idle',
    institution_name = '', institution_id = NULL, error_code = NULL, error_recovery = NULL
    WHERE connection_id = ANY(:connections)""",
    """UPDATE bank.users SET external_reference = 'erased:' || user_id, last_active_at = NULL
    WHERE user_id = :user_id""",
)

_LOCKS = (
    "SELECT pg_advisory_xact_lock(hashtextextended('links:' || CAST(:user_id AS text), 0))",
    f"SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM {_EACH}",
    "SELECT FROM bank.connections WHERE user_id = :user_id FOR UPDATE",
)
"""Those who link, those who project, and those who read for this person."""


def connections_of(db: Connection, user_id: str) -> list[str]:
    """Ids of all connections a person ever had."""
    query = text("SELECT connection_id FROM bank.connections WHERE user_id = :user_id ORDER BY 1")
    return list(db.execute(query, {"user_id": user_id}).scalars())


def end_at_once(db: Connection, user_id: str) -> None:
    """The person is nobody from now on; what is under way for them comes to nothing."""
    values = {"user_id": user_id, "connections": connections_of(db, user_id)}
    for statement in _END_AT_ONCE:
        db.execute(text(statement), values)


def ended_users(db: Connection, *, limit: int) -> list[str]:
    """People whose rows are still to be deleted."""
    query = text(
        "SELECT user_id FROM bank.users WHERE external_reference = 'erased:' || user_id LIMIT :limit"
    )
    return list(db.execute(query, {"limit": limit}).scalars())


def delete_all(db: Connection, user_id: str, *, patience_s: float) -> list[str]:
    """Delete what is left of an ended person, in all tables; returns the ids of the connections.

    `patience_s` is how long to wait for each writer that was there before.

    Raises:
        DatabaseError: somebody still writes for this person (55P03); nothing is deleted, try later.
    """
    names = connections_of(db, user_id)
    values = {"user_id": user_id, "connections": names}
    patience = f"{patience_s * 1000:.0f}ms"
    db.execute(text("SELECT set_config('lock_timeout', :patience, true)"), {"patience": patience})
    for lock in _LOCKS:
        db.execute(text(lock), values)
    for statement in _deletions(db):
        db.execute(statement, values)
    return names


def _deletions(db: Connection) -> list[TextClause]:
    """Marts first, then our tables in an order that no reference forbids; built from constants."""
    marts = [f"DELETE FROM {table} WHERE {rows}" for table, rows in _marts(db).items()]
    scrubbed = [f"UPDATE {table} SET {what}" for table, what in SCRUBBED.items()]
    by_use = sorted(DELETED, key=_order().index)
    return [
        text(one)
        for one in (*marts, *scrubbed, *(f"DELETE FROM {name} WHERE {DELETED[name]}" for name in by_use))
    ]


def _order() -> list[str]:
    """Tables, those that refer to others before them; two find theirs through tables they do not refer to."""
    names = [table.fullname for table in reversed(metadata.sorted_tables)]
    first = ["bank.webhook_inbox", "bank.quota_calls"]
    return [*first, *(name for name in names if name not in first)]


def _marts(db: Connection) -> dict[str, str]:
    """Tables of the analysts that hold rows of people, and which rows those are."""
    query = text(
        "SELECT quote_ident(c.table_schema) || '.' || quote_ident(c.table_name) AS name, c.column_name "
        "FROM information_schema.columns AS c "
        "JOIN information_schema.tables AS t USING (table_schema, table_name) "
        "WHERE t.table_type = 'BASE TABLE' AND t.table_schema = 'analytics'"
    )
    found: dict[str, set[str]] = {}
    for row in db.execute(query):
        found.setdefault(row.name, set()).add(row.column_name)
    rules: dict[str, str] = {}
    for name, columns in found.items():
        rows = next((rows for column, rows in _ANALYTICS if column in columns), None)
        if rows is not None:
            rules[name] = rows
    return rules
