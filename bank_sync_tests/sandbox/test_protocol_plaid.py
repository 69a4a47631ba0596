"""The rest of Plaid's surface: what a client may meet besides accounts and changes."""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from bank_sync_tests.sandbox.conftest import Desk


def _link_token(desk: "Desk", **more: object) -> dict[str, Any]:
    wish = {
        "client_name": "Test",
        "language": "en",
        "country_codes": ["US"],
        "user": {"client_user_id": "maya"},
        "hosted_link": {},
        "products": ["transactions"],
        **more,
    }
    return dict(desk.plaid("/link/token/create", **wish).json())


def _login(desk: "Desk", made: dict[str, Any], password: str, **more: str) -> "httpx.Response":
    form = {"institution_id": "ins_109508", "decision": "approve", "username": "maya", "password": password}
    return desk.client.post(made["hosted_link_url"], data={**form, **more})


def _session(desk: "Desk", made: dict[str, Any]) -> dict[str, Any]:
    told = desk.plaid("/link/token/get", link_token=made["link_token"]).json()
    return dict(told["link_sessions"][0])


def test_refresh(desk: "Desk") -> None:
    """A wish for fresh rows is taken, and refused where a login is needed."""
    item = desk.plaid_link()
    assert set(desk.plaid("/transactions/refresh", access_token=item).json()) == {"request_id"}
    desk.plaid("/sandbox/item/reset_login", access_token=item)
    refused = desk.plaid("/transactions/refresh", access_token=item)
    assert refused.json()["error_code"] == "ITEM_LOGIN_REQUIRED"


def test_recurring(desk: "Desk") -> None:
    """Salary and rent are found with their rhythm, and every id in a stream is a row's."""
    item = desk.plaid_link(days=365)
    told = desk.plaid("/transactions/recurring/get", access_token=item).json()
    rows = {row["transaction_id"]: row for row in desk.plaid_round(item).added}
    assert told["inflow_streams"]
    for stream in [*told["inflow_streams"], *told["outflow_streams"]]:
        own = [rows[each] for each in stream["transaction_ids"]]
        assert {row["account_id"] for row in own} == {stream["account_id"]}
        assert stream["last_amount"]["amount"] == own[-1]["amount"]
        assert (own[0]["amount"] > 0) == (stream in told["outflow_streams"])
    assert "MONTHLY" in {stream["frequency"] for stream in told["outflow_streams"]}
    assert {stream["status"] for stream in told["inflow_streams"]} <= {"MATURE", "TOMBSTONED"}


def test_institution_status(desk: "Desk") -> None:
    """A bank that is out reads as down, and as healthy before."""
    item = desk.plaid_link()
    wish = {"institution_id": "ins_109508", "country_codes": ["US"], "options": {"include_status": True}}

    def status() -> str:
        told = desk.plaid("/institutions/get_by_id", **wish).json()["institution"]["status"]
        assert told["transactions_updates"]["status"] == told["item_logins"]["status"]
        return str(told["item_logins"]["status"])

    assert status() == "HEALTHY"
    command = {"provider": "plaid", "token": item, "op": "outage", "on": True}
    desk.client.post(f"{desk.url}/_sandbox/book", json=command).raise_for_status()
    assert status() == "DOWN"


def test_created_rows(desk: "Desk") -> None:
    """Rows created for a dynamic person come with the next sync, signed as they were sent."""
    item = desk.plaid_link(user="user_transactions_dynamic")
    cursor = desk.plaid_round(item).cursor
    row = {"date_transacted": "2026-06-13", "date_posted": "2026-06-14", "amount": 12.5, "description": "TEA"}
    assert (
        desk.plaid("/sandbox/transactions/create", access_token=item, transactions=[row]).status_code == 200
    )
    added = desk.plaid_round(item, cursor).added
    assert [(each["amount"], each["name"], each["date"]) for each in added] == [(12.5, "TEA", "2026-06-14")]


@pytest.mark.parametrize(
    ("user", "row"),
    [
        ("maya", {}),
        ("user_transactions_dynamic", {"date_posted": "2026-06-16"}),
        ("user_transactions_dynamic", {"date_transacted": "2026-05-31"}),
        ("user_transactions_dynamic", {"amount": "12"}),
        ("user_transactions_dynamic", {"account_id": "nobody's"}),
    ],
)
def test_rows_that_cannot_be_created(desk: "Desk", user: str, row: dict[str, object]) -> None:
    """Another person, a day too old or to come, an amount that is no number, an account that is not there."""
    item = desk.plaid_link(user=user)
    good = {"date_transacted": "2026-06-14", "date_posted": "2026-06-14", "amount": 1, "description": "A"}
    refused = desk.plaid("/sandbox/transactions/create", access_token=item, transactions=[{**good, **row}])
    assert refused.status_code == 400


def test_password_that_fails(desk: "Desk") -> None:
    """`error_` and a code is what the bank answers, in the short cut and in a session."""
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    options = {"override_password": "error_ITEM_LOCKED"}
    refused = desk.plaid("/sandbox/public_token/create", **wish, options=options)
    assert refused.json()["error_code"] == "ITEM_LOCKED"
    made = _link_token(desk)
    _login(desk, made, "error_INVALID_CREDENTIALS")
    session = _session(desk, made)
    assert session["exit"]["error"]["error_code"] == "INVALID_CREDENTIALS"
    assert session["results"]["item_add_results"] == []


@pytest.mark.parametrize(
    ("password", "right"),
    [("mfa_device", "1234"), ("mfa_selections", "Yes"), ("mfa_questions_1_1", "answer_0_0")],
)
def test_second_question(desk: "Desk", password: str, right: str) -> None:
    """The bank asks once more; the right answer links, a wrong one does not."""
    made = _link_token(desk)
    assert "answer" in _login(desk, made, password).text
    _login(desk, made, password, answer=right)
    assert len(_session(desk, made)["results"]["item_add_results"]) == 1
    failed = _link_token(desk)
    _login(desk, failed, password, answer="wrong")
    assert _session(desk, failed)["exit"]["error"]["error_code"] == "INVALID_MFA"


def test_session_left(desk: "Desk") -> None:
    """Who goes away leaves an exit without an error."""
    made = _link_token(desk)
    desk.client.post(made["hosted_link_url"], data={"decision": "cancel"})
    assert _session(desk, made)["exit"]["error"] is None


def test_life_of_a_hosted_page(desk: "Desk") -> None:
    """A page lives as long as was wished, at most three weeks."""
    made = _link_token(desk, hosted_link={"url_lifetime_seconds": 60})
    assert desk.client.get(made["hosted_link_url"]).status_code == 200
    desk.wait(s=60)
    assert desk.client.get(made["hosted_link_url"]).status_code == 404
    too_long = _link_token(desk, hosted_link={"url_lifetime_seconds": 22 * 86_400})
    assert too_long["error_code"] == "INVALID_FIELD"


def test_update_mode(desk: "Desk") -> None:
    """Update mode repairs the Item: the same token works, nothing has to be exchanged, no error remains."""
    item = desk.plaid_link()
    desk.plaid("/sandbox/item/reset_login", access_token=item)
    made = _link_token(desk, access_token=item, products=[])
    _login(desk, made, "pass_good")
    assert _session(desk, made)["results"]["item_add_results"] == []
    assert desk.plaid("/item/get", access_token=item).json()["item"]["error"] is None
    assert desk.plaid_round(item).added
