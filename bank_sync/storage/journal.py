"""What happened: sync attempts, quarantined rows, audit entries, quality verdicts.

Belongs here: append-only operational records and their simple look-ups. Does not belong here: the outbox
(`storage.outbox`), the state of a connection (`storage.connections`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from bank_sync.domain.models import Part, Rejected
from bank_sync.storage.tables import audit, quality_results, quarantine, sync_attempts


def record_attempt(
    db: Connection,
    connection_id: str,
    part: Part,
    *,
    outcome: str,
    started_at: datetime,
    finished_at: datetime,
    pages: int = 0,
    error_code: str | None = None,
    error_recovery: str | None = None,
    run_id: str | None = None,
) -> None:
    """Note one attempt; outcome is `succeeded`, `partial` (some accounts failed) or `failed`."""
    db.execute(
        insert(sync_attempts).values(
            connection_id=connection_id,
            part=part,
            outcome=outcome,
            pages=pages,
            error_code=error_code,
            error_recovery=error_recovery,
            run_id=run_id,
            started_at=started_at,
            finished_at=finished_at,
        )
    )


def put_in_quarantine(
    db: Connection, connection_id: str, page_id: int, rejected: Rejected, *, now: datetime
) -> None:
    """Note a row that could not be read; its page still holds it."""
    statement = upsert(quarantine).values(
        connection_id=connection_id,
        page_id=page_id,
        locator=rejected.locator,
        reason=rejected.reason,
        quarantined_at=now,
    )
    db.execute(statement.on_conflict_do_nothing())


def open_quarantine(db: Connection, connection_id: str) -> int:
    """How many rows of a connection wait in quarantine."""
    query = select(func.count()).where(
        quarantine.c.connection_id == connection_id, quarantine.c.resolved_at.is_(None)
    )
    return int(db.execute(query).scalar_one())


def record_audit(
    db: Connection, *, action: str, actor: str, connection_id: str | None, details: Mapping[str, object]
) -> None:
    """Note a security-relevant action; `details` must hold no secret."""
    db.execute(
        insert(audit).values(
            action=action,
            actor=actor,
            connection_id=connection_id,
            details=dict(details),
            happened_at=func.now(),
        )
    )


def record_verdict(
    db: Connection,
    connection_id: str,
    check_name: str,
    *,
    passed: bool,
    details: Mapping[str, object],
    looked_at: str | None = None,
    now: datetime,
) -> None:
    """Note a quality check's latest verdict on a connection, and the state of what it looked at."""
    values = {"passed": passed, "details": dict(details), "looked_at": looked_at, "checked_at": now}
    statement = upsert(quality_results).values(connection_id=connection_id, check_name=check_name, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["connection_id", "check_name"], set_=values))


def passed_details(
    db: Connection, connection_id: str, check_name: str, *, looked_at: str
) -> dict[str, object] | None:
    """What a check found when it passed on this very state; None when it did not."""
    query = select(quality_results.c.details).where(
        quality_results.c.connection_id == connection_id,
        quality_results.c.check_name == check_name,
        quality_results.c.looked_at == looked_at,
        quality_results.c.passed,
    )
    details: dict[str, object] | None = db.execute(query).scalar_one_or_none()
    return details


def failed_checks(db: Connection, connection_id: str) -> list[str]:
    """Names of the checks whose latest verdict on a connection is a failure."""
    query = select(quality_results.c.check_name).where(
        quality_results.c.connection_id == connection_id, quality_results.c.passed.is_(False)
    )
    return list(db.execute(query).scalars())
