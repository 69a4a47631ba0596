"""What is commanded happens: each command about money, at each provider, on the wire and in truth."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bank_sync.sandbox.config import SandboxConfig
from bank_sync_tests.sandbox.book_seat import PROVIDERS, Seat, take_seat

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


@pytest.fixture(params=PROVIDERS)
def seat(request: pytest.FixtureRequest, desk: "Desk") -> Seat:
    """A scripted person at each provider in turn."""
    return take_seat(desk, request.param)


def test_blank_page(seat: Seat) -> None:
    """A scripted person has accounts with a fixed opening balance and no movement, however long one waits."""
    seat.desk.wait(days=40)
    assert seat.agreed() == []
    current = {each["subtype"]: each["current"] for each in seat.truth()}
    assert (current["checking"], current["savings"]) == ("1000.00", "5000.00")


def test_spend(seat: Seat) -> None:
    """A booked movement shows at once, with its own words and amount, on the right balance."""
    movement = seat.spend("-12.5", description="TEA HOUSE", counterparty="Tea House")
    ((_, _, *facts),) = seat.agreed()
    assert facts == [Decimal("-12.50"), "posted", "2026-06-15", "TEA HOUSE"]
    true = seat.true_row(movement)
    assert (true["counterparty"], true["parent"], true["pending_movement"]) == ("Tea House", None, None)
    assert seat.balances()[seat.account] == Decimal("987.50")


def test_card(seat: Seat) -> None:
    """On a card what is spent is owed, and a refund comes back, in the provider's own signs."""
    card = seat.account_of("card")
    seat.order("spend", account=card, amount="-30.00")
    seat.order("spend", account=card, amount="5.00")
    seat.agreed()
    assert seat.balances()[card] == Decimal("-25.00")


def test_late_row(seat: Seat) -> None:
    """A row booked in the past comes now, under its own day."""
    seat.spend("-1.00")
    seat.agreed()
    seat.spend("-2.00", booked_on="2026-06-01", authorised_on="2026-05-30")
    assert {(row[2], row[4]) for row in seat.agreed()} == {
        (Decimal("-1.00"), "2026-06-15"),
        (Decimal("-2.00"), "2026-06-01"),
    }


def test_identical_rows(seat: Seat) -> None:
    """Rows alike in everything are as many as were commanded, each a movement of its own."""
    made = seat.order("spend", account=seat.account, amount="-3.20", description="COFFEE", count=3)
    rows = seat.agreed()
    assert len(set(made["movements"])) == len(rows) == 3
    assert len({row[2:] for row in rows}) == 1


def test_pending_stays(seat: Seat) -> None:
    """A pending row is held, not booked, and stays until something is done about it."""
    movement = seat.spend("-20.00", pending=True)
    seat.desk.wait(days=30)
    ((_, _, *facts),) = seat.agreed()
    assert facts[:3] == [Decimal("-20.00"), "pending", "2026-06-15"]
    main = next(each for each in seat.truth() if each["subtype"] == "checking")
    assert (main["current"], main["available"]) == ("1000.00", "980.00")
    assert seat.true_row(movement)["pending_movement"] is None


def test_settle(seat: Seat) -> None:
    """A pending row becomes a posted one: another id, the tip on top, the same movement."""
    movement = seat.spend("-20.00", pending=True, description="DINER HOLD")
    (before,) = seat.agreed()
    seat.desk.wait(days=2)
    assert seat.order("settle", movement=movement, amount="-23.00", description="DINER") == {
        "movement": movement
    }
    (after,) = seat.agreed()
    assert after[2:] == (Decimal("-23.00"), "posted", "2026-06-17", "DINER")
    assert after[1] != before[1]
    true = seat.true_row(movement)
    assert (true["pending_movement"], true["authorised_on"]) == (movement, "2026-06-15")


def test_settle_in_parts(seat: Seat) -> None:
    """A pending row may post as several, each a movement of its own and truly of that pending."""
    movement = seat.spend("-15.00", pending=True)
    seat.agreed()
    parts = seat.order("settle", movement=movement, parts=["-10.00", "-5.00"])["movements"]
    assert sorted(row[2] for row in seat.agreed()) == [Decimal("-10.00"), Decimal("-5.00")]
    for part in parts:
        true = seat.true_row(part)
        assert (true["parent"], true["pending_movement"]) == (movement, movement)


