"""A sandbox on a real port with a clock that stands still, and a desk to talk to it from.

Here: what every sandbox test needs. Not here: any expectation.
"""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import running_sandbox

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """One client talking to one sandbox, with a short word for each thing tests keep doing."""

    url: str
    client: httpx.Client

    def plaid(self, path: str, **fields: object) -> httpx.Response:
        """A Plaid call with credentials in the body."""
        body = {"client_id": "any", "secret": "any", **fields}
        return self.client.post(f"{self.url}/plaid{path}", json=body)

    def plaid_link(self, institution: str = "ins_109508", user: str = "maya", days: int = 90) -> str:
        """Link a Plaid Item; gives its access token."""
        options = {"override_username": user, "transactions": {"days_requested": days}}
        public = self.plaid(
            "/sandbox/public_token/create",
            institution_id=institution,
            initial_products=["transactions"],
            options=options,
        ).json()
        exchanged = self.plaid("/item/public_token/exchange", public_token=public["public_token"]).json()
        return str(exchanged["access_token"])

    def plaid_round(self, token: str, cursor: str = "", count: int = 500) -> "Round":
        """Sync until nothing is left."""
        added, modified, removed = [], [], []
        while True:
            page = self.plaid("/transactions/sync", access_token=token, cursor=cursor, count=count).json()
            added += page["added"]
            modified += page["modified"]
            removed += page["removed"]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return Round(added, modified, removed, cursor)

    def teller_enroll(self, user: str = "username", **wish: object) -> dict[str, Any]:
        """Enroll at Teller; gives what `onSuccess` would get."""
        body = {"application_id": "app_any", "username": user, "password": "password", **wish}
        answer = self.client.post(f"{self.url}/teller/connect/enrollments", json=body)
        return dict(answer.json())

    def teller(self, token: str, path: str, **query: str) -> httpx.Response:
        """A Teller read."""
        return self.client.get(f"{self.url}/teller{path}", auth=(token, ""), params=query)

    def gocardless_token(self) -> str:
        """A fresh app token."""
        return str(self.gocardless("POST", "/token/new/", "", secret_id="i", secret_key="k").json()["access"])

    def gocardless(self, verb: str, path: str, token: str, **body: object) -> httpx.Response:
        """A GoCardless call; the body is sent only if there is one."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.url}/gocardless/api/v2{path}"
        return self.client.request(verb, url, headers=headers, json=body or None)

    def gocardless_link(
        self, token: str, institution: str = "COMMERZBANK_COBADEFF", user: str = "jonas", **agreement: object
    ) -> dict[str, Any]:
        """Agreement, requisition and consent; gives the linked requisition."""
        made = self.gocardless(
            "POST", "/agreements/enduser/", token, institution_id=institution, **agreement
        ).json()
        requisition = self.gocardless(
            "POST",
            "/requisitions/",
            token,
            redirect="http://localhost/back",
            institution_id=institution,
            agreement=made["id"],
        ).json()
        self.client.post(requisition["link"], data={"decision": "approve", "username": user})
        return dict(self.gocardless("GET", f"/requisitions/{requisition['id']}/", token).json())

    def truth(self, provider: str, token: str) -> list[dict[str, Any]]:
        """The answer key of a link."""
        query = {"provider": provider, "token": token}
        return list(self.client.get(f"{self.url}/_sandbox/truth", params=query).json()["accounts"])

    def wait(self, **step: float) -> None:
        """Move the virtual clock on by `days` or `s`."""
        body = {f"advance_{unit}": amount for unit, amount in step.items()}
        self.client.post(f"{self.url}/_sandbox/clock", json=body).raise_for_status()


@dataclass(frozen=True, slots=True)
class Round:
    """All pages of one sync."""

    added: list[dict[str, Any]]
    modified: list[dict[str, Any]]
    removed: list[dict[str, str]]
    cursor: str

    def apply(self, rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """The rows after this round: additions and modifications first, removals last."""
        changed = {row["transaction_id"]: row for row in [*self.added, *self.modified]}
        gone = {row["transaction_id"] for row in self.removed}
        return {key: row for key, row in {**rows, **changed}.items() if key not in gone}


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """Start a sandbox with the given configuration; all are stopped at the end of the test."""
    with ExitStack() as stack:

        def start(config: SandboxConfig | None = None) -> Desk:
            sandbox = stack.enter_context(running_sandbox(config, clock=lambda: NOON))
            unencrypted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # httpx's own takes 50 ms to read
            return Desk(sandbox.url, stack.enter_context(httpx.Client(verify=unencrypted)))

        yield start


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    """A sandbox with nothing configured."""
    return open_desk()
