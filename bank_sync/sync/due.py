"""Gathers what is known of a connection and has it decided when its next sync is due.

Belongs here: from stored observations to a `Situation`. Does not belong here: the decision (`sync.cadence`)
and its words (`sync.reasons`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from bank_sync.domain.models import AskedBy, HistoryState
from bank_sync.domain.quota import Scope, allowance
from bank_sync.services import Services
from bank_sync.storage import observations
from bank_sync.storage.accounts import account_references
from bank_sync.storage.connections import StoredConnection
from bank_sync.storage.observations import Reads
from bank_sync.sync import cadence, habits, reasons
from bank_sync.sync.cadence import NextSync, Quota, Situation
from bank_sync.sync.habits import PostingHabit, Rates

_LEARNED_FROM = timedelta(days=habits.LEARNED_FROM_DAYS)
_LEARNED_FROM_OTHERS = timedelta(days=7)  # eight logins for a week tell a bank's hours
_READ_BY_A_SYNC = (Scope.BALANCES, Scope.TRANSACTIONS)
_STILL_READ = (HistoryState.NOT_READY, HistoryState.RECENT)


def after_success(
    services: Services, db: Connection, connection: StoredConnection, *, now: datetime
) -> tuple[NextSync, str]:
    """When the next sync is due after one that went through now, and one sentence why."""
    situation = _situation(services, db, connection, now)
    chosen = cadence.next_sync(situation, now)
    return chosen, reasons.why(situation, chosen, now)


def _situation(services: Services, db: Connection, connection: StoredConnection, now: datetime) -> Situation:
    reads = observations.reads_of(db, connection.connection_id, since=now - _LEARNED_FROM)
    usual = cadence.usual_rate(connection.provider) / max(1, len(reads.appeared))
    accounts = [habits.learn(reads.at, appeared, usual) for appeared in reads.appeared.values()]
    alike = None if habits.is_known(accounts) else _at_same_bank(db, connection, now)
    rates, basis = habits.rates_of(accounts, alike)
    signs = observations.signs_of(db, connection.connection_id)
    return Situation(
        connection_id=connection.connection_id,
        provider=connection.provider,
        rates=rates,
        basis=basis,
        are_webhooks_working=habits.was_announced(reads.at, reads.appeared.values(), signs.webhook_seen_at),
        user_active_at=signs.user_active_at,
        is_history_waiting=connection.history_state in _STILL_READ,
        quota=_quota(services, db, connection),
    )


def _at_same_bank(db: Connection, connection: StoredConnection, now: datetime) -> Rates | None:
    """The hours of the bank, from what its other connections saw lately; None where there are none."""
    since = now - _LEARNED_FROM_OTHERS
    others = observations.at_same_bank(db, connection.connection_id, known_before=since)
    if not others:
        return None
    usual = cadence.usual_rate(connection.provider)
    return habits.shared_by([_as_one(observations.reads_of(db, one, since=since), usual) for one in others])


def _as_one(reads: Reads, usual: float) -> PostingHabit:
    """A connection's accounts as if they were one."""
    return habits.learn(reads.at, sorted(at for account in reads.appeared.values() for at in account), usual)


def _quota(services: Services, db: Connection, connection: StoredConnection) -> Quota | None:
    """What is left of the day's calls; None where the provider counts none."""
    if services.quota is None:
        return None
    names = [one.provider_account_id for one in account_references(db, connection.connection_id)]
    standings = services.quota.standings(connection.provider, names)
    found = [one for one in standings if one.used and one.scope in _READ_BY_A_SYNC]
    if not found:
        return None
    return Quota(
        reads_per_day=allowance(min(one.calls_per_day for one in found), AskedBy.SCHEDULE),
        free_at=max(one.schedule_at for one in found),
    )
