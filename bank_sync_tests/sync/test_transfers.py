"""Money between a person's own accounts, and one account reached by two connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from bank_sync.quality.invariants import broken_invariants
from bank_sync.storage import review_list, reviews
from bank_sync.storage.candidate_legs import Leg, LegPair
from bank_sync.sync import project
from bank_sync.sync.matching.transfers import decide_transfers
from bank_sync.sync.onboarding import finish_link
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.sync.scripted import Person


def leg(
    name: str, amount: str, words: str = "", *, day: int = 10, account: str | None = None, **values: str
) -> Leg:
    """One row of an account of its own, dated in March."""
    facts: dict[str, str | None] = {
        "connection_id": "c",
        "account_id": account or f"account-{name}",
        "account_mask": None,
        "currency": "EUR",
        "provider_category": None,
        "provider_type": None,
        "merchant_category_code": None,
    }
    return Leg(
        transaction_id=name,
        amount=Decimal(amount),
        booked_on=date(2026, 3, day),
        description=words,
        **{**facts, **values},  # type: ignore[arg-type]  # texts alone
    )


def states(*pairs: tuple[Leg, Leg]) -> dict[tuple[str, str], bool]:
    """What becomes of possible pairs: joined or asked for."""
    decisions = decide_transfers([LegPair(*pair) for pair in pairs], set())
    return {(one.from_id, one.to_id): one.is_accepted for one in decisions}


@pytest.mark.parametrize(
    ("out", "into", "joined"),
    [
        ("Transfer to savings", "Transfer from checking", True),
        ("SVWZ+Uebertrag Tagesgeld", "SVWZ+Übertrag Girokonto", True),
        ("CREDIT CRD AUTOPAY PPD ID: X", "AUTOMATIC PAYMENT - THANK YOU", True),
        ("Transfer to Anna", "Salary ACME", False),
        ("Bookshop", "Refund of shoes", False),
    ],
)
def test_words(out: str, into: str, *, joined: bool) -> None:
    """Both texts have to speak of a transfer; opposite amounts alone are put up for review."""
    assert states((leg("o", "-50", out), leg("i", "50", into))) == {("o", "i"): joined}


def test_text_that_names_the_other_account() -> None:
    """The last digits of the other account are as good as the word, inside a longer number they are not."""
    into = leg("i", "50", "incoming", account_mask="4242")
    assert states((leg("o", "-50", "to ...4242 03/10"), into)) == {("o", "i"): True}
    assert states((leg("o", "-50", "ref 1424299"), into)) == {("o", "i"): False}


def test_spending_is_no_transfer() -> None:
    """A row with a shop's code is never a leg, however well the amounts fit."""
    assert (
        states((leg("o", "-50", "Transfer", merchant_category_code="5411"), leg("i", "50", "Transfer"))) == {}
    )


def test_two_ways_to_pair() -> None:
    """One leg out and two in: a person is asked about both."""
    out, one, other = (
        leg("o", "-50", "Transfer"),
        leg("i", "50", "Transfer"),
        leg("j", "50", "Transfer", day=12),
    )
    assert states((out, one), (out, other)) == {("o", "i"): False, ("o", "j"): False}


def test_exchange_is_asked_for() -> None:
    """Legs in two currencies are proposed at most."""
    out, into = leg("o", "-50", "FX conversion"), leg("i", "55", "FX conversion", currency="USD")
    assert states((out, into)) == {("o", "i"): False}


def test_legs_at_two_providers(meet: Callable[..., Person]) -> None:
    """Both legs live and count, the pair is found whichever is synced last; a corrected leg ends it."""
    plaid, teller = meet("plaid"), meet("teller")
    with plaid.services.engine.begin() as db:  # one person with both banks
        db.execute(text("UPDATE bank.connections SET user_id = (SELECT min(user_id) FROM bank.users)"))
    out = {"account": plaid.account, "amount": "-400.00", "description": "TRANSFER TO SECURITY CU"}
    movement = plaid.do("spend", **out)["movement"]
    plaid.days()
    assert plaid.links() == []
    teller.do("spend", account=teller.account, amount="400.00", description="ONLINE TRANSFER FROM CHECKING")
    teller.days()
    assert plaid.links() == [("transfer", "rule:both_say_transfer", -400.0, 400.0)]
    assert plaid.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 0
    with plaid.services.engine.connect() as db:
        assert broken_invariants(db, plaid.connection_id) == {}
    plaid.do("correct", movement=movement, amount="-410.00")
    plaid.days()
    assert plaid.links() == []


