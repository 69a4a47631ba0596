"""Reading on: twice in a row, after a death at any page, from a cursor that is nobody's, from a moving log.

Belongs here: what every provider promises about where a read begins and ends, through engine and ledger. Does
not belong here: one adapter alone (`bank_sync_tests/providers/test_contract.py`).
"""

from __future__ import annotations

from unittest.mock import patch

import pytest
from sqlalchemy import text

from bank_sync.providers.plaid import client as plaid
from bank_sync.providers.teller import client as teller
from bank_sync_tests.contract.reading import assert_as_the_bank_says, live, read_again, rows, spend
from bank_sync_tests.stateful.judge import judge
from bank_sync_tests.stateful.mortality import Died
from bank_sync_tests.stateful.stories import Link, Story

_ROWS_A_PAGE = 5
_ROWS = 23
_MOST_ROUNDS = 4  # the first one and three restarts


def test_two_reads(story: Story, link: Link) -> None:
    """The second of two reads finds nothing new and changes nothing, also on the next day."""
    spend(story, link, "-12.00")
    spend(story, link, "-3.50", pending=True)
    read_again(story, link)
    before = rows(story, link)
    assert len(live(story, link)) == 2
    assert story.sync(link) == "ok"
    read_again(story, link)
    assert rows(story, link) == before


def test_resume_from_every_page(story: Story, link: Link) -> None:
    """Killed after each answer in turn, a sync leaves the ledger whole, and the next one completes it."""
    with (
        patch.object(plaid, "_ROWS_PER_PAGE", _ROWS_A_PAGE),
        patch.object(teller, "_ROWS_PER_PAGE", _ROWS_A_PAGE),
    ):
        for number in range(_ROWS):
            spend(story, link, f"-{number + 1}.25")
        answers = 0
        for answers in range(1, 100):
            if not _killed_after(story, link, answers):
                break
            spend(story, link, f"-{answers}.75")
            read_again(story, link)
            assert_as_the_bank_says(story, link)
    pages = 1 if link.provider == "gocardless" else _ROWS // _ROWS_A_PAGE
    assert answers > pages


def _killed_after(story: Story, link: Link, answers: int) -> bool:
    """A sync that reads everything from the start dies after so many answers; False if it outlived them."""
    with story.world.services.engine.begin() as db:
        db.execute(text("DELETE FROM raw.cursors WHERE connection_id = :id"), {"id": link.connection_id})
    try:
        with story.world.mortality.dying_after_answer(answers):
            assert story.sync(link) == "ok"
    except Died:
        return True
    return False


def test_cursor_of_somebody_else(story: Story, link: Link) -> None:
    """A cursor the provider does not know leads to a full read that finds every row known already."""
    if link.provider != "plaid":
        pytest.skip("Teller and GoCardless have no cursors; test_coverage_in_the_future is their case")
    spend(story, link, "-12.00")
    spend(story, link, "-12.00")
    read_again(story, link)
    before = {row["transaction_id"] for row in live(story, link)}
    with story.world.services.engine.begin() as db:
        foreign = text("UPDATE raw.cursors SET cursor = 'bm90IHlvdXJz' WHERE connection_id = :id")
        db.execute(foreign, {"id": link.connection_id})
    read_again(story, link)
    read_again(story, link)
    assert {row["transaction_id"] for row in live(story, link)} == before


def test_coverage_in_the_future(story: Story, link: Link) -> None:
    """What was covered reaches beyond today (a clock was wrong): the next read finds today's rows."""
    if link.provider == "plaid":
        pytest.skip("Plaid is read by cursor, not by date; test_cursor_of_somebody_else is its case")
    story.world.clock.advance(days=3)
    read_again(story, link)
    story.world.clock.advance(days=-2)
    spend(story, link, "-12.00")
    read_again(story, link)
    assert assert_as_the_bank_says(story, link) == 1


def test_log_that_changes_under_the_reader(story: Story, link: Link) -> None:
    """A round begins again from its first cursor, and gives up without advancing when that never ends."""
    if link.provider != "plaid":
        pytest.skip("Teller and GoCardless answer a window of dates, not a log that could move between pages")
    with patch.object(plaid, "_ROWS_PER_PAGE", _ROWS_A_PAGE):
        for number in range(_ROWS):
            spend(story, link, f"-{number + 1}.25")
        story.command(link, "mutate_during_paging", times=2)
        read_again(story, link)
        assert assert_as_the_bank_says(story, link) == _ROWS
        for number in range(_ROWS):
            spend(story, link, f"-{number + 1}.75")
        story.command(link, "mutate_during_paging", times=_MOST_ROUNDS)
        assert story.sync(link) == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
        assert len(live(story, link)) == _ROWS
        read_again(story, link)
        assert assert_as_the_bank_says(story, link) == 2 * _ROWS


def test_answer_that_was_unreadable_once(story: Story, link: Link) -> None:
    """An answer without what it promises is put aside or refused; once it is whole again, nothing waits."""
    spend(story, link, "-12.00")
    story.world.bank.plan_faults(
        {"next": [{"kind": "drift_required_gone", "paths": "balance|accounts/get|transactions", "times": 3}]}
    )
    story.sync(link)
    story.world.bank.clear_faults()
    assert story.come_to_rest()
    assert story.world.bank.faults() == {"drift_required_gone": 3}
    assert judge(story).divergences == ()
