"""Judging pairs of pending and posted rows: pure, row by row, as a bank statement would read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.storage.candidates import Entry
from bank_sync.storage.links import Decision
from bank_sync.sync.matching.assignment import Edge, assign
from bank_sync.sync.matching.pending import decide_pendings
from bank_sync.sync.matching.text import likeness

ROUND = datetime(2026, 3, 10, 9, tzinfo=UTC)


def held(name: str, amount: str, text: str = "CAFE MILO", *, day: int = 1, gone: int | None = 2) -> Entry:
    """A pending row first seen in round `day` that left in round `gone`."""
    return _entry(name, amount, text, day=day, seen=day, gone=gone, provider_id=f"p-{name}")


def posted(
    name: str,
    amount: str,
    text: str = "CARD PAYMENT TO CAFE MILO 0042",
    *,
    day: int = 2,
    seen: int = 2,
    made: int | None = None,
    names: str | None = None,
) -> Entry:
    """A posted row dated `day`, first seen in round `seen`, whose bank says it was made on day `made`."""
    return _entry(name, amount, text, day=day, seen=seen, made=made, names=names)


def _entry(
    name: str,
    amount: str,
    text: str,
    *,
    day: int,
    seen: int,
    gone: int | None = None,
    made: int | None = None,
    names: str | None = None,
    provider_id: str | None = None,
) -> Entry:
    return Entry(
        transaction_id=name,
        account_id="account",
        currency="EUR",
        amount=Decimal(amount),
        booked_on=date(2026, 3, day),
        value_on=None,
        authorised_on=None if made is None else date(2026, 3, made),
        description=text,
        merchant_name=None,
        counterparty_name=None,
        provider_transaction_id=provider_id,
        pending_provider_transaction_id=None if names is None else f"p-{names}",
        first_seen_at=ROUND + timedelta(days=seen),
        removed_at=None if gone is None else ROUND + timedelta(days=gone),
    )


def decide(
    pendings: list[Entry], rows: list[Entry], dismissed: set[tuple[str, str, str]] | None = None
) -> list[Decision]:
    """All decisions, as a linking would ask for them."""
    known = {one.provider_transaction_id for one in pendings}
    named = [one for one in rows if one.pending_provider_transaction_id in known]
    return decide_pendings(pendings, named, rows, dismissed or set())


def joined(decisions: list[Decision]) -> dict[str, str]:
    """Accepted pairs: pending to posted."""
    return {one.from_id: one.to_id for one in decisions if one.is_accepted}


def asked(decisions: list[Decision]) -> set[tuple[str, str, str]]:
    """Pairs put before a person."""
    return {(one.kind, one.from_id, one.to_id) for one in decisions if not one.is_accepted}


def test_same_amount_and_text() -> None:
    """The one posted row that came as the pending row left is its successor; the evidence holds no text."""
    [decision] = decide([held("P", "-3.50")], [posted("X", "-3.50")])
    assert (decision.from_id, decision.to_id, decision.decided_by) == ("P", "X", "rule:exact")
    assert decision.is_accepted
    assert "MILO" not in str(decision.evidence)


def test_two_identical_coffees_leave_a_choice() -> None:
    """Two of each: nothing is joined and all four pairs are put up for review."""
    decisions = decide([held("P", "-3.50"), held("Q", "-3.50")], [posted("X", "-3.50"), posted("Y", "-3.50")])
    assert joined(decisions) == {}
    assert len(asked(decisions)) == 4


def test_day_of_purchase_tells_identical_coffees_apart() -> None:
    """Where the bank says when a purchase was made, coffees of different days find their own successors."""
    pendings = [held("P", "-3.50", day=1, gone=3), held("Q", "-3.50", day=2, gone=3)]
    rows = [posted("X", "-3.50", day=3, seen=3, made=1), posted("Y", "-3.50", day=3, seen=3, made=2)]
    assert joined(decide(pendings, rows)) == {"P": "X", "Q": "Y"}


@pytest.mark.parametrize("amount", ["-24.00", "-20.00", "-19.20"])
def test_tip(amount: str) -> None:
    """A bill grown by a tip, or moved a little by an exchange rate, is the same bill."""
    assert joined(decide([held("P", "-20.00")], [posted("X", amount)])) == {"P": "X"}


@pytest.mark.parametrize(
    ("amount", "text"),
    [("-27.00", "CAFE MILO"), ("-17.00", "CAFE MILO"), ("-24.00", "BOOKSHOP"), ("24.00", "CAFE MILO")],
)
def test_beyond_a_tip(amount: str, text: str) -> None:
    """Too much more, less, another shop or the other direction: not the same purchase."""
    assert decide([held("P", "-20.00")], [posted("X", amount, text)]) == []


def test_pending_row_still_listed() -> None:
    """A pending row the bank still shows is never replaced, whatever fits and whoever says so."""
    assert decide([held("P", "-3.50", gone=None)], [posted("X", "-3.50")]) == []
    told = decide([held("P", "-3.50", gone=None)], [posted("X", "-3.50", names="P")])
    assert joined(told) == {}
    assert asked(told) == {("pending_posted", "P", "X")}


def test_row_that_was_there_before() -> None:
    """A posted row shown beside the pending one is another purchase."""
    assert decide([held("P", "-3.50")], [posted("X", "-3.50", day=1, seen=1)]) == []


def test_seen_and_gone_in_one_round() -> None:
    """A purchase that was held and booked between two looks comes with both rows at once, and is joined."""
    assert joined(decide([held("P", "-3.50", day=2, gone=2)], [posted("X", "-3.50")])) == {"P": "X"}


def test_row_that_came_later() -> None:
    """After a gap a person is asked, unless the bank dates the purchase to the very day."""
    later = decide([held("P", "-3.50")], [posted("X", "-3.50", day=4, seen=4)])
    assert joined(later) == {}
    assert asked(later) == {("pending_posted", "P", "X")}
    assert joined(decide([held("P", "-3.50")], [posted("X", "-3.50", day=4, seen=4, made=1)])) == {"P": "X"}


def test_provider_is_believed() -> None:
    """The provider's own link counts where amount or text agrees, far beyond a tip's reach."""
    for row in (posted("X", "-3.50", "OTHER WORDS", names="P"), posted("X", "-9.00", names="P")):
        [decision] = decide([held("P", "-3.50")], [row])
        assert (decision.is_accepted, decision.decided_by) == (True, "provider")


def test_provider_names_an_absurd_pending() -> None:
    """1.99 does not become 84.00: not joined, put up for review."""
    decisions = decide([held("P", "-1.99")], [posted("X", "-84.00", names="P")])
    assert joined(decisions) == {}
    assert asked(decisions) == {("pending_posted", "P", "X")}


def test_provider_names_the_wrong_pending() -> None:
    """A row that names another pending while its own one is there goes to its own."""
    pendings = [held("P", "-12.00"), held("Q", "-15.00", "BOOKSHOP")]
    decisions = decide(pendings, [posted("X", "-12.00", names="Q")])
    assert joined(decisions) == {"P": "X"}
    assert asked(decisions) == set()


def test_bill_that_grew_to_anothers_amount() -> None:
    """A row that equals one pending and is in reach of another, both gone: nobody can tell."""
    decisions = decide([held("P", "-12.00"), held("Q", "-10.00")], [posted("X", "-12.00")])
    assert joined(decisions) == {}
    assert asked(decisions) == {("pending_posted", "P", "X"), ("pending_posted", "Q", "X")}


def test_split_is_asked_for_and_believed_when_named() -> None:
    """Parts that add up are proposed; where the provider names the pending on each part they are joined."""
    parts = [posted("X", "-14.50"), posted("Y", "-0.50")]
    guessed = decide([held("P", "-15.00")], parts)
    assert joined(guessed) == {}
    assert asked(guessed) == {("split_part", "X", "P"), ("split_part", "Y", "P")}
    named = decide([held("P", "-15.00")], [posted("X", "-14.50", names="P"), posted("Y", "-0.50", names="P")])
    assert joined(named) == {"X": "P", "Y": "P"}


def test_refused_pair() -> None:
    """A pair a person refused is neither joined nor proposed, and leaves the other candidate alone."""
    pendings = [held("P", "-3.50")]
    rows = [posted("X", "-3.50"), posted("Y", "-3.50")]
    assert joined(decide(pendings, rows, {("pending_posted", "P", "X")})) == {"P": "Y"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Vorgemerkt LIDL 1234", "VISA Debitkartenumsatz LIDL//BERLIN/DE 2026-03-01 KFN 1 VJ 2712"),
        ("AMZN MKTP US", "AMZN Mktp US*2K4LM1"),
        ("Reserved PAYMENT Emperor's Burgers", "PAYMENT Emperor's Burgers"),
        ("STARBUCKS STORE", "STARBUCKS STOR 0042"),
    ],
)
def test_alike(one: str, other: str) -> None:
    """The words around a shop's name change between pending and posted; the name counts."""
    assert likeness([one], [other]) >= 0.6


