"""The Plaid protocol: linking, accounts, the change log and errors."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.plaid.render import number

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


def _code(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error_type"], body["error_code"]


def test_credentials_in_headers_or_body(desk: "Desk") -> None:
    """Both credential styles are good; none at all is MISSING_FIELDS, which names what is missing."""
    headers = {"PLAID-CLIENT-ID": "any", "PLAID-SECRET": "any"}
    wish = {"country_codes": ["US"], "institution_id": "ins_109508"}
    url = f"{desk.url}/plaid/institutions/get_by_id"
    assert desk.client.post(url, json=wish, headers=headers).status_code == 200
    assert desk.plaid("/institutions/get_by_id", **wish).status_code == 200
    refused = desk.client.post(url, json=wish)
    assert _code(refused) == (400, "INVALID_REQUEST", "MISSING_FIELDS")
    assert "client_id, secret" in refused.json()["error_message"]


def test_wrong_secret(open_desk: "OpenDesk") -> None:
    """Where a pair is configured any other is INVALID_API_KEYS."""
    desk = open_desk(SandboxConfig(plaid_client_id="right", plaid_secret="right"))
    wish = {"country_codes": ["US"], "institution_id": "ins_109508"}
    assert _code(desk.plaid("/institutions/get_by_id", **wish)) == (400, "INVALID_INPUT", "INVALID_API_KEYS")
    good = desk.plaid("/institutions/get_by_id", client_id="right", secret="right", **wish)
    assert good.status_code == 200


def test_institutions(desk: "Desk") -> None:
    """The list is paged and narrowed by country; the search looks into names."""
    page = desk.plaid("/institutions/get", count=2, offset=1, country_codes=["US"]).json()
    assert (len(page["institutions"]), page["total"]) == (2, 9)
    found = desk.plaid("/institutions/search", query="royal", country_codes=["GB"]).json()
    assert [each["institution_id"] for each in found["institutions"]] == ["ins_117650"]
    unknown = desk.plaid("/institutions/get_by_id", institution_id="ins_0", country_codes=["US"])
    assert _code(unknown) == (400, "INVALID_INPUT", "INVALID_INSTITUTION")


def test_public_token_used_twice(desk: "Desk") -> None:
    """A public token is good for one exchange."""
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    token = desk.plaid("/sandbox/public_token/create", **wish).json()["public_token"]
    first = desk.plaid("/item/public_token/exchange", public_token=token)
    assert first.json()["access_token"].startswith("access-sandbox-")
    second = desk.plaid("/item/public_token/exchange", public_token=token)
    assert _code(second) == (400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN")


def test_public_token_after_half_an_hour(desk: "Desk") -> None:
    """A public token dies after thirty minutes."""
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    token = desk.plaid("/sandbox/public_token/create", **wish).json()["public_token"]
    desk.wait(s=1800)
    late = desk.plaid("/item/public_token/exchange", public_token=token)
    assert _code(late) == (400, "INVALID_INPUT", "INVALID_PUBLIC_TOKEN")


def test_hosted_link(desk: "Desk") -> None:
    """A person approves on the page, and the link token tells the application the public token."""
    made = desk.plaid(
        "/link/token/create",
        client_name="Test",
        language="en",
        country_codes=["US"],
        products=["transactions"],
        user={"client_user_id": "maya"},
        transactions={"days_requested": 30},
        hosted_link={"completion_redirect_uri": "http://localhost/done"},
    ).json()
    page = desk.client.get(made["hosted_link_url"])
    assert "First Platypus Bank" in page.text
    assert "Royal Bank of Plaid" not in page.text
    form = {"institution_id": "ins_109509", "username": "maya", "decision": "approve"}
    done = desk.client.post(made["hosted_link_url"], data=form)
    assert (done.status_code, done.headers["location"]) == (302, "http://localhost/done")
    session = desk.plaid("/link/token/get", link_token=made["link_token"]).json()["link_sessions"][0]
    token = session["results"]["item_add_results"][0]["public_token"]
    exchanged = desk.plaid("/item/public_token/exchange", public_token=token).json()
    item = desk.plaid("/item/get", access_token=exchanged["access_token"]).json()["item"]
    assert item["institution_id"] == "ins_109509"
    assert desk.client.get(made["hosted_link_url"]).status_code == 404


def test_update_mode(desk: "Desk") -> None:
    """A repaired login keeps its access token, and data flows again."""
    token = desk.plaid_link()
    desk.plaid("/sandbox/item/reset_login", access_token=token)
    broken = desk.plaid("/transactions/sync", access_token=token)
    assert _code(broken) == (400, "ITEM_ERROR", "ITEM_LOGIN_REQUIRED")
    item = desk.plaid("/item/get", access_token=token).json()["item"]
    assert item["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    made = desk.plaid(
        "/link/token/create",
        client_name="Test",
        language="en",
        country_codes=["US"],
        user={"client_user_id": "maya"},
        access_token=token,
        hosted_link={},
    ).json()
    form = {"institution_id": "ins_109508", "decision": "approve"}
    assert desk.client.post(made["hosted_link_url"], data=form).status_code == 200
    assert desk.plaid("/item/get", access_token=token).json()["item"]["error"] is None
    assert desk.plaid_round(token).added


def test_removed_item(desk: "Desk") -> None:
    """After /item/remove the token leads nowhere, so a second removal finds nothing."""
    token = desk.plaid_link()
    assert desk.plaid("/item/remove", access_token=token).status_code == 200
    again = desk.plaid("/item/remove", access_token=token)
    assert _code(again) == (400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN")


def test_rotated_access_token(desk: "Desk") -> None:
    """A new access token shows the same rows under the same ids; the old one is dead."""
    token = desk.plaid_link()
    before = desk.plaid_round(token)
    new = desk.plaid("/item/access_token/invalidate", access_token=token).json()["new_access_token"]
    assert desk.plaid_round(new).added == before.added
    assert desk.plaid_round(new, before.cursor).added == []
    old = desk.plaid("/accounts/get", access_token=token)
    assert _code(old)[2] == "INVALID_ACCESS_TOKEN"


def test_accounts(desk: "Desk") -> None:
    """A card's current is what is owed; accounts can be chosen; a foreign account id is refused."""
    token = desk.plaid_link()
    accounts = desk.plaid("/accounts/balance/get", access_token=token).json()["accounts"]
    assert [account["subtype"] for account in accounts] == ["checking", "savings", "credit card"]
    truth = {each["provider_account_id"]: each for each in desk.truth("plaid", token)}
    card = accounts[2]
    assert Decimal(str(card["balances"]["current"])) == -Decimal(truth[card["account_id"]]["current"])
    assert card["balances"]["current"] > 0
    one = desk.plaid("/accounts/get", access_token=token, options={"account_ids": [card["account_id"]]})
    assert one.json()["accounts"] == [card]
    none = desk.plaid("/accounts/get", access_token=token, options={"account_ids": ["nobody's"]})
    assert _code(none)[2] == "INVALID_ACCOUNT_ID"


