"""The Teller protocol: enrolling, reading, paging, and what a lost login looks like."""

import base64
import hashlib
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bank_sync.sandbox.config import SandboxConfig

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


def _error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _accounts(desk: "Desk", token: str) -> list[dict[str, Any]]:
    return list(desk.teller(token, "/accounts").json())


def test_signature_of_an_enrollment(desk: "Desk") -> None:
    """The signature over nonce, token, user, enrollment and environment holds under the published key."""
    given = desk.teller_enroll(nonce="a-nonce")
    published = desk.client.get(f"{desk.url}/teller/connect/signing_key").json()["token_signing_key"]
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(published))
    parts = ("a-nonce", given["accessToken"], given["user"]["id"], given["enrollment"]["id"], "sandbox")
    signed = hashlib.sha256(".".join(parts).encode()).digest()
    key.verify(base64.b64decode(given["signatures"][0]), signed)


@pytest.mark.parametrize("wish", [{"password": "guess"}, {"institution": "nobody"}, {"application_id": ""}])
def test_refused_enrollment(desk: "Desk", wish: dict[str, str]) -> None:
    """A wrong password, institution or application is a bad request with a sentence."""
    refused = desk.teller_enroll(**wish)
    assert refused["error"]["code"] == "bad_request"
    assert refused["error"]["message"].endswith(".")


def test_configured_application(open_desk: "OpenDesk") -> None:
    """Where an application is configured only that one may enroll."""
    desk = open_desk(SandboxConfig(teller_application_id="app_right"))
    assert "error" in desk.teller_enroll(application_id="app_wrong")
    assert "accessToken" in desk.teller_enroll(application_id="app_right")


def test_credentials(desk: "Desk") -> None:
    """No credentials are 401, an unknown token is 403, and institutions need none."""
    assert desk.client.get(f"{desk.url}/teller/accounts").status_code == 401
    assert desk.teller("test_token_nobody", "/accounts").status_code == 403
    assert desk.client.get(f"{desk.url}/teller/institutions").json()[0]["id"] == "security_cu"
    assert desk.client.get(f"{desk.url}/teller/health").status_code == 200


def test_links(desk: "Desk") -> None:
    """Every link of an account leads to this server and is answered; a card has no details link."""
    token = desk.teller_enroll(institution="chase")["accessToken"]
    for account in _accounts(desk, token):
        for link in account["links"].values():
            assert link.startswith(f"{desk.url}/teller/accounts/")
            assert desk.client.get(link, auth=(token, "")).status_code == 200
        assert ("details" in account["links"]) == (account["type"] == "depository")


def test_signs(desk: "Desk") -> None:
    """Depository: out is negative. Credit: a purchase is positive and the ledger is what is owed."""
    token = desk.teller_enroll(institution="chase")["accessToken"]
    truth = {each["provider_account_id"]: each for each in desk.truth("teller", token)}
    for account in _accounts(desk, token):
        sign = -1 if account["type"] == "credit" else 1
        known = truth[account["id"]]
        amounts = {row["provider_transaction_id"]: Decimal(row["amount"]) for row in known["transactions"]}
        rows = desk.teller(token, f"/accounts/{account['id']}/transactions").json()
        assert {row["id"]: sign * Decimal(row["amount"]) for row in rows} == amounts
        balances = desk.teller(token, f"/accounts/{account['id']}/balances").json()
        assert sign * Decimal(balances["ledger"]) == Decimal(known["current"])
        assert all(isinstance(row["amount"], str) for row in rows)


def test_running_balance(desk: "Desk") -> None:
    """Posted rows carry the balance after them, the newest the ledger's; pending rows carry none."""
    desk.wait(days=1)
    token = desk.teller_enroll(institution="chase")["accessToken"]
    pending = []
    for account in _accounts(desk, token):
        path = f"/accounts/{account['id']}"
        rows = desk.teller(token, f"{path}/transactions").json()
        posted = [row for row in rows if row["status"] == "posted"]
        pending += [row for row in rows if row["status"] == "pending"]
        assert posted[0]["running_balance"] == desk.teller(token, f"{path}/balances").json()["ledger"]
        for newer, older in pairwise(posted):
            before = Decimal(newer["running_balance"]) - Decimal(newer["amount"])
            assert before == Decimal(older["running_balance"])
    assert {row["running_balance"] for row in pending} == {None}


