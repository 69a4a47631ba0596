"""Commands about a bank or a link: outages, consent that ends, accounts that close, ids that do not stay."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bank_sync.sandbox.gocardless.quirks import QUIRKS
from bank_sync_tests.sandbox.book_seat import PROVIDERS, Seat, linked_accounts, take_seat

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk


@pytest.fixture(params=PROVIDERS)
def seat(request: pytest.FixtureRequest, desk: "Desk") -> Seat:
    """A scripted person at each provider in turn."""
    return take_seat(desk, request.param)


def _read(seat: Seat, account: str) -> httpx.Response:
    """The provider's answer to a read of that account's rows."""
    if seat.provider == "plaid":
        return seat.desk.plaid("/transactions/sync", access_token=seat.token)
    if seat.provider == "teller":
        return seat.desk.teller(seat.token, f"/accounts/{account}/transactions")
    return seat.desk.gocardless("GET", f"/accounts/{account}/transactions/", seat.desk.gocardless_token())


def _error(answer: httpx.Response) -> tuple[int, str]:
    """The status, and the word a client would act on."""
    body: dict[str, Any] = answer.json()
    word = body.get("error_code") or body.get("type") or body.get("summary") or body["error"]["code"]
    return answer.status_code, str(word)


_DOWN = {
    "plaid": (400, "INSTITUTION_DOWN"),
    "teller": (502, "bad_gateway"),
    "gocardless": (503, "ServiceError"),
}


def test_outage(seat: Seat) -> None:
    """While the bank is down the provider says so in its own words; after it all is as before."""
    seat.spend()
    before, account = seat.agreed(), seat.account
    seat.order("outage", on=True)
    assert _error(_read(seat, account)) == _DOWN[seat.provider]
    seat.order("outage", on=False)
    assert seat.agreed() == before


def test_expired_consent(seat: Seat) -> None:
    """Expired consent asks for the customer, and Plaid's and Teller's logins can be repaired."""
    account = seat.account
    seat.order("expire_consent")
    status, word = _error(_read(seat, account))
    wanted = {
        "plaid": (400, "ITEM_LOGIN_REQUIRED"),
        "teller": (404, "enrollment.disconnected"),
        "gocardless": (401, "End User Agreement (EUA)"),
    }[seat.provider]
    assert (status, word[: len(wanted[1])]) == wanted
    if seat.provider != "gocardless":
        seat.desk.client.post(f"{seat.desk.url}/_sandbox/links/{seat.token}/repair", json={})
        assert _read(seat, account).status_code == 200


def test_expired_agreement(desk: "Desk") -> None:
    """The requisition of an expired agreement says so."""
    seat = take_seat(desk, "gocardless")
    seat.order("expire_consent")
    token = desk.gocardless_token()
    assert desk.gocardless("GET", f"/requisitions/{seat.token}/", token).json()["status"] == "EX"


def test_revoked(seat: Seat) -> None:
    """Revoked access is refused in the provider's own words."""
    account = seat.account
    seat.order("revoke")
    assert (
        _error(_read(seat, account))
        == {
            "plaid": (400, "USER_PERMISSION_REVOKED"),
            "teller": (403, "forbidden"),
            "gocardless": (401, "AccessExpiredError"),
        }[seat.provider]
    )


def test_closed_account(seat: Seat) -> None:
    """A closed account is gone or says so, the others go on, and a reopened one is as it was."""
    seat.spend()
    savings = seat.account_of("savings")
    seat.order("spend", account=savings, amount="1.00")
    before, account = seat.agreed(), seat.account
    seat.order("close_account", account=account)
    assert [each["is_closed"] for each in seat.truth() if each["provider_account_id"] == account] == [True]
    if seat.provider == "plaid":
        assert account not in seat.balances()
        assert savings in seat.balances()
    else:
        closed = {"teller": (410, "account.closed"), "gocardless": (401, "AccountInactiveError")}
        assert _error(_read(seat, account)) == closed[seat.provider]
        assert _read(seat, savings).status_code == 200
    seat.order("reopen_account", account=account)
    assert seat.agreed() == before


def test_status_of_a_closed_account(desk: "Desk") -> None:
    """Teller lists a closed account as closed."""
    seat = take_seat(desk, "teller")
    seat.order("close_account", account=seat.account)
    listed = {each["id"]: each["status"] for each in desk.teller(seat.token, "/accounts").json()}
    assert listed.pop(seat.account) == "closed"
    assert set(listed.values()) == {"open"}


