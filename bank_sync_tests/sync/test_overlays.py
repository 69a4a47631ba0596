"""What a person says about a transaction stays, whatever the bank does to the row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bank_sync.domain.errors import NotFound
from bank_sync.notifications.events import announce
from bank_sync.storage import overlays, reviews
from bank_sync.storage.database import transaction
from bank_sync.storage.overlays import Overlay
from bank_sync_tests.sync.scripted import Person

OF_AMOUNT = "SELECT transaction_id FROM bank.transactions WHERE amount = {} AND posting = '{}'"


def owner(person: Person) -> str:
    """The reference under which the person is known."""
    return f"person-of-{person.provider}"


def say(person: Person, edit: Callable[..., None], transaction_id: str, *words: str) -> None:
    """The person edits a transaction."""
    with transaction(person.services.engine) as db:
        edit(db, transaction_id, *words, user_reference=owner(person), now=person.clock())


def shown(person: Person, transaction_id: str) -> Overlay | None:
    """What is shown on a transaction in the end."""
    with person.services.engine.connect() as db:
        return overlays.effective_overlays(db, [transaction_id]).get(transaction_id)


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_edits_follow_the_posted_row(provider: str, meet: Callable[..., Person]) -> None:
    """Category and note of a pending row show on the posted one; undoing the link takes them back."""
    person = meet(provider)
    movement = person.hold("-20.00")
    person.days()
    pending = person.one(OF_AMOUNT.format(-20, "pending"))
    say(person, overlays.set_category, pending, "FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE")
    say(person, overlays.set_note, pending, "with Ada\x00 ")
    person.settle(movement)
    person.days()
    posted = person.one(OF_AMOUNT.format(-20, "posted"))
    found = shown(person, posted)
    assert found == Overlay(posted, pending, "FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE", "with Ada")
    person.verdict(reviews.undo_link, person.one("SELECT link_id FROM bank.transaction_links"))
    assert shown(person, posted) is None
    assert shown(person, pending) is not None


def test_own_words_of_the_posted_row(meet: Callable[..., Person]) -> None:
    """The posted row's first own edit keeps what it showed of the pending row; later ones are its own."""
    person = meet("plaid")
    movement = person.hold("-20.00")
    person.days()
    pending = person.one(OF_AMOUNT.format(-20, "pending"))
    say(person, overlays.set_note, pending, "pending words")
    person.settle(movement)
    person.days()
    posted = person.one(OF_AMOUNT.format(-20, "posted"))
    say(person, overlays.set_category, posted, "TRAVEL")
    assert shown(person, posted) == Overlay(posted, posted, "TRAVEL", None, "pending words")
    say(person, overlays.set_note, posted, " ")
    assert shown(person, posted) == Overlay(posted, posted, "TRAVEL")


@pytest.mark.parametrize("provider", ["plaid", "teller"])
def test_hidden_row_that_vanishes_and_returns(provider: str, meet: Callable[..., Person]) -> None:
    """A hidden row stays hidden through correction, removal, return and new ids; nobody is told of it."""
    person = meet(provider)
    movement = person.do("spend", account=person.account, amount="-9.00", description="SHOP")["movement"]
    person.days()
    row = person.one(OF_AMOUNT.format(-9, "posted"))
    say(person, overlays.hide, row)
    assert announce(person.services, person.connection_id).transactions == 0
    person.do("correct", movement=movement, description="SHOP AND SON")
    person.days()
    person.do("remove", movement=movement)
    person.days()
    person.do("restore", movement=movement)
    person.days()
    person.do("churn", account=person.account)
    person.days()
    assert person.one("SELECT count(*) FROM bank.transactions") == 1
    found = shown(person, row)
    assert found is not None
    assert found.is_hidden
    say(person, overlays.unhide, row)
    assert announce(person.services, person.connection_id).transactions == 1


def test_posted_row_is_not_told_twice(meet: Callable[..., Person]) -> None:
    """Who was told of a pending purchase is not told again when it posts."""
    person = meet("teller")
    movement = person.hold("-20.00")
    person.days()
    assert announce(person.services, person.connection_id).transactions == 1
    person.settle(movement)
    person.days()
    assert announce(person.services, person.connection_id).transactions == 0


def test_only_own_rows(meet: Callable[..., Person]) -> None:
    """Another person's transaction is as unknown as none."""
    person = meet("teller")
    person.hold("-20.00")
    person.days()
    row = person.one(OF_AMOUNT.format(-20, "pending"))
    for stranger, transaction_id in (("somebody-else", row), (owner(person), "txn_none")):
        with transaction(person.services.engine) as db, pytest.raises(NotFound):
            overlays.set_note(db, transaction_id, "mine", user_reference=stranger, now=person.clock())
    assert shown(person, row) is None