def test_pages(desk: "Desk") -> None:
    """Pages of any size laid end to end are the whole list, newest first."""
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{_accounts(desk, token)[0]['id']}/transactions"
    whole = desk.teller(token, path).json()
    walked, query = [], {"count": "100"}
    for _ in range(len(whole)):
        page = desk.teller(token, path, **query).json()
        assert len(page) <= 100
        if not page:
            break
        walked += page
        query["from_id"] = page[-1]["id"]
    assert walked == whole
    assert [row["date"] for row in whole] == sorted((row["date"] for row in whole), reverse=True)
    assert len(whole) > 500


def test_days(desk: "Desk") -> None:
    """Both ends of a range of days are included; what is no day is a bad request."""
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{_accounts(desk, token)[0]['id']}/transactions"
    days = [row["date"] for row in desk.teller(token, path).json()]
    start, end = days[60], days[20]
    rows = desk.teller(token, path, start_date=start, end_date=end).json()
    assert [row["date"] for row in rows] == [day for day in days if start <= day <= end]
    assert _error(desk.teller(token, path, start_date="soon")) == (400, "bad_request")
    assert _error(desk.teller(token, path, count="0")) == (400, "bad_request")


def test_pending_becomes_posted(desk: "Desk") -> None:
    """A pending row is gone within a week; what it became has another id."""
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{_accounts(desk, token)[0]['id']}/transactions"
    for _ in range(10):
        desk.wait(days=1)
        pending = [row for row in desk.teller(token, path).json() if row["status"] == "pending"]
        if pending:
            break
    desk.wait(days=8)
    later = {row["id"] for row in desk.teller(token, path).json()}
    assert pending
    assert not later & {row["id"] for row in pending}


def test_enrichment_in_two_steps(desk: "Desk") -> None:
    """A row still being processed has no category; days later the same id has one."""
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{_accounts(desk, token)[0]['id']}/transactions"
    waiting: list[str] = []
    for _ in range(30):
        desk.wait(days=1)
        rows = desk.teller(token, path, count="40").json()
        waiting = [
            row["id"]
            for row in rows
            if row["status"] == "posted" and row["details"]["processing_status"] == "pending"
        ]
        if waiting:
            break
    before = desk.teller(token, f"{path}/{waiting[0]}").json()
    desk.wait(days=3)
    after = desk.teller(token, f"{path}/{waiting[0]}").json()
    assert before["details"] == {"processing_status": "pending", "category": None, "counterparty": None}
    assert after["details"]["processing_status"] == "complete"
    assert after["details"]["category"]


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("disconnected", "enrollment.disconnected"),
        ("user_action.mfa_required", "enrollment.disconnected.user_action.mfa_required"),
    ],
)
def test_login_lost_at_once(desk: "Desk", user: str, code: str) -> None:
    """Such user names enroll, then fail at the first read of data; accounts are still listed."""
    given = desk.teller_enroll(user)
    token = given["accessToken"]
    account = _accounts(desk, token)[0]["id"]
    assert _error(desk.teller(token, f"/accounts/{account}/transactions", count="1")) == (404, code)
    desk.teller_enroll(user, enrollment_id=given["enrollment"]["id"])
    assert desk.teller(token, f"/accounts/{account}/transactions", count="1").status_code == 200


def test_removed_account(desk: "Desk") -> None:
    """A removed account is not found any more; removing all ends the token."""
    token = desk.teller_enroll()["accessToken"]
    first, second = (account["id"] for account in _accounts(desk, token))
    base = f"{desk.url}/teller/accounts"
    assert desk.client.delete(f"{base}/{first}", auth=(token, "")).status_code == 204
    assert _error(desk.teller(token, f"/accounts/{first}")) == (404, "not_found")
    assert [account["id"] for account in _accounts(desk, token)] == [second]
    assert desk.client.delete(base, auth=(token, "")).status_code == 204
    assert desk.teller(token, "/accounts").status_code == 403
