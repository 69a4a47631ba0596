"""What every handler needs in one hand: configuration, clock, state and world.

Here: the bundle, the virtual clock and the maker of identifiers. Not here: anything of a single protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.state import Store, Table
from bank_sync.sandbox.world.book import Command
from bank_sync.sandbox.world.dice import code, uuid_of
from bank_sync.sandbox.world.life import World


def system_clock() -> datetime:
    """The real time, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """One sandbox: its choices, its real clock, what it remembers, and the world it speaks about."""

    config: SandboxConfig
    clock: Callable[[], datetime]
    store: Store
    world: World

    def now(self) -> datetime:
        """The instant the pretend banks believe it is, in UTC, to the second."""
        shifted = self.clock().astimezone(UTC) + timedelta(seconds=self.store.clock_offset_s)
        return shifted.replace(microsecond=0)

    def set_now(self, instant: datetime) -> None:
        """Move the virtual clock to that instant; it keeps running from there."""
        self.store.clock_offset_s = (instant - self.clock()).total_seconds()

    def new_uuid(self, purpose: str) -> str:
        """A UUID nobody has seen, the same again for the same seed and the same history of requests."""
        return uuid_of(self.world.seed, purpose, self.store.next_serial())

    def new_code(self, purpose: str, alphabet: str, length: int) -> str:
        """An identifier of letters nobody has seen, repeatable like `new_uuid`."""
        return code(alphabet, length, self.world.seed, purpose, self.store.next_serial())


def new_context(config: SandboxConfig, clock: Callable[[], datetime] | None) -> Context:
    """A context for that configuration, with what its state file remembers."""
    store = Store(config.state_path)
    return Context(config, clock or system_clock, store, World(config.seed, book_commands(store)))


def book_commands(store: Store) -> Table[Command]:
    """Every command the world was given, in order, by serial number."""
    return store.table("book", Command)
