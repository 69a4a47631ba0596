"""The truth behind `bank_sync_tests.proof.cadence`: banks, people, and when what could first be read.

Belongs here: the draws, from one seed. Does not belong here: any policy, or anything that a policy learns.

Moments are hours since the beginning of the simulation, a Monday at 00:00 UTC. "Tellable" is the moment from
which a provider tells a row to whoever asks: for GoCardless when the bank shows it, for Plaid and Teller when
they next read the bank themselves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

_DAY_H = 24.0
_SHARES = {"plaid": 0.5, "teller": 0.2, "gocardless": 0.3}
_ZONES_H = {"plaid": (-8, -6, -5), "teller": (-8, -6, -5), "gocardless": (0, 1, 2)}
_LOOKS_A_DAY = {"daily": 2.2, "weekly": 0.25, "seldom": 0.03}
_PEOPLE = (("daily", 30), ("weekly", 40), ("seldom", 30))
_LOOK_HOURS = (7.5, 12.5, 17.0, 20.5)
_HISTORY_IS_READ_H = (2 / 60, 0.5)


@dataclass(frozen=True, slots=True)
class Bank:
    """How one bank, and its provider's reading of it, behaves.

    Attributes:
        books: `live` (rows show within the hour), `nightly` (on the next bank day) or `mixed`.
        books_at_h: the hour of the night's booking, UTC.
        read_at_h: the hours at which the provider reads it; empty where reads go through to the bank.
        outages: spans in which no read succeeds.
    """

    name: str
    provider: str
    zone_h: int
    books: str
    books_at_h: float
    read_at_h: tuple[float, ...]
    has_webhooks: bool
    outages: tuple[tuple[float, float], ...]

    def is_down(self, at_h: float) -> bool:
        """Whether a read now would fail."""
        return any(first <= at_h < last for first, last in self.outages)


@dataclass(slots=True)
class Link:
    """One connection's truth.

    Attributes:
        tellable: by account, the moments from which each row could be read.
        any_tellable: the same over all accounts.
        looks: when the person looks at the figures; `presses`: when they ask for fresh ones.
        webhooks: when an announcement of new rows arrives.
    """

    connection_id: str
    bank: Bank
    linked_h: float
    history_until_h: float
    tellable: list[list[float]] = field(default_factory=list)
    any_tellable: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    presses: list[float] = field(default_factory=list)
    webhooks: list[float] = field(default_factory=list)


def draw_world(seed: int, links: int, days: int) -> list[Link]:
    """All that will happen to some connections, whatever anybody reads."""
    random = Random(seed)  # noqa: S311 - a story, not a secret
    banks = {
        provider: [_bank(random, provider, number, days) for number in range(max(2, int(links * share / 10)))]
        for provider, share in _SHARES.items()
    }
    providers = random.choices(list(_SHARES), list(_SHARES.values()), k=links)
    return [
        _link(random, f"conn_{number:05d}", random.choice(banks[one]), days)
        for number, one in enumerate(providers)
    ]


def _bank(random: Random, provider: str, number: int, days: int) -> Bank:
    reads = () if provider == "gocardless" else _reading_hours(random, 4 if provider == "plaid" else 3)
    outages = []
    for _ in range(random.choices((0, 1, 2, 3), (25, 35, 25, 15))[0]):
        first = random.uniform(0, days * _DAY_H)
        outages.append((first, first + random.uniform(0.5, 6)))
    zone_h = random.choice(_ZONES_H[provider])
    return Bank(
        name=f"{provider}-bank-{number}",
        provider=provider,
        zone_h=zone_h,
        books=random.choices(("live", "mixed", "nightly"), (30, 45, 25))[0],
        books_at_h=(random.uniform(1, 7) - zone_h) % 24,
        read_at_h=reads,
        has_webhooks=provider != "gocardless" and random.random() < 0.55,
        outages=tuple(outages),
    )


def _reading_hours(random: Random, most: int) -> tuple[float, ...]:
    """One to `most` reads a day, some way apart."""
    reads = random.randint(1, most)
    first = random.uniform(0, 24)
    return tuple(sorted((first + 24 * n / reads + random.uniform(-2, 2)) % 24 for n in range(reads)))


def _link(random: Random, connection_id: str, bank: Bank, days: int) -> Link:
    linked_h = random.uniform(0, 2) if random.random() < 0.7 else random.uniform(2, days * _DAY_H * 0.7)
    history_h = random.uniform(*_HISTORY_IS_READ_H) if bank.provider == "plaid" else 0.0
    link = Link(connection_id, bank, linked_h, linked_h + history_h)
    reads = _provider_reads(random, bank, days)
    for _ in range(random.choices((1, 2, 3), (50, 35, 15))[0]):
        link.tellable.append(_tellable(random, bank, reads, days))
    link.any_tellable = sorted(moment for account in link.tellable for moment in account)
    _draw_looks(random, link, days)
    if bank.has_webhooks:
        _draw_webhooks(random, link, days)
    return link


def _provider_reads(random: Random, bank: Bank, days: int) -> list[float]:
    """When the provider reads this login: at the bank's hours, a little off, and not always."""
    off_h = random.uniform(-0.75, 0.75)
    found = [
        day * _DAY_H + hour + off_h + random.gauss(0, 0.3)
        for day in range(days + 3)
        for hour in bank.read_at_h
        if random.random() > 0.05
    ]
    return sorted(found)


