"""A person's life at one bank, told day by day from the epoch, and the world that remembers lives.

Here: running the days and keeping what they produced. Not here: the decisions (`habits`, `duties`), their
treatment by the bank (`timeline`) or what shows at an instant (`ledger`).
"""

import heapq
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain

from bank_sync.sandbox.world.banks import BANKS
from bank_sync.sandbox.world.book import Book, Command
from bank_sync.sandbox.world.countries import COUNTRIES
from bank_sync.sandbox.world.dice import Dice
from bank_sync.sandbox.world.drafts import Day, Draft
from bank_sync.sandbox.world.duties import duties
from bank_sync.sandbox.world.following import follow
from bank_sync.sandbox.world.habits import habits
from bank_sync.sandbox.world.model import Bank, Kind, Movement, Person, Role
from bank_sync.sandbox.world.people import accounts_of, is_scripted, person_of
from bank_sync.sandbox.world.timeline import movement_of

EPOCH = date(2024, 1, 1)
_LIVES_KEPT = 128


class Life:
    """Everything that ever happens to one person's accounts at one bank.

    Days are told in order and never told again: a day's dice depend on the seed, the person, the bank and the
    day alone, and what a person decides depends only on days before. So the past is the same whoever asks,
    and when.
    """

    def __init__(self, seed: str, person: Person, bank: Bank) -> None:
        self.person = person
        self.bank = bank
        self.accounts = accounts_of(seed, person, bank)
        self.movements: list[Movement] = []
        self.book = Book(self.accounts, self.movements)
        self.told_until = EPOCH
        self._seed = seed
        self._country = COUNTRIES[bank.country]
        self._balances = {account.key: account.opening for account in self.accounts}
        self._card_bills: defaultdict[tuple[int, int], Decimal] = defaultdict(Decimal)
        self._unsettled: list[tuple[datetime, int, str, Decimal]] = []

    def tell(self, until: date) -> None:
        """Tell every day up to and including `until` that has not been told yet; a script has none."""
        if is_scripted(self.person.key):
            self.told_until = max(self.told_until, until + timedelta(days=1))
        while self.told_until <= until:
            self._tell_day(self.told_until)
            self.told_until += timedelta(days=1)

    def _tell_day(self, today: date) -> None:
        self._settle(datetime.combine(today, time(), UTC))
        dice = Dice(self._seed, "day", self.bank.key, self.person.key, today)
        last_month = today.replace(day=1) - timedelta(days=1)
        day = Day(
            date=today,
            person=self.person,
            country=self._country,
            accounts=self.accounts,
            balances=self._balances,
            card_bill=self._card_bills[last_month.year, last_month.month],
            dice=dice,
        )
        for ordinal, draft in enumerate(chain(duties(day), habits(day))):
            self._remember(draft, today, ordinal, dice)

    def _remember(self, draft: Draft, today: date, ordinal: int, dice: Dice) -> None:
        movement = movement_of(
            draft, person=self.person, country=self._country, day=today, key=f"{today}/{ordinal}", dice=dice
        )
        self.movements.append(movement)
        if movement.vanishes:
            return
        heapq.heappush(
            self._unsettled,
            (movement.settled_at, len(self.movements), movement.account.key, movement.amount),
        )
        if movement.account.role is Role.CARD and movement.kind is not Kind.SETTLEMENT_IN:
            self._card_bills[movement.authorised_on.year, movement.authorised_on.month] -= movement.amount

    def _settle(self, now: datetime) -> None:
        while self._unsettled and self._unsettled[0][0] < now:
            _, _, account_key, amount = heapq.heappop(self._unsettled)
            self._balances[account_key] += amount


class World:
    """All lives under one seed, told as far as anybody asked; the least recently met are forgotten first.

    Commands are never forgotten: a life that is told again is commanded again, in the same order.
    """

    def __init__(self, seed: str, commands: Iterable[Command] = ()) -> None:
        self.seed = seed
        self._lives: OrderedDict[tuple[str, str], Life] = OrderedDict()
        self._commands: defaultdict[tuple[str, str], list[Command]] = defaultdict(list)
        for command in commands:
            self._commands[command.bank_key, command.user_key].append(command)

    def life(self, bank_key: str, user_key: str, now: datetime) -> Life:
        """The life of the person `user_key` stands for at the bank, told up to the day of `now`."""
        known = (bank_key, user_key)
        if known not in self._lives:
            self._lives[known] = self._begun(bank_key, user_key)
            while len(self._lives) > _LIVES_KEPT:
                self._lives.popitem(last=False)
        self._lives.move_to_end(known)
        life = self._lives[known]
        life.tell(now.astimezone(UTC).date())
        return life

    def command(self, command: Command) -> list[str]:
        """Follow a new command; gives the keys of the movements it made or met.

        Raises:
            BookError: It cannot be followed; nothing has changed.
        """
        keys = follow(self.life(command.bank_key, command.user_key, command.at).book, command)
        self._commands[command.bank_key, command.user_key].append(command)
        return keys

    def _begun(self, bank_key: str, user_key: str) -> Life:
        bank = BANKS[bank_key]
        life = Life(self.seed, person_of(self.seed, bank.country, user_key), bank)
        for command in self._commands.get((bank_key, user_key), ()):
            life.tell(command.at.astimezone(UTC).date())
            follow(life.book, command)
        return life
