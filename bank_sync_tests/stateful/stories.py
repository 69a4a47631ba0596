"""A story: one person, one to three links over the three providers, and what happens to them by a seed.

Belongs here: the state of a story, its syncs, and playing one from its first step to quiet. Does not belong
here: the single steps (`steps`) and what must hold in the end (`judge`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import text

from bank_sync.domain.errors import BankSyncError
from bank_sync.domain.models import AskedBy, ConnectionState
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.storage.database import DatabaseError
from bank_sync.sync import whole
from bank_sync.sync.onboarding import LinkUnclear, finish_link, settle_link
from bank_sync_tests.stateful.bank import INSTITUTIONS
from bank_sync_tests.stateful.world import World

_MOST_PASSES = 8  # a pass is a day: trouble that outlasts a week of good days would not pass by itself
_HOURS_A_PASS = 26


@dataclass(slots=True)
class Link:
    """One bank linked at one provider; `token` and `enrolled_as` change when it is linked anew."""

    provider: str
    institution_id: str
    user: str
    connection_id: str = ""
    token: str = field(default="", repr=False)
    enrolled_as: str = ""
    is_login_broken: bool = False

    def __str__(self) -> str:
        return f"{self.provider}/{self.institution_id}"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person wrote on a row of theirs, and the movement it was, where an id tells."""

    transaction_id: str
    note: str
    is_hidden: bool
    movement: str | None


