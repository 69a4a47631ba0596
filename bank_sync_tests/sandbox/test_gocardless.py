"""The GoCardless protocol: tokens, agreements, consent, account data, limits and shapes of error."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bank_sync.sandbox.config import SandboxConfig

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk

COMMERZBANK = "COMMERZBANK_COBADEFF"


def _requisition(desk: "Desk", token: str, **wish: object) -> httpx.Response:
    body = {"redirect": "http://localhost/back?keep=1", "institution_id": COMMERZBANK, **wish}
    return desk.gocardless("POST", "/requisitions/", token, **body)


def test_wrong_secrets(open_desk: "OpenDesk") -> None:
    """Where a pair is configured any other is 401 Authentication failed."""
    desk = open_desk(SandboxConfig(gocardless_secret_id="right", gocardless_secret_key="right"))
    refused = desk.gocardless("POST", "/token/new/", "", secret_id="right", secret_key="wrong")
    assert (refused.status_code, refused.json()["summary"]) == (401, "Authentication failed")
    good = desk.gocardless("POST", "/token/new/", "", secret_id="right", secret_key="right")
    assert good.json()["refresh_expires"] == 2_592_000


def test_life_of_tokens(desk: "Desk") -> None:
    """An access token lives a day, a refresh token thirty; refreshing gives no new refresh token."""
    pair = desk.gocardless("POST", "/token/new/", "", secret_id="i", secret_key="k").json()
    assert desk.gocardless("GET", "/institutions/?country=de", pair["access"]).status_code == 200
    desk.wait(days=1)
    late = desk.gocardless("GET", "/institutions/?country=de", pair["access"])
    assert (late.status_code, late.json()["summary"]) == (401, "Invalid token")
    renewed = desk.gocardless("POST", "/token/refresh/", "", refresh=pair["refresh"]).json()
    assert set(renewed) == {"access", "access_expires"}
    assert desk.gocardless("GET", "/institutions/?country=de", renewed["access"]).status_code == 200
    desk.wait(days=29)
    assert desk.gocardless("POST", "/token/refresh/", "", refresh=pair["refresh"]).status_code == 401


@pytest.mark.parametrize("token", ["", "noise", "a.b.c"])
def test_bad_bearer(desk: "Desk", token: str) -> None:
    """A token this server did not sign is 401 Invalid token."""
    refused = desk.gocardless("GET", "/institutions/", token)
    assert (refused.status_code, refused.json()["detail"]) == (401, "Token is invalid or expired")


def test_refresh_token_as_bearer(desk: "Desk") -> None:
    """A refresh token opens nothing but the refresh."""
    pair = desk.gocardless("POST", "/token/new/", "", secret_id="i", secret_key="k").json()
    assert desk.gocardless("GET", "/institutions/", pair["refresh"]).status_code == 401


def test_institutions(desk: "Desk") -> None:
    """Countries in either case; both day limits are text; a country out of reach is a field error."""
    token = desk.gocardless_token()
    lower = desk.gocardless("GET", "/institutions/?country=de", token).json()
    assert lower == desk.gocardless("GET", "/institutions?country=DE", token).json()
    assert {each["transaction_total_days"] for each in lower} == {"730", "540", "90"}
    refused = desk.gocardless("GET", "/institutions/?country=US", token).json()
    assert refused["country"]["detail"] == "US is not a valid choice."
    assert desk.gocardless("GET", "/institutions/NOBODY/", token).status_code == 404


def test_agreement_beyond_the_limits(desk: "Desk") -> None:
    """Both day limits are checked against the institution, each under its own field (shape B)."""
    token = desk.gocardless_token()
    wish = {"institution_id": "SANDBOXFINANCE_SFIN0000"}
    refused = desk.gocardless(
        "POST", "/agreements/enduser/", token, max_historical_days=91, access_valid_for_days=181, **wish
    )
    body = refused.json()
    assert refused.status_code == 400
    assert "transaction_total_days (90)" in body["max_historical_days"]["detail"]
    assert body["access_valid_for_days"]["detail"].endswith("<= 180")


def test_agreement_without_institution(desk: "Desk") -> None:
    """A missing field is a list of sentences under its name."""
    refused = desk.gocardless(
        "POST", "/agreements/enduser/", desk.gocardless_token(), access_scope=["details"]
    )
    assert refused.json()["institution_id"] == ["This field is required."]


def test_scopes_that_belong_together(desk: "Desk") -> None:
    """Some institutions want scopes together and say so in lists (shape C)."""
    refused = desk.gocardless(
        "POST",
        "/agreements/enduser/",
        desk.gocardless_token(),
        institution_id="ABNAMRO_ABNANL2A",
        access_scope=["balances", "transactions"],
    )
    assert refused.status_code == 400
    assert refused.json()["summary"] == ["Institution access scope dependencies error"]


def test_agreements_listed_and_deleted(desk: "Desk") -> None:
    """An agreement can be read, listed and deleted until it is accepted."""
    token = desk.gocardless_token()
    made = desk.gocardless("POST", "/agreements/enduser/", token, institution_id=COMMERZBANK)
    assert (made.status_code, made.json()["accepted"]) == (201, None)
    path = f"/agreements/enduser/{made.json()['id']}"
    assert desk.gocardless("GET", f"{path}/", token).json() == made.json()
    assert desk.gocardless("GET", "/agreements/enduser/", token).json()["results"] == [made.json()]
    assert desk.gocardless("PUT", f"{path}/accept/", token).status_code == 403
    assert desk.gocardless("DELETE", path, token).status_code == 200
    assert desk.gocardless("GET", f"{path}/", token).status_code == 404
    linked = desk.gocardless_link(token)
    assert desk.gocardless("DELETE", f"/agreements/enduser/{linked['agreement']}/", token).status_code == 400


def test_consent_given(desk: "Desk") -> None:
    """Created, opened, approved: the browser goes back with the reference and accounts are there."""
    token = desk.gocardless_token()
    made = _requisition(desk, token, reference="ref-1")
    requisition = made.json()
    assert (made.status_code, requisition["status"], requisition["accounts"]) == (201, "CR", [])
    page = desk.client.get(requisition["link"])
    assert "Commerzbank" in page.text
    path = f"/requisitions/{requisition['id']}/"
    assert desk.gocardless("GET", path, token).json()["status"] == "GC"
    back = desk.client.post(requisition["link"], data={"decision": "approve"})
    assert (back.status_code, back.headers["location"]) == (302, "http://localhost/back?keep=1&ref=ref-1")
    linked = desk.gocardless("GET", path, token).json()
    assert (linked["status"], len(linked["accounts"])) == ("LN", 3)


def test_consent_refused(desk: "Desk") -> None:
    """A person who cancels goes back with the error, and the requisition is rejected for good."""
    token = desk.gocardless_token()
    requisition = _requisition(desk, token, reference="ref-2").json()
    back = desk.client.post(requisition["link"], data={"decision": "cancel"})
    assert "error=UserCancelledSession" in back.headers["location"]
    assert desk.gocardless("GET", f"/requisitions/{requisition['id']}/", token).json()["status"] == "RJ"
    again = desk.client.get(requisition["link"])
    assert "error=RequisitionLinkReused" in again.headers["location"]


def test_consent_without_a_person(desk: "Desk") -> None:
    """`?auto=1` approves at once, as whom `username` says or the reference before its colon."""
    token = desk.gocardless_token()
    named = _requisition(desk, token, reference="jonas:1").json()
    desk.client.get(f"{named['link']}?auto=1")
    given = _requisition(desk, token, reference="2").json()
    desk.client.get(f"{given['link']}?auto=1&username=jonas")
    ibans = [[each["iban"] for each in desk.truth("gocardless", one["id"])] for one in (named, given)]
    assert ibans[0] == ibans[1] != []


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"institution_id": "NOBODY"}, "institution_id"),
        ({"redirect": "javascript:alert(1)"}, "redirect"),
        ({"reference": "x" * 257}, "reference"),
    ],
)
def test_refused_requisition(desk: "Desk", wish: dict[str, str], field: str) -> None:
    """What is wrong stands under its field."""
    refused = _requisition(desk, desk.gocardless_token(), **wish)
    assert refused.status_code == 400
    assert set(refused.json()) == {field, "status_code"}


def test_reference_used_twice(desk: "Desk") -> None:
    """A reference is unique: that is the guard against doing a thing twice."""
    token = desk.gocardless_token()
    assert _requisition(desk, token, reference="same").status_code == 201
    again = _requisition(desk, token, reference="same")
    assert again.status_code == 400
    assert set(again.json()) == {"reference", "status_code"}


def test_deleted_requisition(desk: "Desk") -> None:
    """With the requisition its agreement and its accounts are gone."""
    token = desk.gocardless_token()
    linked = desk.gocardless_link(token)
    gone = desk.gocardless("DELETE", f"/requisitions/{linked['id']}", token)
    assert gone.json()["summary"] == "Requisition deleted"
    account = linked["accounts"][0]
    assert desk.gocardless("GET", f"/accounts/{account}/", token).json()["summary"] == "Not found."
    data = desk.gocardless("GET", f"/accounts/{account}/balances/", token).json()
    assert data["summary"] == f"Account ID {account} not found"
    assert desk.gocardless("GET", "/requisitions/", token).json()["count"] == 0


def test_account_that_is_no_uuid(desk: "Desk") -> None:
    """An id that is no UUID is 400."""
    refused = desk.gocardless("GET", "/accounts/abc/details/", desk.gocardless_token())
    assert refused.json()["detail"] == "abc is not a valid Account UUID. "


def _data(desk: "Desk", token: str, account: str, scope: str) -> dict[str, Any]:
    return dict(desk.gocardless("GET", f"/accounts/{account}/{scope}", token).json())


def test_account_data(desk: "Desk") -> None:
    """Details, balances and rows agree with the truth; pending rows have no id, cards no IBAN."""
    token = desk.gocardless_token()
    linked = desk.gocardless_link(token, max_historical_days=365)
    for known in desk.truth("gocardless", linked["id"]):
        account = known["provider_account_id"]
        details = _data(desk, token, account, "details/")["account"]
        assert details.get("iban") == known["iban"]
        assert (details["cashAccountType"] == "CARD") == (known["type"] == "credit")
        balances = {each["balanceType"]: each for each in _data(desk, token, account, "balances")["balances"]}
        assert balances["interimBooked"]["balanceAmount"]["amount"] == known["current"]
        listed = _data(desk, token, account, "transactions/")["transactions"]
        booked = {row["transactionId"]: row["transactionAmount"]["amount"] for row in listed["booked"]}
        posted = [row for row in known["transactions"] if row["posting"] == "posted"]
        assert booked == {row["provider_transaction_id"]: row["amount"] for row in posted}
        assert not any("transactionId" in row or "internalTransactionId" in row for row in listed["pending"])
        assert len(listed["pending"]) == len(known["transactions"]) - len(posted)


def test_range_of_days(desk: "Desk") -> None:
    """Both ends are included; a day in the future is a field error; history ends where the agreement does."""
    token = desk.gocardless_token()
    account = desk.gocardless_link(token, max_historical_days=30)["accounts"][0]
    every = _data(desk, token, account, "transactions/")["transactions"]["booked"]
    assert min(row["bookingDate"] for row in every) >= "2026-05-16"
    one_day = _data(desk, token, account, "transactions/?date_from=2026-06-01&date_to=2026-06-01")
    rows = one_day["transactions"]["booked"]
    assert rows == [row for row in every if row["bookingDate"] == "2026-06-01"]
    assert rows
    late = _data(desk, token, account, "transactions/?date_from=2026-06-16&date_to=2026-06-10")
    assert late["date_from"]["summary"] == "Date can't be in future"


def test_currencies_of_one_iban(desk: "Desk") -> None:
    """A multi-currency account is several accounts of one IBAN, with no and with three decimals."""
    token = desk.gocardless_token()
    linked = desk.gocardless_link(token, "REVOLUT_REVOGB21")
    truth = desk.truth("gocardless", linked["id"])
    assert [each["currency"] for each in truth] == ["GBP", "JPY", "KWD"]
    assert len({each["iban"] for each in truth}) == 1
    decimals = [-Decimal(each["current"]).as_tuple().exponent for each in truth]  # type: ignore[operator] # finite
    assert decimals == [2, 0, 3]


def test_linked_again(desk: "Desk") -> None:
    """After a new consent the accounts have new ids, the same IBANs and the bank's own transaction ids."""
    token = desk.gocardless_token()
    first, second = desk.gocardless_link(token), desk.gocardless_link(token)
    assert not set(first["accounts"]) & set(second["accounts"])
    rows = [
        _data(desk, token, linked["accounts"][0], "transactions/")["transactions"]["booked"]
        for linked in (first, second)
    ]
    assert [row["transactionId"] for row in rows[0]] == [row["transactionId"] for row in rows[1]]
    internal = [{row["internalTransactionId"] for row in each} for each in rows]
    assert not internal[0] & internal[1]


