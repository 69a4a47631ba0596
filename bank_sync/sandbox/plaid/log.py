"""The change log of an Item: what `/transactions/sync` pages through.

Here: deriving the log from the world. A log begins with the history shown at the moment of linking and goes
on with every change since, in the order of time. It is only ever added to, so a position in it means the same
for ever, also after a restart. Not here: pages and cursors (`transactions`).
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum

from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.world.ledger import is_pending, is_posted
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Movement

_LOGS_KEPT = 128


class Verb(IntEnum):
    """What happened to a row; of two changes in one instant the lower number comes first."""

    REMOVED = 0
    ADDED = 1
    MODIFIED = 2


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: at `at`, the movement's pending or posted row was added, modified or removed."""

    at: datetime
    verb: Verb
    movement: Movement
    pending: bool


def history_start(item: Item) -> date:
    """The oldest day the Item shows, fixed when it was linked."""
    return (item.linked_at - timedelta(days=item.days_requested)).date()


class LogBook:
    """The logs of all Items, each worked out once per day told."""

    def __init__(self) -> None:
        self._logs: dict[str, tuple[Life, date, list[Change], list[datetime]]] = {}

    def entries(self, item: Item, life: Life, now: datetime) -> list[Change]:
        """The log as it stands at `now`."""
        known = self._logs.get(item.item_id)
        if known is None or known[0] is not life or known[1] != life.told_until:
            changes = _changes(item, life)
            known = (life, life.told_until, changes, [change.at for change in changes])
            self._logs.pop(item.item_id, None)
            self._logs[item.item_id] = known
            if len(self._logs) > _LOGS_KEPT:
                del self._logs[next(iter(self._logs))]
        return known[2][: bisect_right(known[3], now)]


def _changes(item: Item, life: Life) -> list[Change]:
    """Every entry the days told so far will ever give, those of the future included, in the order of time."""
    since, linked_at = history_start(item), item.linked_at
    shown, later = [], []
    for movement in life.movements:
        if is_posted(movement, linked_at):
            if movement.booked_on >= since:
                shown.append(Change(linked_at, Verb.ADDED, movement, pending=False))
        elif is_pending(movement, linked_at) and movement.authorised_on >= since:
            shown.append(Change(linked_at, Verb.ADDED, movement, pending=True))
        later.extend(_since_linked(movement, since, linked_at))
    shown.sort(key=lambda change: (_day(change), change.movement.account.key, change.movement.key))
    later.sort(key=lambda change: (change.at, change.movement.key, change.verb))
    return shown + later


def _since_linked(movement: Movement, since: date, linked_at: datetime) -> list[Change]:
    changes = []
    if movement.held is not None and movement.authorised_on >= since:
        changes.append(Change(movement.authorised_at, Verb.ADDED, movement, pending=True))
        changes.append(Change(movement.settled_at, Verb.REMOVED, movement, pending=True))
    if not movement.vanishes and movement.booked_on >= since:
        changes.append(Change(movement.settled_at, Verb.ADDED, movement, pending=False))
        if movement.refined_at is not None:
            changes.append(Change(movement.refined_at, Verb.MODIFIED, movement, pending=False))
    return [change for change in changes if change.at > linked_at]


def _day(change: Change) -> date:
    return change.movement.authorised_on if change.pending else change.movement.booked_on
