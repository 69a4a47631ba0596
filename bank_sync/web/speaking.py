"""From what is stored to what is told, the same for the API and the pages.

Belongs here: conversions. Does not belong here: queries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from bank_sync.domain.models import ConnectionState, SyncState
from bank_sync.storage.connections import LINK_UNCLEAR, StoredConnection
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.storage.overview import AccountOverview, AttemptOverview
from bank_sync.sync.asking import Asked
from bank_sync.web.models import AccountBody, AskedBody, ConnectionBody, LinkBody, PartBody, SyncBody

_ENDED = (ConnectionState.REVOKED, ConnectionState.ERASED)


def connection_body(
    one: StoredConnection, waiting: Collection[str], transactions: Mapping[str, int]
) -> ConnectionBody:
    """A connection; one whose sync was asked for and not begun counts as queued."""
    values: dict[str, Any] = {
        name: getattr(one, name) for name in ConnectionBody.model_fields if hasattr(one, name)
    }
    if one.connection_id in waiting and one.sync_state is not SyncState.IN_PROGRESS:
        values["sync_state"] = "queued"
    ended = one.state in _ENDED
    values["next_sync_at"] = None if ended else one.next_sync_at
    values["needs_repair"] = one.state is ConnectionState.DISCONNECTED or one.error_code == LINK_UNCLEAR
    return ConnectionBody(**values, transactions=transactions.get(one.connection_id, 0))


def sync_body(
    told: ConnectionBody,
    one: StoredConnection,
    parts: Sequence[AttemptOverview],
    may_be_asked_at: datetime | None,
) -> SyncBody:
    """How a sync stands; the newest attempt of each part."""
    newest: dict[str, AttemptOverview] = {}
    for attempt in parts:
        newest.setdefault(attempt.part, attempt)
    values = {name: getattr(told, name) for name in SyncBody.model_fields if hasattr(told, name)}
    return SyncBody(
        **values,
        next_sync_reason=one.next_sync_reason if told.next_sync_at else None,
        may_be_asked_at=may_be_asked_at,
        parts=[
            PartBody.model_validate(newest[part], from_attributes=True)
            for part in ("accounts", "transactions", "balances")
            if part in newest
        ],
    )


def account_body(one: AccountOverview) -> AccountBody:
    """An account."""
    return AccountBody(**{name: getattr(one, name) for name in AccountBody.model_fields})


def link_body(attempt: LinkAttempt) -> LinkBody:
    """What a browser needs to begin."""
    return LinkBody(link_id=attempt.attempt_id, expires_at=attempt.ends_at, **_start(attempt))


def _start(attempt: LinkAttempt) -> dict[str, Any]:
    return dict(attempt.start)


def asked_body(asked: Asked) -> AskedBody:
    """What became of a wish."""
    return AskedBody(
        connection_id=asked.connection_id, outcome=asked.outcome.value, earliest_at=asked.earliest_at
    )