def test_consent_runs_out(desk: "Desk") -> None:
    """After its days an agreement gives 401 on data, the account reads EXPIRED and the requisition EX."""
    linked = desk.gocardless_link(desk.gocardless_token(), access_valid_for_days=10)
    account = linked["accounts"][0]
    desk.wait(days=9.9)
    assert "balances" in _data(desk, desk.gocardless_token(), account, "balances/")
    desk.wait(days=0.1)
    token = desk.gocardless_token()
    refused = desk.gocardless("GET", f"/accounts/{account}/balances/", token)
    assert refused.status_code == 401
    assert refused.json()["summary"] == f"End User Agreement (EUA) {linked['agreement']} has expired"
    assert "10 days" in refused.json()["detail"]
    assert desk.gocardless("GET", f"/accounts/{account}/", token).json()["status"] == "EXPIRED"
    assert desk.gocardless("GET", f"/requisitions/{linked['id']}/", token).json()["status"] == "EX"


def test_scope_not_agreed_to(desk: "Desk") -> None:
    """Data outside the agreement's scope is forbidden."""
    token = desk.gocardless_token()
    account = desk.gocardless_link(token, access_scope=["details"])["accounts"][0]
    refused = desk.gocardless("GET", f"/accounts/{account}/transactions/", token)
    assert (refused.status_code, refused.json()["type"]) == (403, "AccountAccessForbidden")


