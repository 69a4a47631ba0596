"""Steps about trouble on our side of the wire: faults, dying and doubled workers, an impatient person.

Belongs here: what strikes a sync. Does not belong here: what a bank does of itself (`money_steps`,
`link_steps`).
"""

from __future__ import annotations

from random import Random

from sqlalchemy import text

from bank_sync.domain.models import AskedBy
from bank_sync.storage import overlays
from bank_sync_tests.stateful.mortality import Died
from bank_sync_tests.stateful.stories import Edit, Story

_KINDS = (
    "http_429", "http_500", "http_502", "http_503", "http_504", "refuse", "reset", "truncated_json",
    "html_200", "wrong_charset", "duplicate_keys", "endless_pages", "repeated_cursor", "empty_pages", "huge",
    "drift_extra", "drift_enum", "drift_optional_gone", "drift_required_gone", "drift_type", "mutation",
)  # fmt: skip
_MOST_STEPS_OF_A_SYNC = 120


def faults(story: Story, dice: Random) -> str:
    """Calls begin to go wrong, before or after they took effect."""
    kinds = dice.sample(_KINDS, dice.randint(2, 6))
    plan = {
        "seed": dice.randrange(1_000_000),
        "rate": dice.choice((0.05, 0.15, 0.4)),
        "kinds": kinds,
        "when": dice.choice(("before", "after")),
        "retry_after": dice.choice((None, "2", "90", "-3", "1000000000")),
        "size_bytes": 1_500_000,
    }
    story.world.bank.plan_faults(plan)
    for link in story.links:
        story.sync(link)
    if dice.random() < 0.6:
        story.world.bank.clear_faults()
    return f"faults at {plan['rate']}: {', '.join(kinds)}"


def worker_dies(story: Story, dice: Random) -> str:
    """A worker dies at some step of a sync; its lease runs out, or the next worker comes at once."""
    link, steps = dice.choice(story.links), dice.randint(1, _MOST_STEPS_OF_A_SYNC)
    died = "lived"
    try:
        with story.world.mortality.dying_after(steps):
            story.sync(link)
    except Died:
        died = "died"
    if dice.random() < 0.5:
        story.world.clock.advance(hours=1)
    return f"{link}: a worker {died} ({steps} steps)"


def two_workers(story: Story, dice: Random) -> str:
    """A second worker takes its turn in the middle of the first one's, which may have slept for hours."""
    link, steps = dice.choice(story.links), dice.randint(1, _MOST_STEPS_OF_A_SYNC)
    slept, other = dice.choice((0, 0, 3)), story.world.another_worker()

    def second() -> None:
        story.world.clock.advance(hours=slept)
        story.sync(link, worker=other)

    with story.world.mortality.interrupted_after(steps, second):
        story.sync(link)
    return f"{link}: two workers, the first slept {slept} hours at step {steps}"


def asked_by_hand(story: Story, dice: Random) -> str:
    """The person asks for a sync, impatiently."""
    link = dice.choice(story.links)
    for _ in range(dice.randint(1, 3)):
        story.sync(link, AskedBy.PERSON)
    return f"{link}: asked by hand"


def edit(story: Story, dice: Random) -> str:
    """The person writes a note on a row, files it, or hides it."""
    query = text(
        "SELECT t.transaction_id, t.connection_id, t.provider_transaction_id "
        "FROM bank.transactions AS t WHERE t.connection_id = ANY(:ids) "
        "AND t.removed_at IS NULL AND t.superseded_by IS NULL AND NOT EXISTS "
        "(SELECT FROM bank.transaction_overlays AS o WHERE o.transaction_id = t.transaction_id) "
        "ORDER BY t.booked_on, t.amount, t.description, t.transaction_id"
    )
    services, now = story.world.services, story.world.clock.now
    for link in story.links:
        story.truth(link)
    with services.engine.begin() as db:
        free = db.execute(query, {"ids": [one.connection_id for one in story.links]}).all()
        if not free:
            return ""
        row = dice.choice(free)
        movement, _ = story.shown.get((row.connection_id, row.provider_transaction_id), (None, None))
        made = Edit(row.transaction_id, f"note {len(story.edits)}", dice.random() < 0.3, movement)
        who = story.user_reference
        overlays.set_note(db, made.transaction_id, made.note, user_reference=who, now=now)
        if made.is_hidden:
            overlays.hide(db, made.transaction_id, user_reference=who, now=now)
    story.edits.append(made)
    return f"{made.note} on a row, hidden: {made.is_hidden}"
