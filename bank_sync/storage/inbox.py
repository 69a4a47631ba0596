"""The inbox of webhooks.

Belongs here: storing what was verified, in one statement. Does not belong here: verifying
(`providers.*.webhooks`), draining.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from bank_sync.domain.events import WebhookEvent


def receive(db: Connection, event: WebhookEvent, *, now: datetime) -> bool:
    """Store an event and whose it is; False when it is here already or joins one that still waits."""
    values = {
        "provider": event.provider,
        "dedup_key": event.dedup_key,
        "environment": event.environment,
        "kind": event.kind,
        "item": event.provider_item,
        "account": event.provider_account,
        "body": event.body,
        "now": now,
    }
    return db.execute(text(_RECEIVE), values).first() is not None


_RECEIVE = """
WITH known AS (
    SELECT connection_id, provider_connection_id FROM bank.connections
    WHERE provider = :provider AND provider_connection_id = CAST(:item AS text)
    UNION ALL
    SELECT c.connection_id, c.provider_connection_id FROM bank.accounts AS a
    JOIN bank.connections AS c ON c.connection_id = a.connection_id
    WHERE c.provider = :provider AND a.provider_account_id = CAST(:account AS text)
    LIMIT 1
)
INSERT INTO bank.webhook_inbox
    (provider, dedup_key, environment, kind, provider_item, connection_id, body, received_at)
SELECT :provider, :dedup_key, :environment, :kind,
    COALESCE(CAST(:item AS text), (SELECT provider_connection_id FROM known)),
    (SELECT connection_id FROM known), :body, :now
ON CONFLICT DO NOTHING
RETURNING event_id
"""