def test_link_after_a_closing(desk: "Desk") -> None:
    """A closed account is not part of a new requisition."""
    seat = take_seat(desk, "gocardless")
    seat.order("close_account", account=seat.account)
    assert len(linked_accounts(take_seat(desk, "gocardless"))) == len(linked_accounts(seat)) - 1


def test_renewed_account(seat: Seat) -> None:
    """A renewed account has a new id in this link, where the old one leads nowhere, and the same money."""
    seat.spend()
    before, old = seat.agreed(), seat.account
    elsewhere = take_seat(seat.desk, seat.provider)
    other = elsewhere.account
    seat.order("renew_account", account=old)
    after = seat.agreed()
    assert seat.account != old
    assert elsewhere.account == other
    assert [row[2:] for row in after] == [row[2:] for row in before]
    if seat.provider != "plaid":
        assert _read(seat, old).status_code == 404
    assert seat.send("close_account", account=old).status_code == 404


def _ids(seat: Seat) -> dict[Decimal, str | None]:
    return {row[2]: row[1] for row in seat.rows()}


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_ids_of_every_read(desk: "Desk", provider: str) -> None:
    """Unstable ids are others at every read, and the truth names none, until they are stable again."""
    seat = take_seat(desk, provider)
    seat.spend("-1.00")
    before = _ids(seat)
    seat.order("churn", account=seat.account, every_read=True)
    reads = [_ids(seat)[Decimal("-1.00")] for _ in range(3)]
    assert len({*reads, *before.values()}) == 4
    assert [row["provider_transaction_id"] for row in seat.true_rows()] == [None]
    seat.order("churn", account=seat.account, every_read=False)
    assert _ids(seat) == before


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_positional_ids(desk: "Desk", provider: str) -> None:
    """Positional ids stay at their place in the list when a row comes in before it."""
    seat = take_seat(desk, provider)
    seat.spend("-1.00")
    seat.spend("-2.00")
    seat.order("churn", account=seat.account, positional=True)
    before = _ids(seat)
    desk.wait(days=1)
    seat.spend("-3.00")
    after = _ids(seat)
    assert after[Decimal("-3.00")] == before[Decimal("-2.00")]
    assert after[Decimal("-2.00")] == before[Decimal("-1.00")]
    seat.agreed()


def test_ids_plaid_keeps(desk: "Desk") -> None:
    """Plaid has neither unstable nor positional ids."""
    seat = take_seat(desk, "plaid")
    for wish in ("every_read", "positional"):
        assert seat.send("churn", account=seat.account, **{wish: True}).status_code == 400


def test_book_shared_by_providers(desk: "Desk") -> None:
    """The book belongs to the person and the bank: reached through two providers it is the same."""
    plaid = Seat(desk, "plaid", desk.plaid_link(institution="ins_56", user="script"))
    teller = Seat(desk, "teller", desk.teller_enroll("script", institution="chase")["accessToken"])
    plaid.spend("-4.00", description="TEA")
    assert [row[2:] for row in teller.agreed()] == [row[2:] for row in plaid.agreed()]


def test_book_of_one_person(desk: "Desk") -> None:
    """Nobody else's book is touched."""
    first, second = (take_seat(desk, "plaid", user=f"script-{number}") for number in range(2))
    first.spend()
    first.order("outage", on=True)
    assert second.agreed() == []


@pytest.mark.parametrize("institution", sorted(QUIRKS))
def test_ids_of_a_bent_bank(desk: "Desk", institution: str) -> None:
    """Where a bank bends its rows, the truth names the ids it shows, or none where it shows none."""
    token = desk.gocardless_token()
    linked = desk.gocardless_link(token, institution, "script", max_historical_days=30)
    seat = Seat(desk, "gocardless", linked["id"])
    seat.order("spend", account=seat.account, amount="-1.00", count=2)
    path = f"/accounts/{seat.account}/transactions/"
    shown = desk.gocardless("GET", path, token).json()["transactions"]["booked"]
    named = {row["provider_transaction_id"] for row in seat.true_rows()}
    assert {row.get("transactionId") for row in shown} == named
