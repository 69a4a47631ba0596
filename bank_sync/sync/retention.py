"""Letting go of what has served its time.

Belongs here: how long what is kept. Does not belong here: the statements (`storage.retention`), Dagster's own
records (`orchestration.pruning`), erasing a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bank_sync.services import Services
from bank_sync.storage import retention
from bank_sync.storage.database import transaction

_WEBHOOKS_KEPT_FOR = timedelta(days=30)  # providers repeat one for a day; a replay is refused by its age


@dataclass(frozen=True, slots=True)
class LetGo:
    """What was deleted."""

    rounds: int = 0
    pages: int = 0
    webhooks: int = 0


def let_go(services: Services) -> LetGo:
    """Delete raw pages older than the setting says, and settled webhooks; doing it again changes nothing."""
    now = services.clock()
    with transaction(services.engine) as db:
        webhooks = retention.prune_inbox(db, before=now - _WEBHOOKS_KEPT_FOR)
    rounds = pages = 0
    while services.settings.raw_pages_days:
        before = now - timedelta(days=services.settings.raw_pages_days)
        with transaction(services.engine) as db:
            some_rounds, some_pages = retention.prune_pages(db, before=before, now=now)
        rounds, pages = rounds + some_rounds, pages + some_pages
        if not some_rounds:
            break
    return LetGo(rounds, pages, webhooks)
