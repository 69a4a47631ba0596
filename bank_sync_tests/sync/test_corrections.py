"""A correction teaches at once, and only the person who made it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bank_sync.domain.errors import NotFound
from bank_sync.storage import category_memory
from bank_sync.sync import corrections
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.sync.scripted import Person

COFFEE = ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE")
# the merchant and direction that occur most often, and one transaction of them
OFTEN = """
SELECT min(t.transaction_id) FROM bank.transactions AS t
JOIN bank.transaction_categories AS c ON c.transaction_id = t.transaction_id AND c.replaced_at IS NULL
WHERE t.removed_at IS NULL AND t.superseded_by IS NULL AND c.merchant_key IS NOT NULL AND t.amount < 0
    AND t.connection_id = '{}'
GROUP BY c.merchant_key HAVING count(*) > 1 ORDER BY count(*) DESC, 1 LIMIT 1
"""
TAUGHT = "SELECT count(*) FROM bank.transaction_categories WHERE source = 'memory' AND replaced_at IS NULL"
OTHERS = (
    TAUGHT
    + " AND connection_id <> '{0}' OR source = 'memory' AND category_detailed <> 'FOOD_AND_DRINK_COFFEE'"
)


def test_a_correction_applies_to_that_merchant_and_person_alone(meet: Callable[..., Person]) -> None:
    """All of the person's rows with the merchant follow at once; another person's stay as they are."""
    person, stranger = meet("plaid"), meet("plaid", "stranger")
    row = person.one(OFTEN.format(person.connection_id))
    rows = corrections.correct(person.services, row, *COFFEE)
    assert rows > 1
    assert person.one(TAUGHT) == rows
    assert person.one(OTHERS.format(person.connection_id)) == 0
    with stranger.services.engine.connect() as db:
        assert category_memory.recall(db, stranger.connection_id) == {}


def test_a_lesson_is_kept_for_rows_to_come(meet: Callable[..., Person]) -> None:
    """What was taught is recalled by merchant and direction at the next sync."""
    person = meet("plaid")
    row = person.one(OFTEN.format(person.connection_id))
    rows = corrections.correct(person.services, row, *COFFEE)
    sync_connection(person.services, person.connection_id)
    assert person.one(TAUGHT) >= rows
    with person.services.engine.connect() as db:
        ((key, money_in), said), *others = category_memory.recall(db, person.connection_id).items()
    assert (said.merchant_key, said.money_in, said.primary, said.detailed) == (key, money_in, *COFFEE)
    assert not others


def test_a_later_word_replaces_an_earlier_one(meet: Callable[..., Person]) -> None:
    """The last correction counts; the history keeps both."""
    person = meet("plaid")
    row = person.one(OFTEN.format(person.connection_id))
    corrections.correct(person.services, row, *COFFEE)
    rows = corrections.correct(person.services, row, "TRAVEL", None)
    travel = TAUGHT + " AND category_primary = 'TRAVEL'"
    assert person.one(travel) == rows
    assert person.one(TAUGHT) == rows


def test_an_explanation_is_one_sentence_and_knows_who_decided(meet: Callable[..., Person]) -> None:
    """Before a correction the evidence is named, afterwards the owner."""
    person = meet("plaid")
    row = person.one(OFTEN.format(person.connection_id))
    with person.services.engine.connect() as db:
        before = corrections.explain(db, row)
    corrections.correct(person.services, row, *COFFEE)
    with person.services.engine.connect() as db:
        after = corrections.explain(db, row)
    assert before.startswith("It ")
    assert before.endswith(".")
    assert after == "It is FOOD_AND_DRINK_COFFEE because its owner said so."


def test_what_waits_is_what_nothing_was_sure_enough_about(meet: Callable[..., Person]) -> None:
    """The queue holds rows without a category and nothing else; a correction takes its row out."""
    person = meet("plaid")
    with person.services.engine.connect() as db:
        waiting = category_memory.waiting(db, limit=1000)
    assert all(row.category_primary is None for row in waiting)
    for row in waiting[:1]:
        corrections.correct(person.services, row.transaction_id, *COFFEE)
        with person.services.engine.connect() as db:
            ids = {one.transaction_id for one in category_memory.waiting(db, limit=1000)}
        assert row.transaction_id not in ids


def test_a_transaction_nobody_knows_is_told(meet: Callable[..., Person]) -> None:
    """A mistyped id is a mistake of the person, not a fault."""
    person = meet("plaid")
    with pytest.raises(NotFound):
        corrections.correct(person.services, "txn_none", *COFFEE)