@dataclass(slots=True)
class Story:
    """One story while it is told."""

    world: World
    seed: int
    links: list[Link] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    removed: list[tuple[Link, str]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    described: dict[str, set[tuple[Any, ...]]] = field(default_factory=dict)
    shown: dict[tuple[str, str], tuple[str, str | None]] = field(default_factory=dict)
    relinks: int = 0

    @property
    def user_reference(self) -> str:
        """The person, as the embedding application names them."""
        return f"story-{self.seed}-{len(self.world.told)}"

    def say(self, what: str) -> None:
        """Write down what happened."""
        self.log.append(f"{self.world.clock.now:%d %b %H:%M} {what}")

    def open_link(self, provider: str, institution_id: str) -> Link:
        """The person links a bank they had not linked."""
        link = Link(provider, institution_id, user=f"script-{self.seed}")
        self.links.append(link)
        self.link_anew(link)
        return link

    def link_anew(self, link: Link) -> None:
        """Go through the whole consent again: the provider gives everything a new id."""
        services = self.world.services
        self.world.bank.clear_faults()  # a person at a page that fails tries again until it works
        before = link.connection_id
        if link.provider == "gocardless":
            proof = self._approve(link)
        else:
            proof = self.world.bank.consent(link.provider, link.institution_id, link.user)
        link.connection_id = self._finish(link, proof)
        link.is_login_broken = False
        with services.engine.connect() as db:
            connection = connections.get_connection(db, link.connection_id)
            link.token = connections.open_credential(db, services.cipher, connection).secret
            link.enrolled_as = connection.provider_connection_id
        if before:
            self.relinks += 1
            assert link.connection_id == before, "a re-link made a new connection"

    def _finish(self, link: Link, proof: dict[str, str]) -> str:
        """Store the link; a person asked which connection it renews says so."""
        services, who = self.world.services, self.user_reference
        try:
            return finish_link(services, link.provider, user_reference=who, proof=proof)
        except LinkUnclear as unclear:
            self.outcomes["a person was asked what a link renews"] += 1
            return settle_link(services, unclear.connection_id, renews=link.connection_id, by=who)

    def _approve(self, link: Link) -> dict[str, str]:
        start = self.world.services.provider("gocardless").start_link(
            user_reference=self.user_reference,
            institution_id=link.institution_id,
            country="GB",
            redirect_url="http://127.0.0.1/back",
        )
        assert start.url is not None
        self.world.bank.approve(start.url, link.user)
        return {"requisition_id": start.reference}

    def log_in_again(self, link: Link) -> None:
        """The person mends the login: in place where the provider can, else by a new link."""
        if link.provider == "gocardless":
            self.link_anew(link)
            return
        self.world.bank.log_in_again(link.token, link.provider, link.enrolled_as)
        link.is_login_broken = False

    def command(self, link: Link, op: str, /, **values: object) -> dict[str, Any]:
        """One entry into the book behind a link."""
        return self.world.bank.command(link.provider, link.token, op, **values)

    def truth(self, link: Link) -> list[dict[str, Any]]:
        """What is true behind a link, in an order that no id decides; remembers whose ids were shown."""
        accounts = self.world.bank.truth(link.provider, link.token)
        for account in accounts:
            self.described.setdefault(link.connection_id, set()).add(
                (account["name"], account["mask"], account["currency"])
            )
            for row in account["transactions"]:
                name = (link.connection_id, row["provider_transaction_id"])
                self.shown[name] = (row["movement"], row["pending_movement"])
        return sorted(accounts, key=lambda account: (account["name"], account["currency"]))

    def open_accounts(self, link: Link) -> list[dict[str, Any]]:
        """Those a bank would show."""
        return [account for account in self.truth(link) if not account["is_closed"]]

    def sync(
        self, link: Link, asked_by: AskedBy = AskedBy.SCHEDULE, *, worker: Services | None = None
    ) -> str:
        """One whole sync; gives how it ended. Only errors made for callers may come out of it."""
        try:
            whole.sync_connection(worker or self.world.services, link.connection_id, asked_by=asked_by)
            outcome = "ok"
        except DatabaseError as error:
            if "55P03" not in str(error):  # a worker that waits for another's lock gives up after a while
                raise
            outcome = "lock_timeout"
        except BankSyncError as error:
            outcome = str(getattr(error, "code", type(error).__name__))
        self.outcomes[outcome] += 1
        self.say(f"    sync of {link}: {outcome}")
        return outcome

    def beliefs(self) -> tuple[Any, ...]:
        """A figure that changes whenever a row, a version or an account of the person does."""
        query = text(
            "SELECT count(*), coalesce(sum(t.version), 0), count(t.removed_at), count(t.superseded_by) "
            "FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids)"
        )
        with self.world.services.engine.connect() as db:
            return tuple(db.execute(query, {"ids": [link.connection_id for link in self.links]}).one())

    def come_to_rest(self) -> bool:
        """Good days without trouble until a whole day changes nothing; False if that day never comes."""
        self.say("good days")
        self.world.bank.clear_faults()
        for link in self.links:
            self.command(link, "outage", on=False)
            if link.provider == "plaid":
                self.command(link, "stage", stage="historical")
            if self._needs_the_person(link):
                self.log_in_again(link)
        for _ in range(_MOST_PASSES):
            before = self.beliefs()
            self.world.clock.advance(hours=_HOURS_A_PASS)
            outcomes = [self.sync(link) for link in self.links]
            if set(outcomes) == {"ok"} and self.beliefs() == before:
                return True
        return False

    def _needs_the_person(self, link: Link) -> bool:
        with self.world.services.engine.connect() as db:
            state = connections.get_connection(db, link.connection_id).state
        return link.is_login_broken or state is ConnectionState.DISCONNECTED


def begin(world: World, seed: int) -> tuple[Story, Random]:
    """A person who has linked nothing yet, and the dice that decide what comes."""
    world.begin(seed)
    return Story(world, seed), Random(seed)  # noqa: S311 - a story has to be told again


def link_some_banks(story: Story, dice: Random) -> None:
    """One to three providers, a bank at each."""
    providers: Sequence[str] = dice.sample(sorted(INSTITUTIONS), dice.choice((1, 1, 1, 2, 2, 3)))
    for provider in providers:
        link = story.open_link(provider, dice.choice(INSTITUTIONS[provider]))
        story.say(f"linked {link}")
