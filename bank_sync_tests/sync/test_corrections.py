"""A correction teaches at once, and only the person who made it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bank_sync.categorization import merchant
from bank_sync.domain.errors import NotFound
from bank_sync.storage import category_memory
from bank_sync.sync import corrections
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.sync.scripted import BOOKS, Person

COFFEE = ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE")
ROW = "SELECT min(transaction_id) FROM bank.transactions WHERE amount = {} AND connection_id = '{}'"
TAUGHT = "SELECT count(*) FROM bank.transaction_categories WHERE source = 'memory' AND replaced_at IS NULL"
OTHERS = TAUGHT + " AND connection_id <> '{}'"


def buys(person: Person) -> str:
    """Two coffees and a book; gives our id of the first coffee."""
    person.hold("-20.00")
    person.hold("-21.00")
    person.hold("-33.00", BOOKS)
    person.days()
    return str(person.one(ROW.format(-20, person.connection_id)))


def test_a_correction_applies_to_that_merchant_and_person_alone(meet: Callable[..., Person]) -> None:
    """All of the person's rows with the merchant follow at once; another person's stay as they are."""
    person, stranger = meet("plaid"), meet("teller")
    row = buys(person)
    buys(stranger)
    rows = corrections.correct(person.services, row, *COFFEE)
    assert rows == person.one(TAUGHT) == 2
    assert person.one(OTHERS.format(person.connection_id)) == 0
    with stranger.services.engine.connect() as db:
        assert category_memory.recall(db, stranger.connection_id) == []


def test_a_lesson_is_kept_for_rows_to_come(meet: Callable[..., Person]) -> None:
    """What was taught is recalled by merchant and direction at the next sync."""
    person = meet("plaid")
    row = buys(person)
    rows = corrections.correct(person.services, row, *COFFEE)
    sync_connection(person.services, person.connection_id)
    assert person.one(TAUGHT) >= rows
    with person.services.engine.connect() as db:
        [recalled] = category_memory.recall(db, person.connection_id)
    said = recalled.said
    assert merchant(recalled.description, recalled.merchant_name).key == said.merchant_key
    assert (said.money_in, said.primary, said.detailed) == (False, *COFFEE)


def test_a_later_word_replaces_an_earlier_one(meet: Callable[..., Person]) -> None:
    """The last correction counts; the history keeps both."""
    person = meet("plaid")
    row = buys(person)
    corrections.correct(person.services, row, *COFFEE)
    rows = corrections.correct(person.services, row, "TRAVEL", None)
    travel = TAUGHT + " AND category_primary = 'TRAVEL'"
    assert person.one(travel) == rows
    assert person.one(TAUGHT) == rows


def test_an_explanation_is_one_sentence_and_knows_who_decided(meet: Callable[..., Person]) -> None:
    """Before a correction the evidence is named, afterwards the owner."""
    person = meet("plaid")
    row = buys(person)
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
    person.hold("-7.31", "QVZOK WJK")
    person.days()
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


def test_whom_the_bank_names_is_the_merchant_where_the_text_names_nobody(meet: Callable[..., Person]) -> None:
    """Two bills with the same words and other creditors are two merchants; a lesson keeps them apart."""
    person = meet("gocardless")
    for amount, creditor in (("-44.95", "Vattenfall"), ("-58.12", "Qvzok Wjkoz"), ("-58.13", "Qvzok Wjkoz")):
        person.settle(person.hold(amount, "Rechnung", counterparty=creditor))
    person.days()
    query = (
        "SELECT t.amount::float, c.merchant_name, c.category_primary, c.source FROM bank.transactions AS t "
        "JOIN bank.transaction_categories AS c USING (transaction_id) "
        "WHERE t.removed_at IS NULL AND c.replaced_at IS NULL AND t.description LIKE '%Rechnung%' "
        "ORDER BY t.amount DESC"
    )
    bill, *others = person.rows(query)
    assert bill == (-44.95, "Vattenfall", "RENT_AND_UTILITIES", "model")
    assert [other[1] for other in others] == ["Qvzok Wjkoz"] * 2
    corrections.correct(person.services, person.one(ROW.format(-58.12, person.connection_id)), *COFFEE)
    assert [row[2:] for row in person.rows(query)] == [bill[2:], *[(COFFEE[0], "memory")] * 2]
