"""The change log of an Item: what `/transactions/sync` pages through.

Here: deriving the log from the world. A log begins with the history shown at the moment of linking and goes
on with every change since, in the order of time, commands after whatever else happened in their instant. It
is only ever added to, so a position in it means the same for ever, also after a restart. Not here: pages and
cursors (`transactions`).
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.world.book import Event, RowChange, Verb
from bank_sync.sandbox.world.ledger import is_pending, is_posted
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Movement

_LOGS_KEPT = 128
_INITIAL = timedelta(days=30)
RowKey = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: at `at`, the movement's pending or posted row was added, modified or removed.

    `renewals` is how often accounts of the Item had been given new ids by then.
    """

    at: datetime
    verb: Verb
    movement: Movement
    pending: bool
    renewals: int = 0

    @property
    def row(self) -> tuple[str, bool, int]:
        """Which row of the wire it is about: equal for all changes under one transaction id."""
        return self.movement.id_key(pending=self.pending), self.pending, self.renewals


def history_start(item: Item) -> date:
    """The oldest day the Item shows, fixed when it was linked."""
    return (item.linked_at - timedelta(days=item.days_requested)).date()


def initial_start(item: Item) -> date:
    """The oldest day the Item's first update shows."""
    return max(history_start(item), (item.linked_at - _INITIAL).date())


class LogBook:
    """The logs of all Items, each worked out once per day told and command given."""

    def __init__(self) -> None:
        self._logs: dict[str, tuple[tuple[object, ...], list[Change], list[datetime]]] = {}

    def entries(self, item: Item, life: Life, now: datetime) -> list[Change]:
        """The log as it stands at `now`."""
        state = (life, life.told_until, len(life.book.journal), item)
        known = self._logs.get(item.item_id)
        if known is None or known[0] != state:
            changes = _Writing(item).write(life)
            known = (state, changes, [change.at for change in changes])
            self._logs.pop(item.item_id, None)
            self._logs[item.item_id] = known
            if len(self._logs) > _LOGS_KEPT:
                del self._logs[next(iter(self._logs))]
        return known[1][: bisect_right(known[2], now)]


class _Writing:
    """One log while it is written: every row there is, and those the Item was told of."""

    def __init__(self, item: Item) -> None:
        self._item = item
        self._changes: list[Change] = []
        self._there: dict[RowKey, Movement] = {}
        self._told: dict[RowKey, Movement] = {}
        self._renewals = 0
        self._since = initial_start(item)

    def write(self, life: Life) -> list[Change]:
        """Every entry the days told so far will ever give, those of the future included, in order."""
        item = self._item
        is_whole = (item.history_at, item.history_serial) == (item.linked_at, item.linked_serial)
        self._since = history_start(item) if is_whole else initial_start(item)
        self._there = {(row.key, pending): row for row, pending in _shown(life, item)}
        self._tell_rest(item.linked_at)
        events = sorted(_later(life, item), key=_order)
        before = [event for event in events if _is_before_history(item, event)]
        for event in before:
            self._happen(event)
        if item.history_at is not None and not is_whole:
            self._since = history_start(item)
            self._tell_rest(item.history_at)
        for event in events[len(before) :]:
            self._happen(event)
        return self._changes

    def _tell_rest(self, at: datetime) -> None:
        """Add every row the Item may see and was not told of, by day."""
        rest = [each for each in self._there.items() if each[0] not in self._told]
        for (_, pending), row in sorted(rest, key=lambda each: _reading_order(each[1], pending=each[0][1])):
            self._change(at, Verb.ADDED, row, pending=pending)

    def _happen(self, event: Event) -> None:
        if event.renewed is not None and event.renewed[0] == self._item.item_id:
            self._renew(event.at, event.renewed[1])
        if event.reopened is not None:
            self._tell_again(event.at, event.reopened)
        for change in event.changes:
            if change.verb is Verb.REMOVED:
                self._there.pop((change.movement.key, change.pending), None)
            else:
                self._there[change.movement.key, change.pending] = change.movement
            self._change(
                event.at, change.verb, change.movement, pending=change.pending, silent=event.is_silent
            )

    def _renew(self, at: datetime, account_key: str) -> None:
        rows = [each for each in self._told.items() if each[1].account.key == account_key]
        for (_, pending), row in rows:
            self._change(at, Verb.REMOVED, row, pending=pending)
        self._renewals += 1
        for (_, pending), row in rows:
            self._change(at, Verb.ADDED, row, pending=pending)

    def _tell_again(self, at: datetime, account_key: str) -> None:
        """Whoever read while the account was not listed was told nothing of it."""
        for (_, pending), row in list(self._there.items()):
            if row.account.key == account_key:
                self._change(at, Verb.ADDED, row, pending=pending)

    def _change(
        self, at: datetime, verb: Verb, row: Movement, *, pending: bool, silent: bool = False
    ) -> None:
        """Write the entry as the Item sees it: a row may come within its days, or leave them."""
        key = (row.key, pending)
        is_shown = verb is not Verb.REMOVED and _day(row, pending=pending) >= self._since
        was_told = self._told.pop(key, None)
        if is_shown:
            self._told[key] = row
            said = Verb.ADDED if was_told is None or verb is Verb.ADDED else Verb.MODIFIED
            self._changes.append(Change(at, said, row, pending, self._renewals))
        elif was_told is not None and not silent:
            self._changes.append(Change(at, Verb.REMOVED, was_told, pending, self._renewals))


