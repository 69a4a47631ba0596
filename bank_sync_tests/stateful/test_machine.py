"""The same steps as the stories', drawn by Hypothesis, so that a failing order of them shrinks."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bank_sync_tests.stateful.bank import INSTITUTIONS
from bank_sync_tests.stateful.steps import STEPS
from bank_sync_tests.stateful.stories import Story
from bank_sync_tests.stateful.telling import conclude, take
from bank_sync_tests.stateful.world import World


def test_any_order_of_steps_ends_in_the_world_as_it_is(world: World) -> None:
    """Whatever happens to a connection in whatever order, good days bring ledger and world together."""

    class OneConnection(RuleBasedStateMachine):
        """A person with one link."""

        @initialize(provider=st.sampled_from(sorted(INSTITUTIONS)), bank=st.integers(0, 2))
        def link(self, provider: str, bank: int) -> None:
            """The link they begin with."""
            world.begin(1)
            self.story = Story(world, 1)
            self.story.sync(self.story.open_link(provider, INSTITUTIONS[provider][bank]))

        @rule(name=st.sampled_from(sorted(STEPS)), throw=st.integers(0, 9_999))
        def step(self, name: str, throw: int) -> None:
            """Anything that can happen in a story."""
            take(self.story, name, Random(throw))  # noqa: S311 - Hypothesis throws the dice

        @rule()
        def sync(self) -> None:
            """The schedule's turn."""
            self.story.sync(self.story.links[0])

        @rule()
        def rest(self) -> None:
            """Good days, and a look at the books."""
            verdict = conclude(self.story)
            assert verdict.divergences == (), "\n".join(self.story.log)

    run_state_machine_as_test(
        OneConnection,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            derandomize=True,  # the stories draw new seeds; this one shrinks
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
