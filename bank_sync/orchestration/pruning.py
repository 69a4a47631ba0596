"""Deleting Dagster's old runs and events without losing what the UI shows of any partition.

Belongs here: which rows of Dagster's database may go. Does not belong here: our own data (`sync.retention`),
ticks, which Dagster deletes itself (`retention` in `dagster.yaml`).

Dagster has no such command: deleting a run deletes its materializations, and a partition that was
materialized by it counts as missing. So this works on Dagster's tables. What stays of each asset and
partition is the latest event of each kind that its status is made of, with the run of that event; of each
check and partition, its latest execution.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine, text

from bank_sync.services import Services
from bank_sync.storage.database import make_engine, transaction

_EVENTS_AT_A_TIME = 50_000  # ids looked at in one transaction
_RUNS_AT_A_TIME = 1_000


def prune(services: Services) -> Mapping[str, int]:
    """Delete what is older than the setting says; returns how many rows of each kind.

    Only finished runs lose events. Doing it again changes nothing.
    """
    cutoff = services.clock() - timedelta(days=services.settings.dagster_events_days)
    engine = make_engine(services.locations.dagster)
    try:
        return _prune(engine, cutoff.astimezone(UTC).replace(tzinfo=None))  # as Dagster stores time
    finally:
        engine.dispose()


def _prune(engine: Engine, cutoff: datetime) -> dict[str, int]:
    with transaction(engine) as db:
        if db.execute(text("SELECT to_regclass('event_logs')")).scalar() is None:
            return {"checks": 0, "events": 0, "runs": 0}  # Dagster never ran here
        checks = db.execute(text(_OLD_CHECKS), {"cutoff": cutoff}).rowcount
    events = 0
    for first, last in _windows(engine, cutoff):
        with transaction(engine) as db:
            events += _prune_events(db, cutoff, first, last)
    runs = 0
    while gone := _prune_runs(engine, cutoff):
        runs += gone
    return {"checks": checks, "events": events, "runs": runs}


def _windows(engine: Engine, cutoff: datetime) -> Iterator[tuple[int, int]]:
    """Ranges of event ids that hold old ones."""
    with transaction(engine) as db:
        query = "SELECT min(id), max(id) FROM event_logs WHERE timestamp < :cutoff"
        row = db.execute(text(query), {"cutoff": cutoff}).one()
    lowest, highest = row[0] or 1, row[1] or 0
    for first in range(lowest, highest + 1, _EVENTS_AT_A_TIME):
        yield first, min(first + _EVENTS_AT_A_TIME - 1, highest)


def _prune_events(db: Connection, cutoff: datetime, first: int, last: int) -> int:
    values = {"cutoff": cutoff, "first": first, "last": last}
    gone = db.execute(text(_OLD_EVENTS), values).rowcount
    db.execute(text(_TAGS_OF_NOTHING), {"first": first, "last": last})
    return gone


def _prune_runs(engine: Engine, cutoff: datetime) -> int:
    with transaction(engine) as db:
        return db.execute(text(_OLD_RUNS), {"cutoff": cutoff, "limit": _RUNS_AT_A_TIME}).rowcount


_FINISHED = "('SUCCESS', 'FAILURE', 'CANCELED')"

_STATUS_EVENTS = """(
    'ASSET_MATERIALIZATION', 'ASSET_OBSERVATION', 'ASSET_MATERIALIZATION_PLANNED',
    'ASSET_FAILED_TO_MATERIALIZE'
)"""

_OLD_CHECKS = """
DELETE FROM asset_check_executions AS c
WHERE c.create_timestamp < :cutoff AND EXISTS (
    SELECT FROM asset_check_executions AS newer
    WHERE newer.asset_key = c.asset_key AND newer.check_name = c.check_name
        AND newer.partition IS NOT DISTINCT FROM c.partition AND newer.id > c.id
        AND newer.execution_status <> 'PLANNED'
)
"""
"""The latest one with a verdict stays, and what is planned since."""

_OLD_EVENTS = f"""
DELETE FROM event_logs AS e
WHERE e.id BETWEEN :first AND :last AND e.timestamp < :cutoff
    AND NOT EXISTS (
        SELECT FROM runs AS r WHERE r.run_id = e.run_id
        AND (r.status NOT IN {_FINISHED} OR r.update_timestamp >= :cutoff)
    )
    AND NOT EXISTS (
        SELECT FROM asset_check_executions AS c
        WHERE c.asset_key = e.asset_key
        AND e.id IN (c.evaluation_event_storage_id, c.materialization_event_storage_id)
    )
    AND (
        e.asset_key IS NULL
        OR e.dagster_event_type NOT IN {_STATUS_EVENTS}
        OR (e.partition IS NOT NULL AND EXISTS (
            SELECT FROM event_logs AS newer
            WHERE newer.asset_key = e.asset_key AND newer.dagster_event_type = e.dagster_event_type
                AND newer.partition = e.partition AND newer.id > e.id
        ))
        OR (e.partition IS NULL AND EXISTS (
            SELECT FROM event_logs AS newer
            WHERE newer.asset_key = e.asset_key AND newer.dagster_event_type = e.dagster_event_type
                AND newer.partition IS NULL AND newer.id > e.id
        ))
    )
"""  # noqa: S608 - joined from constants

_TAGS_OF_NOTHING = """
DELETE FROM asset_event_tags AS t
WHERE t.event_id BETWEEN :first AND :last AND NOT EXISTS (SELECT FROM event_logs AS e WHERE e.id = t.event_id)
"""

_OLD_RUNS = f"""
DELETE FROM runs WHERE run_id IN (
    SELECT r.run_id FROM runs AS r
    WHERE r.status IN {_FINISHED} AND r.update_timestamp < :cutoff
        AND NOT EXISTS (SELECT FROM event_logs AS e WHERE e.run_id = r.run_id)
        AND NOT EXISTS (SELECT FROM asset_check_executions AS c WHERE c.run_id = r.run_id)
    ORDER BY r.id LIMIT :limit
)
"""  # noqa: S608 - joined from constants
