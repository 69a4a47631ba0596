"""Three made-up people who connect a bank each, by hand as it were.

Belongs here: who they are, and what each does in the browser: real requests to the pretend banks' pages.
Does not belong here: what the application does with the proof they bring back (`sync.onboarding`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx

from bank_sync.domain.errors import BankSyncError
from bank_sync.domain.models import LinkStart
from bank_sync.services import Services

_COME_BACK_TO = "http://localhost/connected"
"""Where an application would wait for the person; the pretend browser reads the address and stays away."""

_PLAID_KEYS = {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "sandbox"}  # the pretend Plaid takes any


class BankPageRefused(BankSyncError):
    """A page of the pretend banks did not let a person through."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up.

    Attributes:
        reference: what the application calls them; also their user name at the bank.
        institution_id: the bank, in the words of the provider.
    """

    reference: str
    provider: str
    institution_id: str
    country: str


PEOPLE = (
    Person("demo-olivia", "plaid", "ins_109508", "US"),
    Person("demo-james", "teller", "security_cu", "US"),
    Person("demo-lena", "gocardless", "COMMERZBANK_COBADEFF", "DE"),
)


def prove(services: Services, person: Person, sandbox_url: str) -> dict[str, str]:
    """Start a link, walk the person through the bank's page, and give what the browser brings back.

    Raises:
        BankPageRefused: the page did not let them through.
        ProviderError: the provider did not start the link.
    """
    start = services.provider(person.provider).start_link(
        user_reference=person.reference,
        institution_id=person.institution_id,
        country=person.country,
        redirect_url=_COME_BACK_TO if person.provider == "gocardless" else None,
    )
    with httpx.Client(base_url=sandbox_url, trust_env=False) as browser:
        return _WALKS[person.provider](browser, person, start)


def _through_plaid(browser: httpx.Client, person: Person, start: LinkStart) -> dict[str, str]:
    """Link shows a list of banks; how the session ended is then asked with the link token."""
    choices = {"institution_id": person.institution_id, "username": person.reference}
    _approve(browser, f"/plaid/hosted/{start.token}", choices)
    wish = {"link_token": start.token}
    answer = _checked(browser.post("/plaid/link/token/get", json=wish, headers=_PLAID_KEYS)).json()
    added = answer["link_sessions"][0]["results"]["item_add_results"][0]
    return {"public_token": added["public_token"], "institution_name": added["institution"]["name"]}


def _through_teller(browser: httpx.Client, person: Person, start: LinkStart) -> dict[str, str]:
    """Teller Connect lives in our own page: the bank's answer is handed to it at once."""
    wish = {
        "application_id": start.token,
        "nonce": start.reference,
        "institution": person.institution_id,
        "username": person.reference,
        "password": "password",
    }
    brought = _checked(browser.post("/teller/connect/enrollments", json=wish)).json()
    return {
        "access_token": brought["accessToken"],
        "enrollment_id": brought["enrollment"]["id"],
        "institution_name": brought["enrollment"]["institution"]["name"],
    }


def _through_gocardless(browser: httpx.Client, person: Person, start: LinkStart) -> dict[str, str]:
    """The bank's page sends the person back with a note of how it went."""
    answer = _approve(browser, start.url or "", {"username": person.reference})
    note = parse_qs(urlsplit(answer.headers.get("location", "")).query)
    if "error" in note or "ref" not in note:
        raise BankPageRefused(
            "The pretend bank did not give its consent. Run `bank-sync demo` again for a new link."
        )
    return {"requisition_id": start.reference}


_WALKS: Mapping[str, Callable[[httpx.Client, Person, LinkStart], dict[str, str]]] = {
    "plaid": _through_plaid,
    "teller": _through_teller,
    "gocardless": _through_gocardless,
}


def _approve(browser: httpx.Client, url: str, choices: Mapping[str, str]) -> httpx.Response:
    """Open the page, find its button, fill in the form and press it."""
    shown = _checked(browser.get(url))
    if "approve" not in _buttons(shown.text):
        raise BankPageRefused("The pretend bank's page has no button to approve with. Update bank_sync.")
    return _checked(browser.post(url, data={**choices, "decision": "approve"}))


def _buttons(page: str) -> set[str]:
    """What the buttons of a page would send."""
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "button":
                found.update(value for name, value in attrs if name == "value" and value)

    Reader().feed(page)
    return found


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise BankPageRefused(
            f"The pretend banks answered HTTP {answer.status_code} while a bank was being connected. "
            "Run `bank-sync demo` again."
        )
    return answer