@pytest.mark.parametrize("count", [1, 37, 500])
def test_page_size(desk: "Desk", count: int) -> None:
    """However the log is cut into pages it is the same log, and no page exceeds the count."""
    token = desk.plaid_link(days=10)
    whole = desk.plaid_round(token)
    assert desk.plaid_round(token, count=count) == whole
    page = desk.plaid("/transactions/sync", access_token=token, count=count).json()
    assert sum(len(page[part]) for part in ("added", "modified", "removed")) <= count


@pytest.mark.parametrize("count", [0, 501, "many"])
def test_page_size_out_of_bounds(desk: "Desk", count: object) -> None:
    """A count outside 1 to 500 is INVALID_FIELD."""
    refused = desk.plaid("/transactions/sync", access_token=desk.plaid_link(), count=count)
    assert _code(refused) == (400, "INVALID_REQUEST", "INVALID_FIELD")


@pytest.mark.parametrize("days", [1, 90, 730])
def test_history(desk: "Desk", days: int) -> None:
    """A new Item shows exactly the days asked for."""
    dates = [row["date"] for row in desk.plaid_round(desk.plaid_link(days=days)).added]
    oldest = {1: "2026-06-14", 90: "2026-03-17", 730: "2024-06-15"}[days]
    assert min(dates) >= oldest
    assert min(dates)[:7] == oldest[:7]


def test_days_pass(desk: "Desk") -> None:
    """Applying every round gives what is true, whatever day it is: pendings come, book, change or vanish."""
    token = desk.plaid_link(days=30)
    first = desk.plaid_round(token)
    rows, cursor = first.apply({}), first.cursor
    seen: dict[str, int] = {"removed": 0, "modified": 0, "linked": 0}
    for _ in range(45):
        desk.wait(days=1)
        round_ = desk.plaid_round(token, cursor)
        rows, cursor = round_.apply(rows), round_.cursor
        seen["removed"] += len(round_.removed)
        seen["modified"] += len(round_.modified)
        gone = {each["transaction_id"] for each in round_.removed}
        seen["linked"] += sum(row["pending_transaction_id"] in gone for row in round_.added)
    truth = {
        row["provider_transaction_id"]: (-Decimal(row["amount"]), row["posting"] == "pending")
        for account in desk.truth("plaid", token)
        for row in account["transactions"]
    }
    assert {key: (Decimal(str(row["amount"])), row["pending"]) for key, row in rows.items()} == truth
    assert seen["removed"] > seen["linked"] > 20
    assert seen["modified"] > 0


def test_cursor_after_a_restart(open_desk: "OpenDesk", tmp_path: Path) -> None:
    """A cursor given before a restart goes on where it stood, and replays the same page."""
    config = SandboxConfig(state_path=tmp_path / "deep" / "state.json")
    before = open_desk(config)
    token = before.plaid_link()
    page = before.plaid("/transactions/sync", access_token=token, count=50).json()
    rest = before.plaid_round(token, page["next_cursor"])
    after = open_desk(config)
    assert after.plaid_round(token, page["next_cursor"]) == rest
    after.wait(days=20)
    assert after.plaid_round(token, page["next_cursor"]).added[: len(rest.added)] == rest.added