def test_cancel(seat: Seat) -> None:
    """A cancelled pending row is gone, and so is its hold."""
    movement = seat.spend("-20.00", pending=True)
    seat.agreed()
    seat.order("cancel", movement=movement)
    assert seat.agreed() == []
    assert seat.send("settle", movement=movement).status_code == 404


def test_correct(seat: Seat) -> None:
    """A corrected row keeps its id and has the new facts."""
    movement = seat.spend("-20.00")
    (before,) = seat.agreed()
    seat.order("correct", movement=movement, amount="-21.00", description="RIGHT", booked_on="2026-06-14")
    (after,) = seat.agreed()
    assert (after[1], after[2:]) == (before[1], (Decimal("-21.00"), "posted", "2026-06-14", "RIGHT"))


def test_remove_and_restore(seat: Seat) -> None:
    """A row the bank removes is gone from the balance too, and comes back under the same id."""
    movement = seat.spend("-20.00")
    before = seat.agreed()
    seat.order("remove", movement=movement)
    assert seat.agreed() == []
    seat.order("restore", movement=movement)
    assert seat.agreed() == before


def test_removed_and_restored_between_reads(seat: Seat) -> None:
    """A row that went and came back between two reads is still there after the second."""
    movement = seat.spend("-20.00")
    before = seat.agreed()
    seat.order("remove", movement=movement)
    seat.order("restore", movement=movement)
    assert seat.agreed() == before


def test_churn(seat: Seat) -> None:
    """All booked rows of an account get other ids; pending rows and other accounts keep theirs."""
    seat.spend("-1.00")
    seat.spend("-2.00")
    seat.spend("-3.00", pending=True)
    seat.order("spend", account=seat.account_of("savings"), amount="4.00")
    before = {row[2]: row[1] for row in seat.agreed()}
    movements = {row["movement"] for row in seat.true_rows()}
    seat.order("churn", account=seat.account)
    after = {row[2]: row[1] for row in seat.agreed()}
    changed = {amount for amount, row_id in before.items() if after[amount] != row_id}
    assert changed == {Decimal("-1.00"), Decimal("-2.00")}
    assert {row["movement"] for row in seat.true_rows()} == movements


def test_second_link(seat: Seat) -> None:
    """The same person linked again has the same movements, and no id of an account or row in common."""
    seat.spend("-1.00")
    held = seat.spend("-2.00", pending=True)
    seat.spend("-5.00", pending=True)
    seat.order("settle", movement=held)
    first = seat.agreed()
    again = take_seat(seat.desk, seat.provider)
    second = again.agreed()
    assert sorted(row[2:] for row in first) == sorted(row[2:] for row in second)
    assert not {row[0] for row in first} & {row[0] for row in second}
    assert {row["movement"] for row in again.true_rows()} == {"s1", "s2", "s3"}
    if seat.provider != "gocardless":  # there the bank's own id goes through, GoCardless's does not
        assert not {row[1] for row in first} & {row[1] for row in second}
    again.spend("-7.00")
    assert len(seat.agreed()) == 4


def test_internal_id_of_a_second_link(desk: "Desk") -> None:
    """GoCardless's own id of a row is new with every requisition."""
    seats = [take_seat(desk, "gocardless") for _ in range(2)]
    seats[0].spend()
    ids = set()
    for seat in seats:
        path = f"/accounts/{seat.account}/transactions/"
        (row,) = desk.gocardless("GET", path, desk.gocardless_token()).json()["transactions"]["booked"]
        ids.add(row["internalTransactionId"])
    assert len(ids) == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_restart(open_desk: "OpenDesk", tmp_path: Path, provider: str) -> None:
    """A restart keeps the book: rows, ids and where a sync stood."""
    config = SandboxConfig(state_path=tmp_path / "state.json")
    seat = take_seat(open_desk(config), provider)
    movement = seat.spend("-1.00", pending=True)
    seat.order("settle", movement=movement)
    removed = seat.spend("-2.00")
    seat.order("remove", movement=removed)
    seat.order("churn", account=seat.account)
    before = seat.agreed()
    seat.desk = open_desk(config)
    assert seat.agreed() == before
    seat.order("restore", movement=removed)
    assert seat.spend("-3.00") == "s3"
    assert len(seat.agreed()) == 3


