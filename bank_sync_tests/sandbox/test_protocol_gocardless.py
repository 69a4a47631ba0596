"""The rest of GoCardless's surface: every way consent can end, its states, reconfirming it, and lists."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk


def _requisition(desk: "Desk", token: str, **more: object) -> dict[str, Any]:
    wish = {"redirect": "http://localhost/back", "institution_id": "BARCLAYS_BUKBGB22", **more}
    return dict(desk.gocardless("POST", "/requisitions/", token, **wish).json())


def _state(desk: "Desk", token: str, made: dict[str, Any]) -> str:
    return str(desk.gocardless("GET", f"/requisitions/{made['id']}/", token).json()["status"])


@pytest.mark.parametrize(
    ("error", "state"),
    [
        ("UserCancelledSession", "RJ"),
        ("UserSessionRejected", "RJ"),
        ("SSNVerificationFailed", "RJ"),
        ("InstitutionTechnicalError", "ER"),
        ("GoCardlessTechnicalError", "ER"),
        ("CompanyRequisitionLimitReached", "ER"),
        ("UnknownError", "ER"),
    ],
)
def test_consent_that_fails(desk: "Desk", error: str, state: str) -> None:
    """The browser comes back with the code and a sentence, and the requisition has ended."""
    token = desk.gocardless_token()
    made = _requisition(desk, token)
    back = desk.client.get(f"{made['link']}?auto=1&error={error}")
    told = parse_qs(urlsplit(back.headers["location"]).query)
    assert (told["ref"], told["error"]) == ([made["reference"]], [error])
    assert told["details"][0]
    assert _state(desk, token, made) == state
    again = desk.client.get(made["link"])
    assert "error=RequisitionLinkReused" in again.headers["location"]


def test_states_on_the_way(desk: "Desk") -> None:
    """Created, opened, at the bank, choosing accounts, linked: and only the chosen account is there."""
    token = desk.gocardless_token()
    made = _requisition(desk, token, account_selection=True)
    states = [_state(desk, token, made)]
    desk.client.get(made["link"])
    states.append(_state(desk, token, made))
    chosen = desk.client.post(made["link"], data={"decision": "login", "username": "maya"})
    states.append(_state(desk, token, made))
    account = chosen.text.partition('name="account:')[2].partition('"')[0]
    desk.client.post(made["link"], data={"decision": "approve", f"account:{account}": "on"})
    states.append(_state(desk, token, made))
    assert states == ["CR", "GC", "SA", "LN"]
    linked = desk.gocardless("GET", f"/requisitions/{made['id']}/", token).json()
    assert len(linked["accounts"]) == 1
    data = desk.gocardless("GET", f"/accounts/{linked['accounts'][0]}/balances/", token)
    assert data.status_code == 200


@pytest.mark.parametrize("state", ["UA", "SA", "GA"])
def test_back_too_early(desk: "Desk", state: str) -> None:
    """A browser may be back while the requisition is still on its way; it can be finished later."""
    token = desk.gocardless_token()
    made = _requisition(desk, token)
    back = desk.client.get(f"{made['link']}?auto=1&hold={state}&username=maya")
    assert back.headers["location"] == f"http://localhost/back?ref={made['reference']}"
    assert _state(desk, token, made) == state
    desk.client.get(f"{made['link']}?auto=1")
    assert _state(desk, token, made) == "LN"


def test_language_that_is_none(desk: "Desk") -> None:
    """The field's problems come as a list of objects."""
    refused = _requisition(desk, desk.gocardless_token(), user_language="english")
    assert refused["user_language"][0]["summary"] == "Invalid language"


def _link_to_reconfirm(desk: "Desk") -> tuple[str, str]:
    """A consent of 180 days that has to be reconfirmed; gives its agreement and an account."""
    linked = desk.gocardless_link(
        desk.gocardless_token(),
        "MONZO_MONZGB2L",
        access_valid_for_days=180,
        reconfirmation=True,
    )
    return linked["agreement"], linked["accounts"][0]


def test_reconfirmed_in_time(desk: "Desk") -> None:
    """Asked for in the weeks around the ninetieth day and confirmed, access goes on to the last day."""
    agreement, account = _link_to_reconfirm(desk)
    path = f"/agreements/enduser/{agreement}/reconfirm/"
    early = desk.gocardless("POST", path, desk.gocardless_token())
    assert early.status_code == 400
    desk.wait(days=80)
    token = desk.gocardless_token()
    assert desk.gocardless("GET", path, token).status_code == 404
    made = desk.gocardless("POST", path, token, redirect="http://localhost/again")
    assert (made.status_code, made.json()["accounts"][account]["reconfirmed"]) == (201, None)
    back = desk.client.get(f"{made.json()['reconfirmation_url']}?auto=1")
    assert back.headers["location"] == "http://localhost/again"
    assert desk.gocardless("GET", path, token).json()["accounts"][account]["reconfirmed"]
    desk.wait(days=60)
    assert desk.gocardless("GET", f"/accounts/{account}/details/", desk.gocardless_token()).status_code == 200
    desk.wait(days=40)
    assert desk.gocardless("GET", f"/accounts/{account}/details/", desk.gocardless_token()).status_code == 401


def test_reconfirmed_too_late(desk: "Desk") -> None:
    """From the ninetieth day nothing is told until the customer has said yes, two weeks at most."""
    agreement, account = _link_to_reconfirm(desk)
    desk.wait(days=90)
    token = desk.gocardless_token()
    path = f"/accounts/{account}/balances/"
    assert desk.gocardless("GET", path, token).status_code == 401
    made = desk.gocardless("POST", f"/agreements/enduser/{agreement}/reconfirm/", token).json()
    desk.client.post(made["reconfirmation_url"], data={"decision": "reject"})
    assert desk.gocardless("GET", path, token).status_code == 401
    assert "go on" in desk.client.get(made["reconfirmation_url"]).text
    desk.client.post(made["reconfirmation_url"], data={"decision": "approve"})
    assert desk.gocardless("GET", path, token).status_code == 200


def test_agreement_without_reconfirmation(desk: "Desk") -> None:
    """Most agreements need none, and cannot have one."""
    token = desk.gocardless_token()
    linked = desk.gocardless_link(token)
    refused = desk.gocardless("POST", f"/agreements/enduser/{linked['agreement']}/reconfirm/", token)
    assert refused.status_code == 400
    assert desk.client.get(f"{desk.url}/gocardless/psd2/reconfirm/{linked['agreement']}").status_code == 404


def test_institutions_by_feature(desk: "Desk") -> None:
    """Filters keep the institutions that have a feature, or those that have not."""
    token = desk.gocardless_token()

    def ids(query: str) -> set[str]:
        return {each["id"] for each in desk.gocardless("GET", f"/institutions/?{query}", token).json()}

    short = ids("country=ES&separate_continuous_history_consent_supported=true")
    assert short == {"CAIXABANK_CAIXESBB", "N26_NTSBDEB1"}
    assert short | ids("country=ES&separate_continuous_history_consent_supported=false") == ids("country=ES")
    one = desk.gocardless("GET", "/institutions/CAIXABANK_CAIXESBB/", token).json()
    assert "separate_continuous_history_consent" in one["supported_features"]
