"""Which kinds of messages a person wants.

Belongs here: the kinds there are, and what a person said of them. Does not belong here: the messages
(`notifications.events`, `notifications.reminders`). One that a person does not want is written all the same,
so that what was told when stays known; no channel delivers it.
"""

from __future__ import annotations

from collections.abc import Collection

from bank_sync.domain.trouble import Tell
from bank_sync.notifications.events import News
from bank_sync.notifications.reminders import Reminder
from bank_sync.services import Services
from bank_sync.storage import outbox
from bank_sync.storage.database import transaction

KINDS: tuple[str, ...] = tuple(sorted(str(kind) for group in (News, Tell, Reminder) for kind in group))
"""Every kind of message."""


def unwanted_kinds(services: Services, user_id: str) -> list[str]:
    """Kinds the person does not want; none for a person never seen."""
    with transaction(services.engine) as db:
        return outbox.unwanted_kinds(db, user_id)


def set_unwanted_kinds(services: Services, user_id: str, kinds: Collection[str]) -> None:
    """From now on the person wants all messages but these; what was written before stays as it is."""
    with transaction(services.engine) as db:
        outbox.set_unwanted_kinds(db, user_id, sorted(set(kinds) & set(KINDS)))