@pytest.mark.parametrize(
    ("one", "other"), [("CAFE MILO", "BOOKSHOP"), ("", "CAFE MILO"), ("CARD PAYMENT", "PAYMENT TO LIDL")]
)
def test_unlike(one: str, other: str) -> None:
    """Other shops, no text, or nothing but the bank's own words say nothing."""
    assert likeness([one], [other]) < 0.6


NAMES = st.sampled_from("abcdef")
EDGES = st.lists(
    st.builds(
        lambda left, right, tier, *, is_decisive: Edge(
            left, right.upper(), tier, "any", 0.5, is_decisive=is_decisive
        ),
        NAMES,
        NAMES,
        st.integers(0, 2),
        is_decisive=st.booleans(),
    ),
    unique_by=lambda edge: (edge.left, edge.right),
    max_size=14,
)


@given(EDGES)
def test_assignment_is_one_to_one(edges: list[Edge]) -> None:
    """Whatever is possible, each row has one partner at most, and who is left over contests nobody."""
    assigned = assign(edges)
    ends = [end for edge in assigned.accepted for end in (edge.left, edge.right)]
    assert len(ends) == len(set(ends))
    assert not set(assigned.accepted) & set(assigned.open)
    for edge in edges:
        if edge.is_decisive and edge not in assigned.accepted:
            assert (edge.left in ends) == (edge.right in ends)


@given(EDGES, st.randoms(use_true_random=False))
def test_assignment_knows_no_order(edges: list[Edge], random: st.DataObject) -> None:
    """The same possible pairs in another order give the same assignment."""
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random
    assert set(assign(edges).accepted) == set(assign(shuffled).accepted)


def test_days_of_purchase_that_differ() -> None:
    """Where both sides say when the purchase was made, days apart are two purchases."""
    assert decide([held("P", "-3.50", gone=5)], [posted("X", "-3.50", day=5, seen=5, made=4)]) == []


def test_provider_contradicted_by_a_better_pair() -> None:
    """A provider's word in a tip's reach does not stand against a pending row of the very amount."""
    pendings = [held("P", "-12.00"), held("Q", "-10.00")]
    assert joined(decide(pendings, [posted("X", "-12.00", names="Q")])) == {}