def _tellable(random: Random, bank: Bank, reads: Sequence[float], days: int) -> list[float]:
    """The moments from which the rows of one account can be read."""
    a_day = random.choice((0.3, 0.8, 1.5, 3.0))
    weekend = random.choice((0.3, 1.0, 1.6))
    hours = [random.uniform(7, 22) for _ in range(random.randint(1, 3))]
    found = []
    for day in range(-1, days):
        expected = a_day * (weekend if day % 7 >= 5 else 1.0)
        for _ in range(_poisson(random, expected)):
            spent_h = day * _DAY_H + random.gauss(random.choice(hours), 1.5) - bank.zone_h
            shown_h = _shown(random, bank, spent_h)
            told_h = _next(reads, shown_h) if bank.read_at_h else shown_h
            if told_h is not None and 0 < told_h < days * _DAY_H:
                found.append(told_h)
    return sorted(found)


def _shown(random: Random, bank: Bank, spent_h: float) -> float:
    """When the bank shows what was spent."""
    is_live = bank.books == "live" or (bank.books == "mixed" and random.random() < 0.7)
    if is_live:
        return spent_h + random.uniform(0.05, 1)
    day = int((spent_h - bank.books_at_h) // _DAY_H) + 1
    while (day - 1) % 7 >= 5:  # nothing is booked in the night after a day of the weekend
        day += 1
    return day * _DAY_H + bank.books_at_h + random.uniform(0, 0.75)


def _next(moments: Sequence[float], after_h: float) -> float | None:
    index = bisect_left(moments, after_h)
    return moments[index] if index < len(moments) else None


def _draw_looks(random: Random, link: Link, days: int) -> None:
    """A person keeps to a habit, but one in ten takes up another one day."""
    kinds = [kind for kind, _ in _PEOPLE]
    weights = [weight for _, weight in _PEOPLE]
    kind = random.choices(kinds, weights)[0]
    change_day = random.randrange(days) if random.random() < 0.1 else days
    for day in range(int(link.linked_h // _DAY_H), days):
        if day == change_day:
            kind = random.choices(kinds, weights)[0]
        for _ in range(_poisson(random, _LOOKS_A_DAY[kind])):
            look = day * _DAY_H + random.gauss(random.choice(_LOOK_HOURS), 1.5) - link.bank.zone_h
            if link.history_until_h + 0.1 < look < days * _DAY_H:
                link.looks.append(look)
    link.looks.sort()
    link.presses = [look for look in link.looks if random.random() < 0.04]


def _draw_webhooks(random: Random, link: Link, days: int) -> None:
    """Nearly every new set of rows is announced; of one login in ten nothing is for two weeks."""
    silent_from = random.uniform(0, days * _DAY_H) if random.random() < 0.1 else days * _DAY_H * 2
    for moment in sorted(set(link.any_tellable)):
        is_silent = silent_from <= moment < silent_from + 14 * _DAY_H
        if moment > link.linked_h and not is_silent and random.random() > 0.03:
            link.webhooks.append(moment + min(0.2, random.expovariate(30)))


def _poisson(random: Random, mean: float) -> int:
    """How many of something rare."""
    count, left = 0, random.expovariate(1)
    while left < mean:
        count += 1
        left += random.expovariate(1)
    return count