def test_cursor_of_another_item(desk: "Desk") -> None:
    """A cursor belongs to one Item; another's, or noise, is refused."""
    one, other = desk.plaid_link(), desk.plaid_link()
    foreign = desk.plaid_round(one).cursor
    for cursor in (foreign, "noise", base64.b64encode(b"\xff\xfe").decode()):
        refused = desk.plaid("/transactions/sync", access_token=other, cursor=cursor)
        assert _code(refused) == (400, "INVALID_REQUEST", "INVALID_FIELD")


def test_linked_again(desk: "Desk") -> None:
    """The same person at the same bank has the same money under entirely new ids."""
    first, second = (desk.plaid_round(desk.plaid_link()).added for _ in range(2))
    money = [[(row["date"], row["amount"], row["name"]) for row in rows] for rows in (first, second)]
    assert money[0] == money[1]
    ids = [{row["transaction_id"] for row in rows} for rows in (first, second)]
    assert not ids[0] & ids[1]


def test_not_ready(open_desk: "OpenDesk") -> None:
    """A fresh Item may have nothing yet: empty lists and an empty cursor, later everything."""
    desk = open_desk(SandboxConfig(plaid_not_ready_s=5))
    token = desk.plaid_link()
    page = desk.plaid("/transactions/sync", access_token=token).json()
    assert page["transactions_update_status"] == "NOT_READY"
    assert (page["added"], page["next_cursor"], page["has_more"]) == ([], "", False)
    older = desk.plaid(
        "/transactions/get", access_token=token, start_date="2026-06-01", end_date="2026-06-15"
    )
    assert _code(older) == (400, "ITEM_ERROR", "PRODUCT_NOT_READY")
    desk.wait(s=5)
    assert desk.plaid_round(token).added


def test_older_call(desk: "Desk") -> None:
    """/transactions/get pages newest first over the same rows sync gives."""
    token = desk.plaid_link(days=30)
    dates = {"start_date": "2026-06-01", "end_date": "2026-06-15"}
    page = desk.plaid(
        "/transactions/get", access_token=token, options={"count": 5, "offset": 2}, **dates
    ).json()
    whole = desk.plaid("/transactions/get", access_token=token, options={"count": 500}, **dates).json()
    assert page["transactions"] == whole["transactions"][2:7]
    assert [row["date"] for row in whole["transactions"]] == sorted(
        (row["date"] for row in whole["transactions"]), reverse=True
    )
    synced = {row["transaction_id"] for row in desk.plaid_round(token).added if row["date"] >= "2026-06-01"}
    assert {row["transaction_id"] for row in whole["transactions"]} == synced


def test_amount_text(desk: "Desk") -> None:
    """Amounts are JSON numbers with exactly their own digits: no tail of a binary fraction."""
    token = desk.plaid_link(days=730)
    text = desk.plaid("/transactions/sync", access_token=token, count=500).text
    amounts = [row["amount"] for row in json.loads(text, parse_float=Decimal)["added"]]
    assert all(-Decimal(amount).as_tuple().exponent <= 2 for amount in map(str, amounts))  # type: ignore[operator] # finite


def test_amount_beyond_a_json_number() -> None:
    """An amount a JSON number would round is refused rather than bent."""
    with pytest.raises(ValueError, match="more digits"):
        number(Decimal("12345678901234567.89"))


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_malformed_body(desk: "Desk", body: bytes) -> None:
    """What is no JSON object is INVALID_BODY."""
    answer = desk.client.post(f"{desk.url}/plaid/accounts/get", content=body)
    assert _code(answer) == (400, "INVALID_REQUEST", "INVALID_BODY")


def test_missing_access_token(desk: "Desk") -> None:
    """MISSING_FIELDS names the field."""
    answer = desk.plaid("/accounts/get")
    assert _code(answer) == (400, "INVALID_REQUEST", "MISSING_FIELDS")
    assert "access_token" in answer.json()["error_message"]


def test_every_required_key(desk: "Desk") -> None:
    """Every transaction carries the schema's required keys and all eight of location and payment_meta."""
    rows = desk.plaid_round(desk.plaid_link()).added
    required = [
        "transaction_id",
        "account_id",
        "amount",
        "iso_currency_code",
        "unofficial_currency_code",
        "date",
        "authorized_date",
        "authorized_datetime",
        "datetime",
        "payment_channel",
        "pending",
        "transaction_code",
    ]
    for row in rows:
        assert not set(required) - set(row)
        assert (len(row["location"]), len(row["payment_meta"])) == (8, 8)
        assert row["personal_finance_category"]["detailed"].startswith(
            row["personal_finance_category"]["primary"]
        )
