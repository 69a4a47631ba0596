"""The book of one person at one bank: the movements commands made or changed, and a journal of what and when.

A movement of the generated life is adopted by the first command about it; the book speaks for it then.
Here: what is true, looking things up in it, and entering a change. Not here: what each command means
(`following`), reading one off the wire, or what a single link shows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum

from bank_sync.sandbox.world.ledger import is_pending, is_posted
from bank_sync.sandbox.world.model import Account, Movement

POSITION = "position "


class BookError(Exception):
    """A command that cannot be followed; the status is what the door answers with."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Verb(IntEnum):
    """What happened to a row; of two changes in one instant the lower number comes first."""

    REMOVED = 0
    ADDED = 1
    MODIFIED = 2


class Ids(StrEnum):
    """How an account's booked rows get their ids."""

    STABLE = "stable"
    EVERY_READ = "every_read"
    POSITIONAL = "positional"


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it is kept: `body` is JSON that names accounts by the world's own keys."""

    serial: int
    bank_key: str
    user_key: str
    at: datetime
    op: str
    body: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """A movement's pending or posted row was added, modified or removed."""

    verb: Verb
    movement: Movement
    pending: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What one command changed.

    `renewed` is a link's id and an account whose ids changed under that link alone; `reopened` is an account
    that is listed again. Nobody is told of the removals of a silent event.
    """

    at: datetime
    serial: int
    changes: tuple[RowChange, ...] = ()
    renewed: tuple[str, str] | None = None
    reopened: str | None = None
    is_silent: bool = False


class Book:
    """What the commands so far make true over a generated life, which may go on while the book is open."""

    def __init__(self, accounts: Iterable[Account], generated: list[Movement]) -> None:
        self.accounts = {account.key: account for account in accounts}
        self.journal: list[Event] = []
        self.movements: dict[str, Movement] = {}
        self.removed: dict[str, Movement] = {}
        self.adopted: dict[str, Event] = {}
        self.ids: dict[str, Ids] = {}
        self.closed: set[str] = set()
        self.is_out = False
        self._generated = generated
        self._count = self._reads = 0

    def rows(self) -> Iterator[Movement]:
        """Every movement there is, of the life and of the book."""
        yield from (movement for movement in self._generated if movement.key not in self.adopted)
        yield from self.movements.values()

    def find(self, key: str, at: datetime) -> Movement:
        """The movement under that key, if the bank shows it at that instant.

        Raises:
            BookError: 404.
        """
        for row in self.rows():
            if row.key == key and (is_pending(row, at) or is_posted(row, at)):
                return row
        raise BookError(404, "No movement under that id is shown now.")

    def pending(self, key: str, at: datetime) -> Movement:
        """Like `find`, and it is pending.

        Raises:
            BookError: 404, or 400 if it is booked.
        """
        movement = self.find(key, at)
        if not is_pending(movement, at):
            raise BookError(400, "That movement is not pending.")
        return movement

    def posted(self, key: str, at: datetime) -> Movement:
        """Like `find`, and it is booked.

        Raises:
            BookError: 404, or 400 if it is pending.
        """
        movement = self.find(key, at)
        if not is_posted(movement, at):
            raise BookError(400, "That movement is still pending.")
        return movement

    def taken_back(self, key: str) -> Movement:
        """The movement the bank removed under that key.

        Raises:
            BookError: 404.
        """
        if key not in self.removed:
            raise BookError(404, "No removed movement under that id.")
        return self.removed[key]

    def booked(self, account_key: str, at: datetime) -> list[Movement]:
        """Every booked movement of an account."""
        return [row for row in self.rows() if row.account.key == account_key and is_posted(row, at)]

    def next_key(self) -> str:
        """A key no movement has had."""
        self._count += 1
        return f"s{self._count}"

    def enter(self, event: Event) -> None:
        """Enter what one command changed, adopting every movement it touched, and let it come true."""
        for change in event.changes:
            movement = change.movement
            if not movement.is_scripted:
                self.adopted.setdefault(movement.key, event)
            if change.verb is Verb.REMOVED:
                self.movements.pop(movement.key, None)
            else:
                self.movements[movement.key] = movement
        self.journal.append(event)

    def ids_of(self, account: Account) -> Ids:
        """How the account's booked rows get their ids now."""
        return self.ids.get(account.key, Ids.STABLE)

    def shown(self, account: Account, posted: list[Movement]) -> list[Movement]:
        """The account's booked rows, oldest first, under the ids one read of them shows."""
        ids = self.ids_of(account)
        if ids is Ids.STABLE:
            return posted
        if ids is Ids.POSITIONAL:
            count = len(posted)
            return [replace(row, row_key=f"{POSITION}{count - index}") for index, row in enumerate(posted)]
        self._reads += 1
        return [replace(row, row_key=f"{row.key}~read {self._reads}") for row in posted]
