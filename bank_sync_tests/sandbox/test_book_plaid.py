"""Plaid's change log under commands: a position means the same for ever, whatever comes between two pages."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.plaid.log import LogBook
from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.world.book import Command
from bank_sync.sandbox.world.life import World
from bank_sync_tests.sandbox.book_seat import Seat, take_seat
from bank_sync_tests.sandbox.conftest import NOON

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk

PATH = "/transactions/sync"


@pytest.fixture
def seat(desk: "Desk") -> Seat:
    """A scripted person at Plaid."""
    return take_seat(desk, "plaid")


def _page(seat: Seat, cursor: str = "", count: int = 500) -> dict[str, Any]:
    sent = {"access_token": seat.token, "cursor": cursor, "count": count}
    return dict(seat.desk.plaid(PATH, **sent).json())


def _round(seat: Seat) -> tuple[set[str], set[str], set[str]]:
    """The ids added, modified and removed since the last round."""
    round_ = seat.desk.plaid_round(seat.token, seat.cursor)
    seat.synced, seat.cursor = round_.apply(seat.synced), round_.cursor
    named = [{str(row["transaction_id"]) for row in part} for part in (round_.added, round_.modified)]
    return named[0], named[1], {row["transaction_id"] for row in round_.removed}


def _id(seat: Seat, movement: str) -> str:
    return str(seat.true_row(movement)["provider_transaction_id"])


def test_commands_between_pages(seat: Seat) -> None:
    """Rows commanded within one loop, late ones too, come after its cursors: none missed, none twice."""
    for amount in range(1, 6):
        seat.spend(f"-{amount}.00")
    seen: list[str] = []
    cursor, late = "", iter([{}, {"booked_on": "2026-06-01"}, {"booked_on": "2026-06-15"}])
    while True:
        page = _page(seat, cursor, count=2)
        seen += [row["transaction_id"] for row in page["added"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
        fields = next(late, None)
        if fields is not None:
            seat.spend("-9.00", **fields)
    assert len(seen) == len(set(seen)) == 8
    assert set(seen) == {row["provider_transaction_id"] for row in seat.true_rows()}
    assert not _page(seat, page["next_cursor"])["added"]


def test_same_page_later(seat: Seat) -> None:
    """A cursor gives the same page again after commands, as far as the page was full."""
    for amount in range(1, 6):
        seat.spend(f"-{amount}.00")
    first = _page(seat, count=3)
    second = _page(seat, first["next_cursor"], count=2)
    seat.spend("-9.00", booked_on="2026-05-01")
    seat.desk.wait(days=1)
    seat.spend("-8.00")
    assert _page(seat, count=3)["added"] == first["added"]
    assert _page(seat, first["next_cursor"], count=2)["added"] == second["added"]


_STEPS = st.lists(
    st.sampled_from(
        [
            "spend",
            "pending",
            "late",
            "settle",
            "split",
            "cancel",
            "correct",
            "remove",
            "restore",
            "churn",
            "renew_account",
            "read",
            "read",
            "wait",
            "link",
        ]
    ),
    min_size=10,
    max_size=40,
)


_HEALTH = [HealthCheck.function_scoped_fixture]  # one desk for all stories, each with a person of its own


@settings(max_examples=25, suppress_health_check=_HEALTH, database=None)
@given(steps=_STEPS, count=st.integers(1, 4), user=st.uuids())
def test_any_story(desk: "Desk", steps: list[str], count: int, user: object) -> None:
    """Whatever is commanded between whatever pages: who applied every page has what is true."""
    _tell(desk, f"script-{user}", steps, count)


@settings(max_examples=5, suppress_health_check=_HEALTH, database=None)
@given(steps=_STEPS, count=st.integers(50, 99), user=st.uuids())
def test_any_story_of_a_life(desk: "Desk", steps: list[str], count: int, user: object) -> None:
    """The same of somebody who lives besides."""
    _tell(desk, f"maya-{user}", steps, count)


def _tell(desk: "Desk", user: str, steps: list[str], count: int) -> None:
    seats, removed = [take_seat(desk, "plaid", user=user)], list[str]()
    for step in steps:
        if step == "link":
            seats.append(take_seat(desk, "plaid", user=user))
        elif step == "read":
            _apply(seats[0], _page(seats[0], seats[0].cursor, count))
        else:
            _command(seats[0], step, removed)
    for seat in [*seats, take_seat(desk, "plaid", user=user)]:
        while True:
            page = _page(seat, seat.cursor, count)
            _apply(seat, page)
            if not page["has_more"]:
                break
        seat.agreed()


def _apply(seat: Seat, page: dict[str, Any]) -> None:
    for row in [*page["added"], *page["modified"]]:
        seat.synced[row["transaction_id"]] = row
    for row in page["removed"]:
        seat.synced.pop(row["transaction_id"], None)
    seat.cursor = page["next_cursor"]


def _command(seat: Seat, step: str, removed: list[str]) -> None:
    """One step of a story, if there is a row it can be about; the oldest such row it is."""
    rows = seat.true_rows()
    pending = [row["movement"] for row in rows if row["posting"] == "pending"]
    posted = [row["movement"] for row in rows if row["posting"] == "posted"]
    if step in {"spend", "pending"}:
        seat.spend(pending=step == "pending")
    elif step == "late":
        seat.spend(booked_on="2026-06-02")
    elif step == "wait":
        seat.desk.wait(days=1)
    elif step in {"churn", "renew_account"}:
        seat.order(step, account=seat.account)
    elif step in {"settle", "cancel"} and pending:
        seat.order(step, movement=pending[0])
    elif step == "split" and pending:
        seat.order("settle", movement=pending[0], parts=["-12.00", "-0.50"])
    elif step == "correct" and posted:
        seat.order(step, movement=posted[0], amount=f"-{len(rows)}.00")
    elif step == "remove" and posted:
        seat.order(step, movement=posted[0])
        removed.append(posted[0])
    elif step == "restore" and removed:
        seat.order(step, movement=removed.pop(0))


def test_command_in_the_instant_of_a_lived_movement() -> None:
    """What a life does in the very second of a command was there first, and stands first in the log."""
    world, book = World("1"), LogBook()
    item = Item("item", "token", "ins_56", "maya", (), 30, None, NOON, is_login_required=False)
    life = world.life("chase", "maya", NOON + timedelta(days=9))
    lived = next(row for row in life.movements if row.held is not None and row.authorised_at > NOON)
    served = book.entries(item, life, lived.authorised_at)
    wish = json.dumps({"account": lived.account.key, "amount": "-1.00", "description": "A"})
    world.command(Command(1, "chase", "maya", lived.authorised_at, "spend", wish))
    grown = book.entries(item, life, lived.authorised_at)
    assert grown[:-1] == served
    assert served[-1].movement == lived
    assert grown[-1].movement.text == "A"


def test_entries_of_each_command(seat: Seat) -> None:
    """Each command says what it changed: added, modified, removed, and a posted row next to its pending."""
    movement = seat.spend(pending=True)
    held = _id(seat, movement)
    assert _round(seat) == ({held}, set(), set())
    seat.order("settle", movement=movement)
    posted = _id(seat, movement)
    assert _round(seat) == ({posted}, set(), {held})
    seat.order("correct", movement=movement, amount="-1.00")
    assert _round(seat) == (set(), {posted}, set())
    seat.order("remove", movement=movement)
    assert _round(seat) == (set(), set(), {posted})
    seat.order("restore", movement=movement)
    assert _round(seat) == ({posted}, set(), set())
    seat.order("churn", account=seat.account)
    renamed = _id(seat, movement)
    assert _round(seat) == ({renamed}, set(), {posted})


def test_silent_churn(seat: Seat) -> None:
    """Ids changed in silence: the new rows come, and nobody is told the old ones went."""
    movement = seat.spend()
    _round(seat)
    seat.order("churn", account=seat.account, silent=True)
    assert _round(seat) == ({_id(seat, movement)}, set(), set())


@pytest.mark.parametrize("link", ["right", "none", "wrong"])
def test_pending_link(seat: Seat, link: str) -> None:
    """A posted row names the pending row it was, or none, or another one; the truth knows better."""
    movement, other = seat.spend("-5.00", pending=True), seat.spend("-6.00", pending=True)
    ids = {"right": _id(seat, movement), "none": None, "wrong": _id(seat, other)}
    seat.order("settle", movement=movement, link=link, wrong_of=other)
    (row,) = [row for row in _page(seat)["added"] if not row["pending"]]
    assert row["pending_transaction_id"] == ids[link]
    assert seat.true_row(movement)["pending_movement"] == movement


def test_links_of_parts(seat: Seat) -> None:
    """Every part names the pending row it was part of."""
    movement = seat.spend("-15.00", pending=True)
    held = _id(seat, movement)
    seat.order("settle", movement=movement, parts=["-10.00", "-5.00"])
    rows = [row for row in _page(seat)["added"] if not row["pending"]]
    assert [row["pending_transaction_id"] for row in rows] == [held, held]


def test_foreign_link(desk: "Desk") -> None:
    """Only Plaid names pending rows, so only there can it be wrong about them."""
    seat = take_seat(desk, "teller")
    movement = seat.spend(pending=True)
    assert seat.send("settle", movement=movement, link="none").status_code == 400
    assert seat.send("lose_cursor").status_code == 400


def test_wrong_link_to_another_account(seat: Seat) -> None:
    """A wrong link stays within the account."""
    movement = seat.spend(pending=True)
    other = seat.order("spend", account=seat.account_of("savings"), amount="-1.00", pending=True)["movement"]
    assert seat.send("settle", movement=movement, link="wrong", wrong_of=other).status_code == 400


def test_mutation_while_paging(seat: Seat) -> None:
    """As many loops as commanded break after their first page; begun anew, the next one goes through."""
    seat.order("spend", account=seat.account, amount="-1.00", count=5)
    seat.order("mutate_during_paging", times=2)
    for _ in range(2):
        first = _page(seat, count=2)
        assert len(first["added"]) == 2
        broken = _page(seat, first["next_cursor"], count=2)
        assert broken["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
        assert broken["error_type"] == "TRANSACTIONS_ERROR"
    seat.agreed()
    assert len(seat.synced) == 5


def test_lost_cursor(seat: Seat) -> None:
    """Lost cursors are refused like somebody else's; from the beginning everything is there again."""
    seat.spend()
    before = seat.agreed()
    seat.order("lose_cursor")
    refused = _page(seat, seat.cursor)
    assert (refused["error_type"], refused["error_code"]) == ("INVALID_REQUEST", "INVALID_FIELD")
    seat.cursor, seat.synced = "", {}
    assert seat.agreed() == before


