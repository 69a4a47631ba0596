"""How often pending rows find their posted ones: `python -m bank_sync_tests.proof.links [STORIES [SEED]]`.

Belongs here: seeded stories of purchases and the count of links right, wrong and left for review, against the
banks' own books. Does not belong here: the rules under test (`bank_sync.sync.matching`).

A story is a person at one bank: purchases are held, then post exactly, with a tip, under other words, in
parts, with a wrong or no link of the provider, or are cancelled; many are the same coffee for the same price,
and some are booked at once without ever having been held. Syncs come every day or two.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Self

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bank_sync.storage import connections
from bank_sync.sync.onboarding import finish_link
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.stateful.bank import INSTITUTIONS
from bank_sync_tests.stateful.world import World, new_database, open_world, running_server

PROVIDERS = ("plaid", "teller", "gocardless")
_DAYS = 12
_SHOPS = (
    "CAFE MILO",
    "GREEN GROCER",
    "BOOKSHOP AT THE BRIDGE",
    "CITY PARKING",
    "NOODLE HOUSE",
    "HARDWARE AND SONS",
)
_PRICES = ("-3.50", "-3.50", "-4.20", "-12.00", "-18.90", "-27.35", "-64.00")
_ENDS = {"exact": 40, "words": 15, "tip": 12, "split": 7, "silent": 10, "wrong": 6, "cancel": 10}


@dataclass(slots=True)
class Figures:
    """What became of the pairs of pending and posted rows that bank_sync saw both of."""

    stories: int = 0
    pairs: int = 0
    right: int = 0
    wrong: int = 0
    review: int = 0
    apart: int = 0
    rules: dict[str, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def __iadd__(self, other: Figures) -> Self:
        for name in ("stories", "pairs", "right", "wrong", "review", "apart"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for rule, count in other.rules.items():
            self.rules[rule] = self.rules.get(rule, 0) + count
        self.mistakes += other.mistakes
        return self


@dataclass(slots=True)
class _Held:
    movement: str
    account: str
    amount: Decimal
    shop: str
    age: int = 0


@dataclass(slots=True)
class _Story:
    """One person at one bank, and what bank_sync saw of each pending row."""

    world: World
    provider: str
    dice: Random
    connection_id: str
    token: str
    account: str
    held: list[_Held] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Movements by the ids under which the bank has shown them."""
    seen: dict[str, set[str]] = field(default_factory=dict)
    """Our pending rows without an id, each with the movements it may be: twins look the same."""

    def do(self, op: str, **values: object) -> dict[str, Any]:
        return self.world.bank.command(self.provider, self.token, op, **values)

    def truth(self) -> Iterator[dict[str, Any]]:
        for account in self.world.bank.truth(self.provider, self.token):
            for row in account["transactions"]:
                yield {**row, "account": account["provider_account_id"]}

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.world.services.engine.connect() as db:
            return [dict(row) for row in db.execute(text(query), {"id": self.connection_id}).mappings()]


def play(world: World, provider: str, seed: int) -> Figures:
    """One story from its seed; gives its figures."""
    world.begin(seed * len(PROVIDERS) + PROVIDERS.index(provider))  # a world tells no seed twice
    story = _begin(world, provider, Random(f"{provider}:{seed}"))  # noqa: S311 - a seed replays a story
    for _ in range(_DAYS):
        _one_day(story)
    return _judge(story, seed)


def _begin(world: World, provider: str, dice: Random) -> _Story:
    services, bank = world.services, world.bank
    institution, person = INSTITUTIONS[provider][0], f"script-{dice.randrange(10**9)}"
    if provider == "gocardless":
        start = services.provider(provider).start_link(
            user_reference=person, institution_id=institution, country="gb", redirect_url="http://127.0.0.1/"
        )
        assert start.url is not None
        bank.approve(start.url, person)
        proof = {"requisition_id": start.reference}
    else:
        proof = bank.consent(provider, institution, person)
    connection_id = finish_link(services, provider, user_reference=person, proof=proof)
    sync_connection(services, connection_id)
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    account = str(bank.truth(provider, token)[0]["provider_account_id"])
    return _Story(world, provider, dice, connection_id, token, account)


