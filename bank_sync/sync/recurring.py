"""Payments and income that come again and again, found in dated amounts.

Belongs here: when a chain of rows with one merchant is a stream, what comes next, and how sure that is. Pure:
rows in, streams out. Does not belong here: chains (`recurring_chains`), reading rows and keeping streams
(`recurring_streams`).

Rows on random days meet some calendar by chance. A chain counts when it is too long and too punctual
for chance, the more so where its sums vary; two missed dates in a row end it, and what comes later is another
stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from math import comb, exp
from statistics import median

from bank_sync.sync.recurring_chains import Chain, Payment, chains

_ALIKE = Decimal("1.02")  # two sizes that are one price, apart from rounding and exchange rates
_STEADY = Decimal("1.15")
_MOST_VARYING = 4  # times the smallest: a heating bill in winter, not a shop
_BELONGING = 0.7  # of the rows between first and last: a chain in a crowd is chance
_KEPT = 0.75
_BY_CHANCE = 0.02  # over all places where a chain may begin
_BY_CHANCE_AT_ONE_PRICE = 0.5
_RECENT = 6
_SUREST = 0.99


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows that belong together and what is to be expected.

    Attributes:
        state: active; late when the newest date was not met; ended when two were not.
        next_on: the next date, None once ended.
        usual, low, high: median, smallest and largest size of the newest six.
        missed: how many dates between first and last were not met.
        confidence: how regular it is, from 0 to 1; not a probability.
    """

    rows: tuple[Payment, ...]
    cadence: str
    state: str
    next_on: date | None
    usual: Decimal
    low: Decimal
    high: Decimal
    missed: int
    confidence: float


def streams(rows: Sequence[Payment], *, today: date, may_vary: bool = True) -> list[Stream]:
    """Find the streams among rows of one account, merchant, direction and currency, the longest first.

    `may_vary` False is for shops where people go by habit: only a steady price makes a stream there.
    """
    left = sorted(rows, key=lambda row: (row.booked_on, row.transaction_id))
    found: list[Stream] = []
    while (chain := _best(left, may_vary=may_vary)) is not None:
        found.append(_stream(chain, today))
        taken = {row.transaction_id for row in chain.rows}
        left = [row for row in left if row.transaction_id not in taken]
    return sorted(found, key=lambda one: (-len(one.rows), one.rows[0].booked_on))


def _best(rows: Sequence[Payment], *, may_vary: bool) -> Chain | None:
    """The best chain: among all rows where amounts may vary, else among those of one price."""
    found = [chain for chain in chains(rows) if may_vary and _hangs_together(chain, rows, _MOST_VARYING)]
    if not found:
        for price in _prices(rows):
            found += [chain for chain in chains(price) if _hangs_together(chain, price, _STEADY)]
    return max(found, key=lambda chain: chain.worth, default=None)


def _prices(rows: Sequence[Payment]) -> Iterator[list[Payment]]:
    """Rows by price, in the order of time: sizes that follow one another within two percent are one price."""
    by_size = sorted(rows, key=lambda row: row.size)
    group: list[Payment] = []
    for row in by_size:
        if group and row.size > group[-1].size * _ALIKE:
            yield sorted(group, key=lambda one: one.booked_on)
            group = []
        group.append(row)
    yield sorted(group, key=lambda one: one.booked_on)


def _hangs_together(chain: Chain, rows: Sequence[Payment], varying: Decimal | int) -> bool:
    sizes = [row.size for row in chain.rows]
    first, last = chain.rows[0].booked_on, chain.rows[-1].booked_on
    among = sum(first <= row.booked_on <= last for row in rows)
    if len(sizes) < 3:  # noqa: PLR2004 - two rows are a stream only when nothing speaks against it
        return max(sizes) <= min(sizes) * _ALIKE and len(rows) == len(sizes)
    if max(sizes) > min(sizes) * varying or len(sizes) < _BELONGING * among or _are_two(chain):
        return False
    most = _BY_CHANCE_AT_ONE_PRICE if _keeps_its_price(sizes) else _BY_CHANCE
    return _chance(chain, among) * len(rows) < most


def _are_two(chain: Chain) -> bool:
    """Whether two streams take turns in it: an advance and the rest, subscriptions half a month apart."""
    if not chain.cadence.is_of_half_a_month:
        return False
    turns = [sorted(one.row.size for one in chain.met if one.step % 2 == turn) for turn in (0, 1)]
    low, high = sorted(turns)
    return low[-1] * _ALIKE < high[0]


def _keeps_its_price(sizes: Sequence[Decimal]) -> bool:
    """Whether three in four rows cost what the one before them did: prices rise, but seldom."""
    kept = sum(max(pair) <= min(pair) * _ALIKE for pair in pairwise(sizes))
    return kept >= _KEPT * (len(sizes) - 1)


def _chance(chain: Chain, among: int) -> float:
    """How likely so many rows on random days meet so many dates in a row, from 0 to 1."""
    days = (chain.rows[-1].booked_on - chain.rows[0].booked_on).days + 1
    width = 2 * chain.cadence.either_side_days + 1
    met = 1 - exp(-width * among / days)
    ways = sum(comb(chain.steps, misses) for misses in range(chain.missed + 1))
    return float(ways * met ** (len(chain.rows) - chain.cadence.dates))  # the first ones were free to choose


def _stream(chain: Chain, today: date) -> Stream:
    recent = [row.size for row in chain.rows[-_RECENT:]]
    due = chain.next()
    grace = timedelta(days=chain.cadence.either_side_days)
    state, next_on = "active", due
    if today > due + grace:
        state, next_on = "late", chain.next(2)
    if next_on is not None and today > next_on + grace:
        state = "ended"
    return Stream(
        rows=chain.rows,
        cadence=chain.cadence.name,
        state=state,
        next_on=None if state == "ended" else next_on,
        usual=Decimal(median(recent)),
        low=min(recent),
        high=max(recent),
        missed=chain.missed,
        confidence=_confidence(chain, recent),
    )


def _confidence(chain: Chain, recent: Sequence[Decimal]) -> float:
    """Longer, more complete, more punctual and steadier is surer."""
    length = 1 - 0.5 ** (len(chain.rows) - chain.cadence.dates)
    complete = len(chain.rows) / (chain.steps + 1)
    steady = 1.0 if _keeps_its_price(recent) else 0.9
    return round(min(_SUREST, length * complete * steady * (1 - 0.3 * chain.off)), 4)
