"""Request limits, where they bind: of an Item, a client, a token, an account; by minute, hour and day."""

from typing import TYPE_CHECKING

import pytest

from bank_sync.sandbox.config import SandboxConfig

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


@pytest.fixture
def strict(open_desk: "OpenDesk") -> "Desk":
    """A sandbox whose limits bind; one bank allows two good answers a day."""
    config = SandboxConfig(enforce_limits=True, gocardless_daily_limits={"N26_NTSBDEB1": 2})
    return open_desk(config)


def _fault(desk: "Desk", kind: str, times: int) -> None:
    order = {"next": [{"kind": kind, "times": times, "paths": "gocardless/api"}]}
    desk.client.post(f"{desk.url}/_sandbox/faults", json=order).raise_for_status()


def test_plaid_item(strict: "Desk") -> None:
    """Live balances are given five times a minute per Item; another Item is not concerned."""
    first, second = strict.plaid_link(), strict.plaid_link()

    def ask(item: str) -> tuple[int, str | None]:
        answer = strict.plaid("/accounts/balance/get", access_token=item)
        return answer.status_code, answer.json().get("error_code")

    answers = [ask(first) for _ in range(6)]
    assert answers == [(200, None)] * 5 + [(429, "BALANCE_LIMIT")]
    assert ask(second) == (200, None)
    strict.wait(s=59)
    assert ask(first)[0] == 429
    strict.wait(s=1)
    assert ask(first)[0] == 200


def test_plaid_client(strict: "Desk") -> None:
    """The list of institutions is given fifty times a minute to a client, with no word of when to return."""
    wish = {"count": 1, "offset": 0, "country_codes": ["US"]}
    answers = [strict.plaid("/institutions/get", **wish) for _ in range(51)]
    assert [each.status_code for each in answers] == [200] * 50 + [429]
    refused = answers[-1]
    assert refused.json()["error_type"] == "RATE_LIMIT_EXCEEDED"
    assert refused.json()["error_code"] == "INSTITUTIONS_GET_LIMIT"
    assert "retry-after" not in refused.headers


def test_teller_token(strict: "Desk") -> None:
    """A Teller token has a hundred calls a minute; another token has its own."""
    first, second = (str(strict.teller_enroll()["accessToken"]) for _ in range(2))
    statuses = [strict.teller(first, "/accounts").status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    assert strict.teller(second, "/accounts").status_code == 200
    strict.wait(s=60)
    assert strict.teller(first, "/accounts").status_code == 200


def test_gocardless_accounts_by_minute(strict: "Desk") -> None:
    """All account calls share a hundred a minute, refused ones too, and the answer says how long to wait."""
    token = strict.gocardless_token()
    account = strict.gocardless_link(token)["accounts"][0]
    statuses = [strict.gocardless("GET", f"/accounts/{account}/", token).status_code for _ in range(100)]
    assert set(statuses) == {200}
    strict.wait(s=20)
    refused = strict.gocardless("GET", f"/accounts/{account}/balances/", token)
    assert refused.status_code == 429
    assert "100/min. Please try again in 40 seconds" in refused.json()["detail"]
    assert refused.headers["HTTP_X_RATELIMIT_REMAINING"] == "0"
    assert strict.gocardless("GET", "/requisitions/", token).status_code == 200
    strict.wait(s=40)
    good = strict.gocardless("GET", f"/accounts/{account}/balances/", token)
    assert good.headers["HTTP_X_RATELIMIT_REMAINING"] == "99"


def test_gocardless_tokens_by_hour(strict: "Desk") -> None:
    """A pair of secrets makes a hundred tokens an hour."""
    secrets = {"secret_id": "i", "secret_key": "k"}
    answers = [strict.gocardless("POST", "/token/new/", "", **secrets) for _ in range(101)]
    assert [each.status_code for each in answers] == [200] * 100 + [429]
    assert "100/hour" in answers[-1].json()["detail"]
    strict.wait(s=3600)
    assert strict.gocardless("POST", "/token/new/", "", **secrets).status_code == 200


def test_day_of_a_stricter_bank(strict: "Desk") -> None:
    """A bank may allow fewer good answers a day than the usual four; the headers say so."""
    token = strict.gocardless_token()
    account = strict.gocardless_link(token, "N26_NTSBDEB1")["accounts"][0]
    answers = [strict.gocardless("GET", f"/accounts/{account}/details/", token) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[0].headers["HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_LIMIT"] == "2"
    assert "2/day" in answers[2].json()["detail"]


def test_suspended_after_ten_failures(strict: "Desk") -> None:
    """Ten unknown failures of the bank in a row suspend the account; a good answer between starts anew."""
    token = strict.gocardless_token()
    account = strict.gocardless_link(token)["accounts"][0]
    path = f"/accounts/{account}/transactions/"
    for failures, status in ((9, 200), (9, 200), (10, 409)):
        _fault(strict, "http_500", failures)
        statuses = [strict.gocardless("GET", path, token).status_code for _ in range(failures + 1)]
        assert statuses == [500] * failures + [status]
    assert strict.gocardless("GET", path, token).json()["summary"] == "Account suspended"
    assert strict.gocardless("GET", f"/accounts/{account}/", token).json()["status"] == "SUSPENDED"


def test_service_failures_do_not_suspend(strict: "Desk") -> None:
    """A bank that is merely down costs the account nothing."""
    token = strict.gocardless_token()
    account = strict.gocardless_link(token)["accounts"][0]
    _fault(strict, "http_503", 12)
    for _ in range(12):
        assert strict.gocardless("GET", f"/accounts/{account}/balances/", token).status_code == 503
    assert strict.gocardless("GET", f"/accounts/{account}/balances/", token).status_code == 200