def _shown(life: Life, item: Item) -> Iterator[tuple[Movement, bool]]:
    """Every row the bank had when the Item was linked, and whether it was pending."""
    for row in life.movements:
        adopted = life.book.adopted.get(row.key)
        if adopted is None or adopted.serial > item.linked_serial:
            if is_posted(row, item.linked_at):
                yield row, False
            elif is_pending(row, item.linked_at):
                yield row, True
    commanded: dict[RowKey, Movement] = {}
    for event in life.book.journal:
        for change in event.changes if event.serial <= item.linked_serial else ():
            commanded.pop((change.movement.key, change.pending), None)
            if change.verb is not Verb.REMOVED:
                commanded[change.movement.key, change.pending] = change.movement
    yield from ((row, pending) for (_, pending), row in commanded.items())


def _later(life: Life, item: Item) -> Iterator[Event]:
    """Everything that happened since the Item was linked."""
    for row in life.movements:
        adopted = life.book.adopted.get(row.key)
        if adopted is None or adopted.serial > item.linked_serial:
            until = adopted.at if adopted else None
            for event in _of_a_life(row):
                if item.linked_at < event.at and (until is None or event.at <= until):
                    yield event
    yield from (event for event in life.book.journal if event.serial > item.linked_serial)


def _of_a_life(row: Movement) -> Iterator[Event]:
    if row.held is not None:
        yield _event(row.authorised_at, Verb.ADDED, row, pending=True)
        yield _event(row.settled_at, Verb.REMOVED, row, pending=True)
    if not row.vanishes:
        yield _event(row.settled_at, Verb.ADDED, row, pending=False)
        if row.refined_at is not None:
            yield _event(row.refined_at, Verb.MODIFIED, row, pending=False)


def _event(at: datetime, verb: Verb, row: Movement, *, pending: bool) -> Event:
    return Event(at, 0, (RowChange(verb, row, pending),))


def _order(event: Event) -> tuple[datetime, int, str, int]:
    """By time; of one instant the life first, by movement, then commands by their numbers."""
    if event.serial:
        return event.at, event.serial, "", 0
    change = event.changes[0]
    return event.at, 0, change.movement.key, change.verb


def _is_before_history(item: Item, event: Event) -> bool:
    """Whether the event stands before the older history in the log; a history still to come is the last."""
    if item.history_at is None:
        return True
    return (event.at, event.serial) <= (item.history_at, item.history_serial)


def _reading_order(row: Movement, *, pending: bool) -> tuple[date, str, str]:
    return _day(row, pending=pending), row.account.key, row.rank


def _day(row: Movement, *, pending: bool) -> date:
    return row.authorised_on if pending else row.booked_on
