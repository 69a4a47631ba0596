"""The training rows: every list that is shipped, told as transactions.

Belongs here: which rows there are, how often, and what of the lists' help they are denied. Does not belong
here: how a descriptor looks (`generator`), or fitting.

A row that may use every list teaches that a listed name is to be trusted; one that may not (its `hidden`
lists) teaches the spelling, as if nobody had listed that merchant. Both kinds are needed.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bank_sync.categorization.datafiles import csv_rows, toml_table
from bank_sync.categorization.names import names_of
from bank_sync.categorization.taxonomy import primary_of, with_direction
from bank_sync.categorization.training.generator import (
    CITIES,
    FIRST_NAMES,
    FIRST_WORDS,
    SURNAMES,
    TRANSFERS,
    descriptor,
)
from bank_sync.categorization.training.lessons import Lesson

NAMES, BRANDS, KEYWORDS = "names", "brands", "keywords"
_NOTHING: frozenset[str] = frozenset()
_UNLISTED = frozenset((NAMES, BRANDS))
_BARE = frozenset((NAMES, BRANDS, KEYWORDS))
_HIDING = (_NOTHING, _UNLISTED, _BARE, frozenset((KEYWORDS,)))
_REFUNDED = 0.05
_TELLINGS = 2  # of every list, each with other places, rails and help: fewer unknown names are left to chance
_TAUGHT = 1.0 * _TELLINGS  # what people agree on counts as a brand on the list does
_COMES_BACK = 0.25  # of transfers: the same words, the other way
_FORM_ROWS = 12  # told of each form, each time with another place
_FLOWS_IN = frozenset(("INCOME", "TRANSFER_IN", "LOAN_DISBURSEMENTS"))
_NEVER_REFUNDED = frozenset(("BANK_FEES", "LOAN_PAYMENTS", "TRANSFER_OUT"))
_OF_ACCOUNTS = _FLOWS_IN | {"TRANSFER_OUT", "LOAN_PAYMENTS"}

# How often people's transactions are of each kind, and the natural logarithm of a usual amount.
_USUAL = {
    "FOOD_AND_DRINK": (0.27, 2.9),
    "GENERAL_MERCHANDISE": (0.17, 3.6),
    "TRANSPORTATION": (0.10, 2.9),
    "GENERAL_SERVICES": (0.075, 4.2),
    "ENTERTAINMENT": (0.06, 3.2),
    "TRANSFER_OUT": (0.05, 5.0),
    "RENT_AND_UTILITIES": (0.05, 4.6),
    "INCOME": (0.04, 6.5),
    "GOVERNMENT_AND_NON_PROFIT": (0.04, 4.2),
    "BANK_FEES": (0.035, 1.8),
    "HOME_IMPROVEMENT": (0.035, 4.3),
    "MEDICAL": (0.035, 3.9),
    "TRAVEL": (0.035, 5.0),
    "PERSONAL_CARE": (0.03, 3.5),
    "TRANSFER_IN": (0.03, 5.5),
    "LOAN_PAYMENTS": (0.025, 5.8),
    "LOAN_DISBURSEMENTS": (0.005, 7.5),
}
_TOWARDS_USUAL = 0.7  # 1 would weigh classes just as people's transactions do, and lose the rare ones
_SPREAD = 1.3

_SHAPES = (
    *("{w}", "{w} {v}", "{s} {w}", "{s}s {w}", "{w} {s}", "the {w}", "the {w} {v}", "{f} {w}", "{f} {w} {v}"),
    *("{c} {w}", "{w} {c}", "{s} & {t} {w}", "{w} & {v}", "la {w}", "el {w}", "le {w}", "{w} {v} {c}"),
    *("{w} by {s}", "{w} of {c}", "{w} on {s}", "{s} {w} {v}", "{f} {s} {w}"),
)
# Money goes to and comes from people by the thousands: a bare name behind a transfer is one.
_PEOPLE_ROWS = 700
_MONEY_SHAPES = ("{w}", "{w} {v}", "{w} {v} {u}", "{w} {s}")


@dataclass(frozen=True, slots=True)
class Example:
    """One training row; `amount` is positive for money out, `hidden` names the lists it may not use."""

    text: str
    amount: float
    account: str
    primary: str
    weight: float
    hidden: frozenset[str]


@dataclass
class _Writer:
    rng: Random
    rows: list[Example] = field(default_factory=list)

    def add(
        self,
        name: str,
        detailed: str,
        hidden: frozenset[str],
        weight: float,
        *,
        money_in: bool = False,
        account: str = "",
    ) -> None:
        primary = primary_of(detailed) or ""
        if primary not in _USUAL:
            return
        if primary == "TRANSFER_OUT" and self.rng.random() < _COMES_BACK:
            money_in, primary = True, primary_of(with_direction(detailed, money_in=True) or "") or ""
        if not money_in and primary not in _NEVER_REFUNDED and self.rng.random() < _REFUNDED:
            money_in = True
        self.tell(name, primary, hidden, weight, money_in=money_in, account=account)

    def tell(
        self,
        name: str,
        primary: str,
        hidden: frozenset[str],
        weight: float,
        *,
        money_in: bool,
        account: str = "",
    ) -> None:
        kind = account or self.rng.choice(("depository", "depository", "credit"))
        amount = self._amount(primary) * (-1 if money_in else 1)
        self.rows.append(Example(descriptor(self.rng, name, primary), amount, kind, primary, weight, hidden))

    def _amount(self, primary: str) -> float:
        amount = math.exp(self.rng.gauss(_USUAL[primary][1], _SPREAD))
        if self.rng.random() < (0.6 if primary in _OF_ACCOUNTS else 0.15):
            return max(5.0, round(amount / 10) * 10.0)
        return max(0.5, round(amount, 2))


def examples(seed: int, share: float = 1.0, lessons: Sequence[Lesson] = ()) -> list[Example]:
    """Return the training rows for a seed and what people taught; with `share` below 1, part of the lists'.

    Weights say how much each row counts; their sums by primary follow how often people have such
    transactions.
    """
    writer = _Writer(Random(seed))  # noqa: S311 - imitation, not secrecy
    for _ in range(_TELLINGS):
        _from_brands(writer)
        _from_names(writer)
        _from_rules(writer)
        _from_codes(writer)
        _from_vocabulary(writer)
        _from_people(writer)
    if share < 1:
        writer.rows = writer.rows[:: round(1 / share)]
    _from_lessons(writer, lessons)
    return list(_balanced(writer.rows))


def _from_brands(writer: _Writer) -> None:
    hiding = (_NOTHING, frozenset((NAMES,)), _UNLISTED, _UNLISTED)
    for row in csv_rows("brands.csv"):
        money_in = (primary_of(row["detailed"]) or "") in _FLOWS_IN
        for alias in (row["name"], *filter(None, row["aliases"].split("|"))):
            for weight in (1.0, 0.7):
                hidden = writer.rng.choice(hiding)
                writer.add(alias, row["detailed"], hidden, weight, money_in=money_in)


def _from_names(writer: _Writer) -> None:
    hiding = (*_HIDING, _UNLISTED, _UNLISTED)
    for row in csv_rows("names.csv"):
        primary = primary_of(row["detailed"]) or ""
        account = "depository" if primary in _OF_ACCOUNTS else ""
        hidden = writer.rng.choice(hiding)
        writer.add(row["name"], row["detailed"], hidden, 1.0, money_in=primary in _FLOWS_IN, account=account)


def _from_rules(writer: _Writer) -> None:
    rules = toml_table("rules.toml")
    for row in rules["movement"]:
        for phrase in row["phrases"] * 3:
            _tell(writer, row, phrase.strip("~"), _about(writer.rng, phrase.strip("~")), account="depository")
    for row in rules["keyword"]:
        for phrase in row["phrases"] * 4:
            directed = row.get("direction", "any") != "any"
            word = phrase.strip("~")
            told = _about(writer.rng, word) if directed else _shaped(writer.rng, _SHAPES, [word])
            _tell(writer, row, word, told, account="")


def _from_lessons(writer: _Writer, lessons: Sequence[Lesson]) -> None:
    for lesson in sorted(lessons):
        if lesson.primary in _USUAL:
            for hidden in _HIDING * 2:
                writer.tell(lesson.words, lesson.primary, hidden, _TAUGHT, money_in=lesson.money_in)


def _tell(writer: _Writer, row: dict[str, Any], word: str, told: str, *, account: str) -> None:
    own = row.get("account", "any")
    writer.add(
        told or word,
        row["detailed"],
        writer.rng.choice(_HIDING),
        0.5 * row["confidence"],
        money_in=row.get("direction", "any") == "in",
        account=own if own != "any" else account,
    )


def _about(rng: Random, phrase: str) -> str:
    """Return a phrase of money movement with the names of people beside it, or without."""
    return " ".join([phrase, *(rng.choice(SURNAMES) for chance in (0.3, 0.2) if rng.random() < chance)])


def _from_codes(writer: _Writer) -> None:
    for row in csv_rows("mcc.csv"):
        money_in = (primary_of(row["detailed"]) or "") in _FLOWS_IN
        writer.add(row["title"], row["detailed"], _BARE, 0.5, money_in=money_in)


def _from_vocabulary(writer: _Writer) -> None:
    for detailed, table in toml_table("vocabulary.toml").items():
        primary = primary_of(detailed) or ""
        money_in = primary in _FLOWS_IN
        account = "depository" if primary in _OF_ACCOUNTS else ""
        for name in names_of(table) * 2:
            hidden = writer.rng.choice(_HIDING)
            writer.add(name, detailed, hidden, 1.0, money_in=money_in, account=account)
        for form in _forms(table) * _FORM_ROWS:
            told = form.format(c=writer.rng.choice(CITIES))
            writer.add(told, detailed, _BARE, 0.5, money_in=money_in, account=account)
        words = table.get("words", "").split()
        shapes = _MONEY_SHAPES if primary in _FLOWS_IN | {"TRANSFER_OUT", "BANK_FEES"} else _SHAPES
        for word in words * 4:
            told = _shaped(writer.rng, shapes, [word, writer.rng.choice(words), writer.rng.choice(words)])
            hidden = writer.rng.choice(_HIDING)
            writer.add(told, detailed, hidden, 0.5, money_in=money_in, account=account)


def _from_people(writer: _Writer) -> None:
    for _ in range(_PEOPLE_ROWS):
        rng = writer.rng
        name = rng.choice(("{f} {s}", "{f} {s}", "{s} {f}", "mr {s}", "mrs {s}", "{f} & {g} {s}")).format(
            f=rng.choice(FIRST_NAMES), g=rng.choice(FIRST_NAMES), s=rng.choice(SURNAMES)
        )
        text = f"{rng.choice(TRANSFERS)} {name}"
        for detailed, money_in in (
            ("TRANSFER_OUT_ACCOUNT_TRANSFER", False),
            ("TRANSFER_IN_ACCOUNT_TRANSFER", True),
        ):
            writer.add(text, detailed, _BARE, 0.5, money_in=money_in, account="depository")


def _forms(table: dict[str, str]) -> list[str]:
    return [form for part in table.get("forms", "").split("|") if (form := part.strip())]


def _shaped(rng: Random, shapes: Sequence[str], words: Sequence[str]) -> str:
    """Return a merchant's name made of words of its trade, people's names and places."""
    return rng.choice(shapes).format(
        w=words[0],
        v=words[-1],
        u=words[len(words) // 2],
        s=rng.choice(SURNAMES),
        t=rng.choice(SURNAMES),
        f=rng.choice(FIRST_WORDS),
        c=rng.choice(CITIES),
    )


def _balanced(rows: Sequence[Example]) -> Iterator[Example]:
    """Weigh rows so that the classes' sums lean towards what is usual."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row.primary] += row.weight  # type: ignore[assignment] # sums of shares, not of counts
    total = sum(sums.values())
    factors = {name: (_USUAL[name][0] * total / sums[name]) ** _TOWARDS_USUAL for name in sums}
    for row in rows:
        weight = row.weight * factors[row.primary]
        yield Example(row.text, row.amount, row.account, row.primary, weight, row.hidden)