def test_stages_by_command(seat: Seat) -> None:
    """Nothing, then thirty days, then what is older, with what was commanded meanwhile in its place."""
    seat.spend("-1.00", booked_on="2026-04-01")
    seat.spend("-2.00", booked_on="2026-06-01")
    again = take_seat(seat.desk, "plaid")
    again.order("stage", stage="not_ready")
    page = _page(again)
    assert (page["transactions_update_status"], page["next_cursor"], page["added"]) == ("NOT_READY", "", [])
    again.order("stage", stage="initial")
    page = _page(again)
    assert page["transactions_update_status"] == "INITIAL_UPDATE_COMPLETE"
    assert [row["amount"] for row in page["added"]] == [2]
    again.order("correct", movement="s1", amount="-1.50")
    again.spend("-3.00")
    again.order("stage", stage="historical")
    more = _page(again, page["next_cursor"])
    assert more["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"
    assert sorted(row["amount"] for row in more["added"]) == [1.5, 3]
    assert [row["amount"] for row in _page(again)["added"]] == [2, 3, 1.5]
    again.agreed()


def test_stages_by_time(open_desk: "OpenDesk") -> None:
    """A living person's first update comes in two parts, and together they are the whole history."""
    desk = open_desk(SandboxConfig(plaid_not_ready_s=10, plaid_initial_s=60))
    seat = take_seat(desk, "plaid", user="maya")
    assert not _page(seat)["added"]
    desk.wait(s=10)
    page = _page(seat)
    assert min(row["date"] for row in page["added"]) >= "2026-05-16"
    older = {"start_date": "2026-04-01", "end_date": "2026-06-15", "options": {"count": 500}}
    listed = desk.plaid("/transactions/get", access_token=seat.token, **older).json()
    assert listed["total_transactions"] == len(page["added"])
    _apply(seat, page)
    desk.wait(days=1)
    added, _, _ = _round(seat)
    assert added
    assert len(seat.agreed()) > len(page["added"])


def test_renewed_account(seat: Seat) -> None:
    """A renewed account has another id in this link alone: its rows go and come under new ids."""
    movement, held = seat.spend(), seat.spend(pending=True)
    other = take_seat(seat.desk, "plaid")
    before, elsewhere = seat.agreed(), other.agreed()
    old = {_id(seat, movement), _id(seat, held)}
    seat.order("renew_account", account=seat.account)
    added, modified, removed = _round(seat)
    assert (removed, modified) == (old, set())
    assert added == {_id(seat, movement), _id(seat, held)}
    assert not {row[0] for row in seat.agreed()} & {row[0] for row in before}
    assert other.agreed() == elsewhere


def test_revoked_item(seat: Seat) -> None:
    """What the customer took back stays back: every read says so, and so does the Item."""
    seat.order("revoke")
    assert _page(seat)["error_code"] == "USER_PERMISSION_REVOKED"
    item = seat.desk.plaid("/item/get", access_token=seat.token).json()["item"]
    assert item["error"]["error_code"] == "USER_PERMISSION_REVOKED"


def test_times_of_a_row(seat: Seat) -> None:
    """A row authorised on another day than it was booked says so; one booked at once names no day."""
    seat.spend("-1.00", booked_on="2026-06-10", authorised_on="2026-06-08")
    seat.spend("-2.00")
    rows = {row["amount"]: row["authorized_date"] for row in _page(seat)["added"]}
    assert rows == {1: "2026-06-08", 2: None}


def test_merchant(seat: Seat) -> None:
    """A counterparty is the merchant; without one there is none."""
    seat.spend("-1.00", counterparty="Tea House")
    seat.spend("-2.00")
    rows = {row["amount"]: row["merchant_name"] for row in _page(seat)["added"]}
    assert rows == {1: "Tea House", 2: None}