def test_invariant_notices(meet: Callable[..., Person]) -> None:
    """I2: transfers that do not add up to nothing are a broken invariant."""
    person = meet("plaid")
    for amount in ("-5.00", "6.00"):
        person.do("spend", account=person.account, amount=amount, description="any")
    person.days()
    with person.services.engine.begin() as db:
        db.execute(
            text(
                "INSERT INTO bank.transaction_links (connection_id, kind, from_transaction_id, "
                "to_transaction_id, decided_by, score, evidence, decided_at) "
                "SELECT f.connection_id, 'transfer', f.transaction_id, o.transaction_id, 'rule:x', 1, '{}', "
                "now() "
                "FROM bank.transactions AS f, bank.transactions AS o WHERE f.amount = -5 AND o.amount = 6"
            )
        )
        assert broken_invariants(db, person.connection_id) == {"transfers add up to nothing": 1}


def test_one_account_reached_twice(meet: Callable[..., Person]) -> None:
    """The same account in two connections: equal rows are proposed as duplicates, none is merged."""
    person = meet("gocardless", "maya")
    person.clock.advance(hours=1)
    second = link_once_more(person)
    sync_connection(person.services, second)
    with person.services.engine.begin() as db:  # both are one person's after all
        db.execute(text("UPDATE bank.connections SET user_id = (SELECT min(user_id) FROM bank.users)"))
    project.link_transactions(person.services, second)
    proposed = [row for row in person.links("proposed") if row[0] == "duplicate"]
    assert len(proposed) > 20
    assert all(row[1] == "rule:shared_account" and row[2] == row[3] for row in proposed)
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") == 0
    of_second = (
        "SELECT count(*) FROM bank.transaction_links AS l JOIN bank.transactions AS t "
        "ON t.transaction_id = l.from_transaction_id WHERE l.kind = 'duplicate' "
        f"AND t.connection_id = '{second}'"
    )
    assert person.one(of_second) == len(proposed)  # the newer link gives way
    with person.services.engine.begin() as db:
        [first, *_] = [review.link_id for review in review_list.list_links(db, kind="duplicate")]
        for link_id in reviews.same_pair_of_accounts(db, [first]):
            reviews.accept_link(db, link_id, by="person", now=person.clock())
    assert person.one("SELECT count(*) FROM bank.transactions WHERE superseded_by IS NOT NULL") > 0
    project.link_transactions(person.services, second)


def link_once_more(person: Person) -> str:
    """The same bank customer connects once more, for all we know as somebody else."""
    start = person.services.provider("gocardless").start_link(
        user_reference="again",
        institution_id="SANDBOXFINANCE_SFIN0000",
        country="gb",
        redirect_url="http://127.0.0.1/back",
    )
    assert start.url is not None
    person.bank.approve(start.url, "maya")
    proof = {"requisition_id": start.reference}
    return finish_link(person.services, "gocardless", user_reference="somebody-else", proof=proof)


def test_twin_that_comes_late(meet: Callable[..., Person]) -> None:
    """A row equal to one of a week ago that appears now is put up for review; both stay."""
    person = meet("plaid")
    coffee = {"account": person.account, "amount": "-3.50", "description": "CAFE"}
    person.do("spend", **coffee)
    day = person.clock().date()
    person.days()
    person.days(7)
    person.do("spend", **coffee, booked_on=day.isoformat())
    person.days()
    assert person.links("proposed") == [("duplicate", "rule:came_late", -3.5, -3.5)]
