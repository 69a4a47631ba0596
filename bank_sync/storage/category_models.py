"""Models that were trained here: which there are, how they did, and which one decides.

Belongs here: `bank.category_models`. Does not belong here: the artefacts, which are files (`sync.champion`),
and judging them (`categorization.evaluation`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from bank_sync.storage.tables import category_models


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model trained here; `sha256` is that of its artefact, `card` has figures and the verdict on it."""

    version: str
    sha256: str
    lessons: int
    card: dict[str, Any]
    trained_at: datetime
    promoted_at: datetime | None


_COLUMNS = [category_models.c[name] for name in StoredModel.__slots__]


def promoted(db: Connection) -> list[StoredModel]:
    """Models that were ever promoted, the one that was promoted last first."""
    query = (
        select(*_COLUMNS)
        .where(category_models.c.promoted_at.is_not(None))
        .order_by(category_models.c.promoted_at.desc(), category_models.c.version)
    )
    return [StoredModel(**row) for row in db.execute(query).mappings()]


def models(db: Connection) -> list[StoredModel]:
    """All models trained here, the newest first."""
    query = select(*_COLUMNS).order_by(category_models.c.trained_at.desc(), category_models.c.version)
    return [StoredModel(**row) for row in db.execute(query).mappings()]


def trained(db: Connection, version: str) -> StoredModel | None:
    """One model by its version, None where it was not trained here."""
    row = db.execute(select(*_COLUMNS).where(category_models.c.version == version)).mappings().first()
    return StoredModel(**row) if row else None


def keep_model(
    db: Connection,
    version: str,
    sha256: str,
    *,
    lessons: int,
    card: Mapping[str, Any],
    promote: bool,
    now: datetime,
) -> None:
    """Keep how a model did in its newest evaluation and, with `promote`, let it decide from now on."""
    judged: dict[str, Any] = {"sha256": sha256, "card": dict(card), "evaluated_at": now}
    if promote:
        judged["promoted_at"] = now
    statement = insert(category_models).values(version=version, lessons=lessons, trained_at=now, **judged)
    db.execute(statement.on_conflict_do_update(index_elements=["version"], set_=judged))
