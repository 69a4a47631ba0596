"""Telling a story from its seed to its verdict.

Belongs here: drawing the steps, playing them, judging. Does not belong here: many stories at once (`soak`).
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from bank_sync_tests.stateful.judge import Verdict, judge
from bank_sync_tests.stateful.money_steps import any_purchase, old_rows
from bank_sync_tests.stateful.steps import STEPS
from bank_sync_tests.stateful.stories import Story, begin, link_some_banks
from bank_sync_tests.stateful.world import World

_FEWEST_STEPS, _MOST_STEPS = 6, 15
_SYNCS_AFTER_A_STEP = 0.5
_LINKS_READ_EARLY = 0.3  # before the provider has the whole history
_ROWS_TO_BEGIN_WITH = (3, 8)


@dataclass(frozen=True, slots=True)
class Told:
    """A story that was told: what happened, what struck, and what was wrong in the end."""

    seed: int
    divergences: tuple[str, ...]
    log: tuple[str, ...] = field(repr=False, default=())
    steps: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    faults: Mapping[str, int] = field(default_factory=dict)
    relinks: int = 0
    verdict: Verdict | None = None


def tell(world: World, seed: int) -> Told:
    """Play the story of that seed. An error nobody made on purpose is a divergence, not the end of all."""
    story, dice = begin(world, seed)
    wrong: tuple[str, ...]
    verdict = None
    try:
        link_some_banks(story, dice)
        _prelude(story, dice)
        for _ in range(dice.randint(_FEWEST_STEPS, _MOST_STEPS)):
            _one_step(story, dice)
        verdict = conclude(story)
        wrong = verdict.divergences
    except Exception:  # noqa: BLE001 - whatever it is, it belongs to this story
        wrong = (traceback.format_exc(limit=-6),)
    return Told(
        seed,
        wrong,
        tuple(story.log),
        story.steps,
        story.outcomes,
        world.bank.faults(),
        story.relinks,
        verdict,
    )


def _prelude(story: Story, dice: Random) -> None:
    """A past to read at first: some rows, booked and pending, on each link."""
    for link in story.links:
        old_rows(story, link)
        for _ in range(dice.randint(*_ROWS_TO_BEGIN_WITH)):
            any_purchase(story, dice, link)
        if link.provider == "plaid" and dice.random() < _LINKS_READ_EARLY:
            for stage in ("not_ready", "initial"):
                story.command(link, "stage", stage=stage)
                story.sync(link)
                story.world.clock.advance(hours=1)
        story.sync(link)


def conclude(story: Story) -> Verdict:
    """Bring the story to rest and judge it.

    Raises:
        AssertionError: it never comes to rest.
    """
    assert story.come_to_rest(), "a week of good days does not bring the ledger to rest"
    return judge(story)


def _one_step(story: Story, dice: Random) -> None:
    names, weights = list(STEPS), [weight for weight, _ in STEPS.values()]
    name = dice.choices(names, weights)[0]
    take(story, name, dice)
    if dice.random() < _SYNCS_AFTER_A_STEP:
        story.sync(dice.choice(story.links))


def take(story: Story, name: str, dice: Random) -> None:
    """One step by its name, written down; those with nothing to do count for nothing."""
    said = STEPS[name][1](story, dice)
    if said:
        story.steps[name] += 1
        story.say(said)
