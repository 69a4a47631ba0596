"""What a linking does to the ledger: rows of scripted people, the banks' own word, a person's verdicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from bank_sync.domain.errors import NotFound
from bank_sync.storage import review_list, reviews
from bank_sync.sync import project
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.sync.scripted import BOOKS, CAFE, Person

PROVIDERS = ("plaid", "teller", "gocardless")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_posted_with_a_tip(provider: str, meet: Callable[..., Person]) -> None:
    """A bill that posts with a tip replaces what was held; version, hash and times of both rows stay."""
    person = meet(provider)
    movement = person.hold("-20.00")
    person.days()
    facts = "SELECT version, changed_at, content_hash FROM bank.transactions WHERE posting = 'pending'"
    person.settle(movement, amount="-23.00")
    person.clock.advance(days=1)
    sync_connection(person.services, person.connection_id)
    assert person.links() == [("pending_posted", "rule:tip", -20.0, -23.0)]
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 1
    before = person.rows(facts)
    [[link_id]] = person.rows("SELECT link_id FROM bank.transaction_links")
    person.verdict(reviews.undo_link, link_id)
    assert person.rows(facts) == before
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 0
    person.days()
    assert person.links() == []  # no rule joins again what a person took apart


@pytest.mark.parametrize("provider", PROVIDERS)
def test_identical_coffees(provider: str, meet: Callable[..., Person]) -> None:
    """Two coffees a day, both posted: nothing is guessed; one verdict settles the pair and its rivals."""
    person = meet(provider)
    movements = [person.hold("-3.50"), person.hold("-3.50")]
    person.days()
    for movement in movements:
        person.settle(movement)
    person.days()
    assert person.links() == []
    assert len(person.links("proposed")) == 4
    first = person.one("SELECT min(link_id) FROM bank.transaction_links")
    person.verdict(reviews.accept_link, first)
    assert len(person.links()) == 1
    person.days()  # one of each is left, so there is no choice any more
    assert len(person.links()) == 2
    assert person.links("proposed") == []


def test_wrong_link_of_the_provider(meet: Callable[..., Person]) -> None:
    """A row that names another's pending row goes to its own; the other one waits for its own."""
    person = meet("plaid")
    cafe, books = person.hold("-12.00"), person.hold("-15.00", BOOKS)
    person.days()
    person.do("settle", movement=cafe, link="wrong", wrong_of=books)
    person.days()
    assert person.links() == [("pending_posted", "rule:exact_same_day", -12.0, -12.0)]
    person.do("settle", movement=books)
    person.days()
    assert ("pending_posted", "provider", -15.0, -15.0) in person.links()
    assert person.links("proposed") == []


def test_absurd_link_of_the_provider(meet: Callable[..., Person]) -> None:
    """84.00 that names a pending 1.99 is not joined; both stay and the pair is put up for review."""
    person = meet("plaid")
    small, large = person.hold("-1.99", BOOKS), person.hold("-84.00")
    person.days()
    wish = {"amount": "-84.00", "description": "SOMETHING ELSE", "link": "wrong", "wrong_of": small}
    person.do("settle", movement=large, **wish)
    person.do("cancel", movement=small)
    person.days()
    assert person.links() == []
    assert ("pending_posted", "provider", -1.99, -84.0) in person.links("proposed")


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_split(provider: str, meet: Callable[..., Person]) -> None:
    """An order sent in two parcels is proposed as two parts; both accepted replace one row."""
    person = meet(provider)
    movement = person.hold("-15.00", BOOKS)
    person.days()
    person.do("settle", movement=movement, parts=["-9.00", "-6.00"])
    person.days()
    assert person.links() == []
    assert {row[0] for row in person.links("proposed")} == {"split_part"}
    for [link_id] in person.rows("SELECT link_id FROM bank.transaction_links ORDER BY 1"):
        person.verdict(reviews.accept_link, link_id)
    assert len(person.links()) == 2
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_cancelled(provider: str, meet: Callable[..., Person]) -> None:
    """A pending row that vanishes without posting has no successor, and no purchase elsewhere becomes it."""
    person = meet(provider)
    movement = person.hold("-20.00")
    person.days()
    person.do("cancel", movement=movement)
    person.do("spend", account=person.account, amount="-20.00", description=BOOKS)
    person.days()
    assert person.links() == []


def test_rejected_pair(meet: Callable[..., Person]) -> None:
    """A refused pair is not proposed again until the refusal is taken back; verdicts leave a trace."""
    person = meet("teller")
    movement = person.hold("-15.00", BOOKS)
    person.days()
    person.do("cancel", movement=movement)
    person.do("spend", account=person.account, amount="-15.00", description=CAFE)
    person.days()
    link_id = person.one("SELECT link_id FROM bank.transaction_links WHERE state = 'proposed'")
    person.verdict(reviews.reject_link, link_id)
    person.days()
    assert person.links("proposed") == []
    person.verdict(reviews.undo_link, link_id)
    person.days()
    assert len(person.links("proposed")) == 1
    actions = "SELECT action FROM bank.audit WHERE action LIKE 'link_%' ORDER BY audit_id"
    assert person.rows(actions) == [("link_rejected",), ("link_undone",)]


def test_verdicts_belong_to_the_owner(meet: Callable[..., Person]) -> None:
    """Somebody else's link is as unknown as none; a link without a verdict has nothing to undo."""
    person = meet("teller")
    movement = person.hold("-15.00", BOOKS)
    person.days()
    person.do("cancel", movement=movement)
    person.do("spend", account=person.account, amount="-15.00", description=CAFE)
    person.days()
    link_id = person.one("SELECT link_id FROM bank.transaction_links")
    with person.services.engine.begin() as db:
        with pytest.raises(NotFound):
            reviews.accept_link(db, link_id, by="x", now=person.clock(), user_reference="somebody-else")
        with pytest.raises(reviews.LinkConflict):
            reviews.undo_link(db, link_id, by="x", now=person.clock())
        [review] = review_list.list_links(db)
        assert (review.first.description, review.second.description) == (BOOKS, CAFE)


def test_pending_row_that_is_listed_again(meet: Callable[..., Person]) -> None:
    """A joined pending row that the bank shows again stands again: it is counted beside the posted row."""
    person = meet("plaid")
    movement = person.hold("-20.00")
    person.days()
    person.do("settle", movement=movement)
    person.days()
    assert len(person.links()) == 1
    with person.services.engine.begin() as db:  # as a later round would have it
        db.execute(text("UPDATE bank.transactions SET removed_at = NULL WHERE posting = 'pending'"))
    project.link_transactions(person.services, person.connection_id)
    assert person.links() == []
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 0
