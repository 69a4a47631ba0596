"""A month at GoCardless whose limits bind: the schedule, an impatient person, and workers that die.

Belongs here: living the month and counting. Does not belong here: what the counts must be (`test_month`).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy import text

from bank_sync.domain.models import AskedBy
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.storage import connections
from bank_sync_tests.stateful.mortality import Died
from bank_sync_tests.stateful.stories import Story
from bank_sync_tests.stateful.world import World, new_database, open_world, running_server

_STEPS_OF_A_SYNC = 60
# an answer that is lost may have been counted; a refusal in GoCardless's own words was not
_FAULTS = {
    "before": ("http_500", "http_503", "reset", "refuse", "truncated_json", "html_200"),
    "after": ("reset", "refuse", "truncated_json", "html_200"),
}


@dataclass(slots=True)
class Month:
    """What was asked, and what the bank counted."""

    days: int
    syncs: Counter[str] = field(default_factory=Counter)
    refused_here: int = 0
    refused_by_bank: int = 0
    most_a_day: int = 0
    calls: int = 0
    deaths: int = 0

    def __str__(self) -> str:
        return (
            f"{self.days} days, {self.syncs.total()} syncs, {self.deaths} workers killed: {self.calls} good "
            f"answers counted by the bank, at most {self.most_a_day} per account, scope and day; "
            f"{self.refused_here} reads refused here, {self.refused_by_bank} calls refused by the bank"
        )


def live_a_month(world: World, seed: int, days: int = 32) -> Month:
    """Hour by hour: due syncs, syncs by hand, faults whose answer is lost, workers killed at any step."""
    world.begin(seed, SandboxConfig(enforce_limits=True))
    dice = Random(seed)  # noqa: S311 - a month has to be lived again
    story, month = Story(world, seed), Month(days)
    story.open_link("gocardless", "REVOLUT_REVOGB21")
    for hour in range(days * 24):
        world.clock.advance(minutes=dice.randint(50, 70))
        if hour % 24 == 0:
            _weather(story, dice)
        if dice.random() < 0.3:
            _spend(story, dice)
        if _is_due(story):
            _sync(story, dice, month, AskedBy.SCHEDULE)
        if dice.random() < 0.12:
            _sync(story, dice, month, AskedBy.PERSON)
    return _counted(story, month)


def _weather(story: Story, dice: Random) -> None:
    """Every third day is a bad one: some answers are lost after the bank has counted them."""
    story.world.bank.clear_faults()
    if dice.random() < 0.33:
        when = dice.choice(sorted(_FAULTS))
        plan = {"seed": dice.randrange(10_000), "rate": 0.3, "kinds": _FAULTS[when], "when": when}
        story.world.bank.plan_faults(plan)


def _spend(story: Story, dice: Random) -> None:
    link = story.links[0]
    account = dice.choice(story.truth(link))["provider_account_id"]
    story.command(link, "spend", account=account, amount=f"-{dice.randint(1, 90)}", description="CORNER CAFE")


def _is_due(story: Story) -> bool:
    services = story.world.services
    with services.engine.connect() as db:
        connection = connections.get_connection(db, story.links[0].connection_id)
    return connection.next_sync_at <= services.clock()


def _sync(story: Story, dice: Random, month: Month, asked_by: AskedBy) -> None:
    """One sync, or what a worker does of it before it dies."""
    if dice.random() < 0.15:
        try:
            with story.world.mortality.dying_after(dice.randint(1, _STEPS_OF_A_SYNC)):
                month.syncs[story.sync(story.links[0], asked_by)] += 1
        except Died:
            month.deaths += 1
        return
    month.syncs[story.sync(story.links[0], asked_by)] += 1


def _counted(story: Story, month: Month) -> Month:
    """The bank's own count of good answers, and who refused how many calls, from our ledger."""
    told = story.world.bank.requests()
    refused_here = text(
        "SELECT count(*) FROM bank.sync_attempts WHERE connection_id = :id AND error_code = 'daily_quota'"
    )
    refused_there = text("SELECT count(*) FROM bank.quota_calls WHERE outcome = 'refused'")
    with story.world.services.engine.connect() as db:
        month.refused_here = db.execute(refused_here, {"id": story.links[0].connection_id}).scalar_one()
        month.refused_by_bank = db.execute(refused_there).scalar_one()
    by_day = Counter[tuple[str, str, str]]()
    for each in told["successful_account_calls"]:
        by_day[each["account"], each["scope"], each["day"]] += each["count"]
    month.calls, month.most_a_day = by_day.total(), max(by_day.values())
    return month


def main() -> None:
    """Live one month and print what was asked."""
    with tempfile.TemporaryDirectory(prefix="bank_sync_month_") as folder:
        home = Path(folder)
        with (
            running_server(home) as server,
            open_world(new_database(server, "month"), home / "world") as world,
        ):
            print(live_a_month(world, seed=11))


if __name__ == "__main__":
    main()