def _one_day(story: _Story) -> None:
    """A day at the bank; bank_sync looks on most of them."""
    story.world.clock.advance(hours=story.dice.uniform(20, 26))
    for held in list(story.held):
        held.age += 1
        if story.dice.random() < 0.2 + 0.15 * held.age:  # most holds last two to four days
            _end(story, held)
    for _ in range(story.dice.randrange(4)):
        _spend(story)
    for row in story.truth():
        story.names[row["provider_transaction_id"] or ""] = row["movement"]
    if story.dice.random() < 0.75:  # now and then a sync is missed
        sync_connection(story.world.services, story.connection_id)
        _look(story)


def _spend(story: _Story) -> None:
    shop, price = story.dice.choice(_SHOPS), story.dice.choice(_PRICES)
    is_held = story.dice.random() < 0.85  # some are booked at once
    made = story.do("spend", account=story.account, amount=price, description=shop, pending=is_held)
    if is_held:
        story.held.append(_Held(made["movement"], story.account, Decimal(price), shop))


def _end(story: _Story, held: _Held) -> None:
    [end] = story.dice.choices(list(_ENDS), weights=list(_ENDS.values()))
    _ENDINGS[end](story, held)
    story.held.remove(held)


def _settle(story: _Story, held: _Held, **values: object) -> None:
    story.do("settle", movement=held.movement, **values)


def _tip(story: _Story, held: _Held) -> None:
    share = Decimal(story.dice.randrange(5, 26)) / 100
    _settle(
        story, held, amount=str((held.amount * (1 + share)).quantize(Decimal("0.01"))), **_silent(story, 0.5)
    )


def _words(story: _Story, held: _Held) -> None:
    words = (
        f"CARD PAYMENT TO {held.shop} {story.dice.randrange(10**4):04}, ON {story.dice.randrange(1, 29)}-03"
    )
    _settle(story, held, description=words, **_silent(story, 0.5))


def _split(story: _Story, held: _Held) -> None:
    first = (held.amount * Decimal(story.dice.randrange(20, 80)) / 100).quantize(Decimal("0.01"))
    _settle(story, held, parts=[str(first), str(held.amount - first)])


def _wrong(story: _Story, held: _Held) -> None:
    others = [other for other in story.held if other is not held]
    if story.provider != "plaid" or not others:
        _settle(story, held)
    else:
        _settle(story, held, link="wrong", wrong_of=story.dice.choice(others).movement)


def _cancel(story: _Story, held: _Held) -> None:
    story.do("cancel", movement=held.movement)


def _silent(story: _Story, chance: float) -> dict[str, str]:
    return {"link": "none"} if story.provider == "plaid" and story.dice.random() < chance else {}


_ENDINGS: Mapping[str, Callable[[_Story, _Held], None]] = {
    "exact": _settle,
    "words": _words,
    "tip": _tip,
    "split": _split,
    "silent": lambda story, held: _settle(story, held, **_silent(story, 1)),
    "wrong": _wrong,
    "cancel": _cancel,
}

_ROWS = """
SELECT t.transaction_id, t.provider_transaction_id, t.amount, t.description, t.booked_on, t.posting,
    t.removed_at IS NULL AS is_listed, a.provider_account_id AS account
FROM bank.transactions AS t JOIN bank.accounts AS a USING (account_id)
WHERE t.connection_id = :id
"""


def _look(story: _Story) -> None:
    """Remember which movement a pending row without an id is, while the bank still shows it."""
    pending = [row for row in story.truth() if row["posting"] == "pending"]
    for ours in story.rows(_ROWS):
        if ours["posting"] == "pending" and ours["is_listed"]:
            story.seen.setdefault(ours["transaction_id"], _alike(ours, pending))


