"""The three providers against one running sandbox, each with a bank to link and an answer key.

Belongs here: what the contract suite needs of each provider. Does not belong here: any expectation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from bank_sync.domain.models import (
    AccountRecord,
    AccountReference,
    Credential,
    DateWindow,
    Linked,
    Page,
    TransactionsRequest,
)
from bank_sync.providers.base import Provider
from bank_sync.providers.gocardless.client import GoCardlessProvider
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid.client import PlaidProvider
from bank_sync.providers.teller.client import TellerProvider
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import RunningSandbox, running_sandbox

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
NAMES = ("plaid", "teller", "gocardless")


@dataclass(frozen=True, slots=True)
class Desk:
    """One provider, the sandbox it talks to, and a browser."""

    provider: Provider
    sandbox: RunningSandbox
    browser: httpx.Client

    @property
    def institution_id(self) -> str:
        """A pretend bank of this provider."""
        return "COMMERZBANK_COBADEFF" if self.provider.name == "gocardless" else "ins_109508"

    def prove(self, user: str = "jonas") -> dict[str, str]:
        """Go through the consent of a pretend bank; gives what the browser brings back."""
        return {"plaid": self._plaid, "teller": self._teller, "gocardless": self._gocardless}[
            self.provider.name
        ](user)

    def link(self) -> tuple[Linked, Credential]:
        """A finished link."""
        linked = self.provider.complete_link(self.prove())
        return linked, Credential("c1", self.provider.name, linked.provider_connection_id, linked.secret)

    def accounts(self, credential: Credential) -> list[AccountRecord]:
        """All accounts; a rejected one fails the test."""
        pages = [page for page in self.provider.pull_accounts(credential) if isinstance(page, Page)]
        records = [record for page in pages for record in self.provider.read_accounts(page)]
        assert all(isinstance(record, AccountRecord) for record in records)
        return [record for record in records if isinstance(record, AccountRecord)]

    def references(self, credential: Credential) -> dict[str, AccountReference]:
        """The accounts as the engine would hand them back."""
        return {
            account.provider_account_id: AccountReference(
                account.stable_key, account.provider_account_id, account.type, account.currency
            )
            for account in self.accounts(credential)
        }

    def pages(self, credential: Credential, cursor: str | None = None, days: int = 800) -> list[Page]:
        """One round of transactions; an account's failure fails the test."""
        references = self.references(credential)
        today = self.now().date()
        window = DateWindow(today - timedelta(days=days), today)
        request = TransactionsRequest(cursor, tuple(references.values()), dict.fromkeys(references, window))
        pages = list(self.provider.pull_transactions(credential, request))
        assert all(isinstance(page, Page) for page in pages)
        return [page for page in pages if isinstance(page, Page)]

    def truth(self, credential: Credential) -> list[dict[str, Any]]:
        """The answer key of a link."""
        query = {"provider": credential.provider, "token": credential.secret}
        answer = self.browser.get(f"{self.sandbox.url}/_sandbox/truth", params=query)
        return list(answer.raise_for_status().json()["accounts"])

    def wait(self, days: float) -> None:
        """Move the sandbox's clock on."""
        self._post("/_sandbox/clock", {"advance_days": days})

    def now(self) -> datetime:
        """The sandbox's clock."""
        return _now(self.browser, self.sandbox)

    def break_login(self, credential: Credential) -> None:
        """The bank wants the person to log in again."""
        self._post(f"/_sandbox/links/{credential.secret}/break", {})

    def _plaid(self, user: str) -> dict[str, str]:
        wish = {
            "client_id": "any",
            "secret": "any",
            "institution_id": self.institution_id,
            "initial_products": ["transactions"],
            "options": {"override_username": user, "transactions": {"days_requested": 730}},
        }
        return {"public_token": self._post("/plaid/sandbox/public_token/create", wish)["public_token"]}

    def _teller(self, _: str) -> dict[str, str]:
        wish = {"application_id": "app_any", "username": "username", "password": "password"}
        brought = self._post("/teller/connect/enrollments", wish)
        return {
            "access_token": brought["accessToken"],
            "enrollment_id": brought["enrollment"]["id"],
            "institution_name": brought["enrollment"]["institution"]["name"],
        }

    def _gocardless(self, user: str) -> dict[str, str]:
        start = self.provider.start_link(
            user_reference=user,
            institution_id=self.institution_id,
            country="DE",
            redirect_url="http://localhost/back",
        )
        self.browser.get(f"{start.url}?auto=1")
        return {"requisition_id": start.reference}

    def _post(self, path: str, wish: Mapping[str, object]) -> dict[str, Any]:
        answer = self.browser.post(f"{self.sandbox.url}{path}", json=wish)
        return dict(answer.raise_for_status().json())


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """Start a sandbox with a clock that stands still, and one provider in front of it."""
    with ExitStack() as stack:

        def start(name: str, config: SandboxConfig | None = None) -> Desk:
            sandbox = stack.enter_context(running_sandbox(config, clock=lambda: NOON))
            http = stack.enter_context(_http(name, sandbox))
            browser = stack.enter_context(httpx.Client(trust_env=False))
            return Desk(_provider(name, http, lambda: _now(browser, sandbox)), sandbox, browser)

        yield start


@pytest.fixture(params=NAMES)
def desk(request: pytest.FixtureRequest, open_desk: OpenDesk) -> Desk:
    """Each provider in turn."""
    return open_desk(request.param)


def _http(name: str, sandbox: RunningSandbox) -> ProviderHttp:
    urls = {
        "plaid": sandbox.plaid_url,
        "teller": sandbox.teller_url,
        "gocardless": sandbox.gocardless_url,
    }
    return ProviderHttp(name, urls[name], sleep=lambda _: None)


def _now(browser: httpx.Client, sandbox: RunningSandbox) -> datetime:
    return datetime.fromisoformat(browser.get(f"{sandbox.url}/_sandbox/clock").json()["now"])


def _provider(name: str, http: ProviderHttp, clock: Callable[[], datetime]) -> Provider:
    if name == "plaid":
        return PlaidProvider(http, "any", "any", "Test client")
    if name == "teller":
        return TellerProvider(http, "app_any")
    return GoCardlessProvider(http, "any", "any", clock=clock)
