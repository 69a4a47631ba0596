"""The pretend banks as a story meets them: a person's browser, and the door through which the world is moved.

Belongs here: HTTP to the sandbox, one short method per thing asked. Does not belong here: what a story does
with it, and anything of bank_sync's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

INSTITUTIONS = {
    "plaid": ("ins_109508", "ins_117650", "ins_56", "ins_109512"),
    "teller": ("chase", "security_cu", "wells_fargo"),
    "gocardless": (
        "COMMERZBANK_COBADEFF",
        "SANDBOXFINANCE_SFIN0000",
        "SEB_ESSESESS_PRIVATE",
        "REVOLUT_REVOGB21",
        "BARCLAYS_BUKBGB22",
    ),
}
"""Banks a story may link: dollars, pounds, euros, crowns, and wallets in yen and dinars."""


class Bank:
    """All banks of one sandbox behind one kept-alive connection."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def consent(self, provider: str, institution_id: str, user: str) -> dict[str, str]:
        """What the person's browser brings back from Plaid Link or Teller Connect."""
        if provider == "plaid":
            return self._plaid(institution_id, user)
        return self._teller({"institution": institution_id, "username": user})

    def approve(self, page: str, user: str) -> None:
        """The person says yes on a GoCardless consent page."""
        answer = self._http.get(page, params={"auto": "1", "username": user})
        assert answer.is_redirect, answer.text

    def log_in_again(self, token: str, provider: str, provider_connection_id: str) -> None:
        """The person repairs the login of a link that stays the same link."""
        if provider == "teller":
            self._teller({"enrollment_id": provider_connection_id, "username": "any"})
        else:
            self._post(f"/_sandbox/links/{token}/repair", {})

    def break_login(self, token: str, reason: str | None = None) -> None:
        """The bank wants the person to log in again."""
        self._post(f"/_sandbox/links/{token}/break", {"reason": reason} if reason else {})

    def command(self, provider: str, token: str, op: str, /, **values: object) -> dict[str, Any]:
        """One entry into the book of the person at the bank; what cannot be done fails the story."""
        return self._post("/_sandbox/book", {"provider": provider, "token": token, "op": op, **values})

    def truth(self, provider: str, token: str) -> list[dict[str, Any]]:
        """What is true behind a link."""
        answer = self._http.get("/_sandbox/truth", params={"provider": provider, "token": token})
        return list(_good(answer)["accounts"])

    def plan_faults(self, plan: Mapping[str, object]) -> None:
        """Let things go wrong."""
        self._post("/_sandbox/faults", plan)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        _good(self._http.delete("/_sandbox/faults"))

    def faults(self) -> dict[str, int]:
        """How often each fault really struck."""
        return dict(_good(self._http.get("/_sandbox/faults"))["hit"])

    def requests(self) -> dict[str, Any]:
        """What was asked of the banks, as they count it."""
        return _good(self._http.get("/_sandbox/requests"))

    def _plaid(self, institution_id: str, user: str) -> dict[str, str]:
        wish = {
            "client_id": "sandbox",
            "secret": "sandbox",
            "institution_id": institution_id,
            "initial_products": ["transactions"],
            "options": {"override_username": user, "transactions": {"days_requested": 730}},
        }
        return {"public_token": self._post("/plaid/sandbox/public_token/create", wish)["public_token"]}

    def _teller(self, who: Mapping[str, str]) -> dict[str, str]:
        wish = {"application_id": "sandbox", "password": "password", **who}
        brought = self._post("/teller/connect/enrollments", wish)
        return {
            "access_token": brought["accessToken"],
            "enrollment_id": brought["enrollment"]["id"],
            "institution_name": brought["enrollment"]["institution"]["name"],
        }

    def _post(self, path: str, wish: Mapping[str, object]) -> dict[str, Any]:
        return _good(self._http.post(path, json=wish))


def _good(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, (
        f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text}"
    )
    return dict(answer.json())