@pytest.mark.parametrize("provider", PROVIDERS)
def test_commands_on_a_lived_life(desk: "Desk", provider: str) -> None:
    """A person who leads a life takes the same commands about its movements and new ones, and lives on."""
    seat = take_seat(desk, provider, user="maya")
    for _ in range(10):
        seat.agreed()
        pending = [row["movement"] for row in seat.true_rows() if row["posting"] == "pending"]
        if len(pending) >= 2:
            break
        desk.wait(days=1)
    posted = [row["movement"] for row in seat.true_rows() if row["posting"] == "posted"]
    seat.order("settle", movement=pending[0], amount="-99.00")
    seat.order("cancel", movement=pending[1])
    seat.order("correct", movement=posted[-1], description="CORRECTED")
    seat.order("remove", movement=posted[-2])
    seat.order("churn", account=seat.account)
    seat.spend("-1.23")
    seat.agreed()
    desk.wait(days=9)
    later = {row["movement"]: row for row in seat.true_rows()}
    seat.agreed()
    assert later[pending[0]]["amount"] == "-99.00"
    assert later[posted[-1]]["description"] == "CORRECTED"
    assert not {pending[1], posted[-2]} & set(later)
    assert len(later) > len(posted)


def test_restart_of_a_lived_life(open_desk: "OpenDesk", tmp_path: Path) -> None:
    """What was commanded about a lived movement is found again after a restart."""
    config = SandboxConfig(state_path=tmp_path / "state.json")
    seat = take_seat(open_desk(config), "teller", user="maya")
    movements = [row["movement"] for row in seat.true_rows() if row["posting"] == "posted"]
    seat.order("remove", movement=movements[-1])
    seat.order("correct", movement=movements[-2], amount="-77.77")
    seat.order("churn", account=seat.account)
    before = seat.agreed()
    seat.desk = open_desk(config)
    assert seat.agreed() == before


def test_forgotten_book(desk: "Desk") -> None:
    """A book that was put away for want of room is opened again just as it was."""
    seat = take_seat(desk, "plaid")
    seat.order("remove", movement=seat.spend("-1.00"))
    seat.order("settle", movement=seat.spend("-2.00", pending=True), parts=["-1.50", "-0.50"])
    before = seat.agreed()
    for stranger in range(130):
        take_seat(desk, "teller", user=f"script-{stranger}").truth()
    assert seat.agreed() == before
    assert seat.spend() == "s5"


def _nonsense() -> Iterator[tuple[str, dict[str, Any], int]]:
    yield "dance", {}, 400
    yield "spend", {"account": "nobody's", "amount": "-1.00"}, 404
    yield "spend", {"amount": "much"}, 400
    yield "spend", {"amount": -1.5}, 400
    yield "spend", {"amount": "-1.005"}, 400
    yield "spend", {"amount": "-1e30"}, 400
    yield "spend", {}, 400
    yield "spend", {"amount": "-1.00", "booked_on": "soon"}, 400
    yield "spend", {"amount": "-1.00", "authorised_on": "2030-01-01"}, 400
    yield "spend", {"amount": "-1.00", "pending": "yes"}, 400
    yield "spend", {"amount": "-1.00", "pending": True, "booked_on": "2026-06-01"}, 400
    yield "spend", {"amount": "-1.00", "count": 0}, 400
    yield "settle", {"movement": "s9"}, 404
    yield "settle", {"movement": "s1"}, 400
    yield "settle", {"movement": "s2", "parts": []}, 400
    yield "settle", {"movement": "s2", "link": "perhaps"}, 400
    yield "cancel", {"movement": "s1"}, 400
    yield "correct", {"movement": "s2"}, 400
    yield "remove", {"movement": "s2"}, 400
    yield "restore", {"movement": "s1"}, 404
    yield "outage", {}, 400
    yield "outage", {"on": "on"}, 400


@pytest.mark.parametrize(("op", "fields", "status"), list(_nonsense()))
def test_nonsense(desk: "Desk", op: str, fields: dict[str, Any], status: int) -> None:
    """What cannot be done is refused with a sentence, and nothing has changed."""
    seat = take_seat(desk, "plaid")
    seat.spend("-1.00")
    seat.spend("-2.00", pending=True)
    before = seat.agreed()
    refused = seat.send(op, **{"account": seat.account, **fields})
    assert (refused.status_code, refused.json()["error"][-1]) == (status, ".")
    assert seat.agreed() == before


def test_unknown_link(desk: "Desk") -> None:
    """A command needs a living link."""
    assert Seat(desk, "plaid", "access-of-nobody").send("spend").status_code == 404
    assert Seat(desk, "bank", "token").send("spend").status_code == 404