def _alike(ours: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> set[str]:
    """Movements that look like our row."""
    return {
        row["movement"]
        for row in rows
        if (ours["account"], ours["amount"]) == (row["account"], Decimal(row["amount"]))
        and str(ours["booked_on"]) == (row["booked_on"] or row["authorised_on"])
        and row["description"] in ours["description"]
    }


_LINKS = """
SELECT CASE l.kind WHEN 'split_part' THEN l.to_transaction_id ELSE l.from_transaction_id END AS pending_id,
    CASE l.kind WHEN 'split_part' THEN l.from_transaction_id ELSE l.to_transaction_id END AS posted_id,
    l.state, l.decided_by
FROM bank.transaction_links AS l
WHERE l.connection_id = :id AND l.kind IN ('pending_posted', 'split_part') AND l.undone_at IS NULL
    AND l.state IN ('accepted', 'proposed')
"""


def _judge(story: _Story, seed: int) -> Figures:
    """Compare each link with the book; a posted row counts when its pending row was seen."""
    sync_connection(story.world.services, story.connection_id)
    truth = [row for row in story.truth() if row["posting"] == "posted"]
    story.names.update({row["provider_transaction_id"] or "": row["movement"] for row in truth})
    movements = {ours["transaction_id"]: _movements(story, ours, truth) for ours in story.rows(_ROWS)}
    links = [
        {**link, "was": movements[link["pending_id"]], "is": movements[link["posted_id"]]}
        for link in story.rows(_LINKS)
    ]
    pendings = [ours["transaction_id"] for ours in story.rows(_ROWS) if ours["posting"] == "pending"]
    known = {movement for pending in pendings for movement in movements[pending]}
    figures = Figures(stories=1)
    for row in truth:
        before = row.get("parent") or row.get("pending_movement")
        mine = [link for link in links if row["movement"] in link["is"]]
        _count(figures, before if before in known else None, mine, f"{story.provider} seed {seed}")
    return figures


def _movements(story: _Story, ours: Mapping[str, Any], truth: list[dict[str, Any]]) -> set[str]:
    """What our row is: by the bank's id, else by how it looks."""
    name = story.names.get(ours["provider_transaction_id"] or "-")
    if name is not None:
        return {name}
    return (
        story.seen.get(ours["transaction_id"], set()) if ours["posting"] == "pending" else _alike(ours, truth)
    )


def _count(figures: Figures, before: str | None, links: list[dict[str, Any]], where: str) -> None:
    accepted = [link for link in links if link["state"] == "accepted"]
    is_right = any(before in link["was"] for link in accepted)
    is_asked = any(before in link["was"] for link in links)
    figures.pairs += before is not None
    for link in accepted:
        figures.rules[link["decided_by"]] = figures.rules.get(link["decided_by"], 0) + 1
    if accepted and not is_right:
        figures.wrong += 1
        figures.mistakes.append(f"{where}: {accepted[0]['decided_by']}, movement {before}")
    elif before is not None:
        figures.right += is_right
        figures.review += is_asked and not is_right
        figures.apart += not is_asked


@contextmanager
def one_world() -> Iterator[World]:
    """A server, a database and the pretend banks, gone at the end."""
    home = Path(tempfile.mkdtemp(prefix="proof-links-"))
    try:
        with running_server(home) as server, open_world(new_database(server, "links"), home) as world:
            yield world
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main(stories: int = 30, first_seed: int = 1) -> int:
    """Play stories at each provider and print the figures; 1 when a link was wrong."""
    console, total = Console(), {provider: Figures() for provider in PROVIDERS}
    with one_world() as world:
        for provider in PROVIDERS:
            for seed in range(first_seed, first_seed + stories):
                total[provider] += play(world, provider, seed)
    _print(console, total)
    return int(any(figures.wrong for figures in total.values()))


def _print(console: Console, total: Mapping[str, Figures]) -> None:
    table = Table(title="Pending rows and what they posted as", title_justify="left")
    for column in ("provider", "stories", "pairs", "right", "wrong", "for review", "left apart"):
        table.add_column(column, justify="left" if column == "provider" else "right")
    for provider, one in total.items():
        shares = (
            f"{part} ({part / max(one.pairs, 1):.1%})"
            for part in (one.right, one.wrong, one.review, one.apart)
        )
        table.add_row(provider, str(one.stories), str(one.pairs), *shares)
    console.print(table)
    for provider, one in total.items():
        console.print(provider, dict(sorted(one.rules.items())))
        for mistake in one.mistakes:
            console.print(f"[red]wrong[/red] {mistake}")


if __name__ == "__main__":
    sys.exit(main(*(int(argument) for argument in sys.argv[1:])))