def test_four_a_day(open_desk: "OpenDesk") -> None:
    """Where limits bind, a scope answers four times a day and account, and says how long to wait."""
    desk = open_desk(SandboxConfig(enforce_limits=True))
    token = desk.gocardless_token()
    account = desk.gocardless_link(token)["accounts"][0]
    path = f"/accounts/{account}/balances/"
    left = [
        desk.gocardless("GET", path, token).headers["HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING"]
        for _ in range(4)
    ]
    assert left == ["3", "2", "1", "0"]
    desk.wait(s=3600)
    refused = desk.gocardless("GET", path, token)
    assert refused.status_code == 429
    assert "4/day. Please try again in 82800 seconds" in refused.json()["detail"]
    assert refused.headers["HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_RESET"] == "82800"
    assert desk.gocardless("GET", f"/accounts/{account}/details/", token).status_code == 200
    desk.wait(s=82800)
    assert desk.gocardless("GET", path, desk.gocardless_token()).status_code == 200


def test_failures_do_not_count(open_desk: "OpenDesk") -> None:
    """A refused range of days takes nothing from the day's four."""
    desk = open_desk(SandboxConfig(enforce_limits=True))
    token = desk.gocardless_token()
    account = desk.gocardless_link(token)["accounts"][0]
    for _ in range(5):
        desk.gocardless("GET", f"/accounts/{account}/transactions/?date_from=2030-01-01", token)
    good = desk.gocardless("GET", f"/accounts/{account}/transactions/", token)
    assert good.headers["HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING"] == "3"


def test_limits_that_do_not_bind(desk: "Desk") -> None:
    """By default a fifth call is answered, and the headers are there all the same."""
    token = desk.gocardless_token()
    account = desk.gocardless_link(token)["accounts"][0]
    answers = [desk.gocardless("GET", f"/accounts/{account}/details/", token) for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["HTTP_X_RATELIMIT_LIMIT"] == "100"


def test_lists_in_pages(desk: "Desk") -> None:
    """A list's pages name the pages around them."""
    token = desk.gocardless_token()
    for number in range(3):
        _requisition(desk, token, reference=str(number))
    page = desk.gocardless("GET", "/requisitions/?limit=1&offset=1", token).json()
    assert (page["count"], page["results"][0]["reference"]) == (3, "1")
    assert "offset=2" in page["next"]
    assert "offset=0" in page["previous"]
