"""Rounds that do not go as they should, against a server that answers by script.

Belongs here: guards around paging, one account's failure, tokens that are refused, windows that are narrowed.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
from bank_sync.domain.models import (
    AccountFailure,
    AccountReference,
    Credential,
    DateWindow,
    HistoryState,
    Page,
    TransactionsRequest,
)
from bank_sync.providers.base import Provider
from bank_sync.providers.gocardless.client import GoCardlessProvider
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.plaid.client import PlaidProvider
from bank_sync.providers.teller.client import TellerProvider
from bank_sync_tests.providers.local_server import Script, Server, answer, serving

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
WINDOW = DateWindow(date(2025, 6, 15), date(2026, 6, 20))
TOKENS = {"access": "A1", "access_expires": 86400, "refresh": "R1", "refresh_expires": 2592000}
EMPTY: dict[str, Any] = {"transactions": {"booked": [], "pending": []}}


def scripted(value: object, status: str = "200 OK") -> Script:
    """A JSON answer."""
    return answer(json.dumps(value), status)


def sync_answer(cursor: str, *, has_more: bool, **lists: object) -> dict[str, Any]:
    """An answer of `/transactions/sync`."""
    return {"added": [], "modified": [], "removed": [], "next_cursor": cursor, "has_more": has_more, **lists}


def request(cursor: str | None = None) -> TransactionsRequest:
    """Two accounts over one window."""
    ids = ("acc_1", "acc_2")
    accounts = tuple(AccountReference(name, name, "depository", "USD") for name in ids)
    return TransactionsRequest(cursor, accounts, dict.fromkeys(ids, WINDOW))


def pull(name: str, server: Server, cursor: str | None = None) -> list[Page | AccountFailure]:
    """One round of transactions."""
    with ProviderHttp(name, server.url, sleep=lambda _: None) as http:
        providers: dict[str, Provider] = {
            "plaid": PlaidProvider(http, "id", "secret", "Test client"),
            "teller": TellerProvider(http, "app"),
            "gocardless": GoCardlessProvider(http, "id", "key", clock=lambda: NOON),
        }
        credential = Credential("c1", name, "p1", "secret")
        return list(providers[name].pull_transactions(credential, request(cursor)))


def asked(server: Server) -> list[str]:
    """Paths of the requests."""
    return [sent.split(b" ")[1].decode().split("?")[0] for sent in server.requests]


def test_plaid_is_not_ready() -> None:
    """One page that keeps no cursor and says so: neither an error nor an empty history."""
    not_ready = sync_answer("", has_more=False, transactions_update_status="NOT_READY")
    with serving(scripted(not_ready)) as server:
        (page,) = pull("plaid", server)
    assert isinstance(page, Page)
    assert (page.cursor_after, page.history_state) == (None, HistoryState.NOT_READY)


def test_plaid_forgets_where_it_was() -> None:
    """An empty cursor never overwrites a good one."""
    with serving(scripted(sync_answer("", has_more=False))) as server, pytest.raises(ContractBroken):
        pull("plaid", server, cursor="good")


@pytest.mark.parametrize(
    "answers",
    [
        [sync_answer("c1", has_more=True), sync_answer("c1", has_more=True)],
        [sync_answer("start", has_more=True)],
        [sync_answer("", has_more=False, removed=[{"transaction_id": "t"}])],
        [{"added": [], "modified": [], "removed": [], "has_more": False}],
        [sync_answer("c1", has_more=False, added={})],
    ],
)
def test_plaid_pages_that_lead_nowhere(answers: list[dict[str, Any]]) -> None:
    """A cursor that repeats, is lost beside data, or lists that are none: no round may build on it."""
    with serving(*map(scripted, answers)) as server, pytest.raises(ContractBroken):
        pull("plaid", server, cursor="start")


def test_plaid_data_that_changes_while_being_paged() -> None:
    """The round has to start again; the page that came before is not the end of one."""
    mutation = {
        "error_type": "TRANSACTIONS_ERROR",
        "error_code": "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    }
    first = scripted(sync_answer("c1", has_more=True))
    with serving(first, scripted(mutation, "400 Bad")) as server, pytest.raises(ProviderError) as failed:
        pull("plaid", server)
    assert failed.value.recovery is Recovery.RESTART_ROUND


def teller_account(account_id: str, **links: str) -> dict[str, Any]:
    """One row of `/accounts`."""
    return {
        "id": account_id,
        "enrollment_id": "e",
        "institution": {"id": "b", "name": "B"},
        "name": "N",
        "type": "depository",
        "currency": "USD",
        "links": {"self": "x", **links},
    }


def teller_rows(day: str) -> list[dict[str, str]]:
    """One full page of rows, all of one day."""
    return [{"id": f"{day}-{number}", "date": day} for number in range(250)]


def test_teller_account_with_many_rows() -> None:
    """Paging stops past the window's start, and only the last page says what is complete."""
    accounts = [teller_account("acc_1", transactions="x"), teller_account("acc_2")]
    pages = [teller_rows("2026-06-14"), teller_rows("2025-06-15"), teller_rows("2025-06-14"), []]
    with serving(*map(scripted, [accounts, *pages])) as server:
        windows = [page.window for page in pull("teller", server) if isinstance(page, Page)]
    assert windows == [None, None, WINDOW]
    assert b"from_id=2025-06-15-249" in server.requests[-1]


def test_teller_page_that_repeats() -> None:
    """The account fails instead of being read for ever."""
    accounts = [teller_account("acc_1", transactions="x"), teller_account("acc_2")]
    page = teller_rows("2026-06-14")
    with serving(*map(scripted, [accounts, page, page])) as server:
        *_, failure = pull("teller", server)
    assert isinstance(failure, AccountFailure)
    assert failure.code == "contract_broken:repeated_cursor"


def test_teller_account_that_fails() -> None:
    """The other account goes on, and an account no longer offered is said to be gone."""
    closed = scripted({"error": {"code": "account.closed"}}, "410 Gone")
    with serving(scripted([teller_account("acc_1", transactions="x")]), closed) as server:
        failures = pull("teller", server)
    told = [(item.code, item.recovery) for item in failures if isinstance(item, AccountFailure)]
    assert told == [("account.closed", "account_gone"), ("account_not_offered", "account_gone")]


def test_teller_account_without_transactions() -> None:
    """A capability the bank does not offer is not asked for."""
    with serving(scripted([teller_account("acc_1"), teller_account("acc_2")])) as server:
        assert pull("teller", server) == []
    assert asked(server) == ["/accounts"]


def test_gocardless_token_that_is_refused() -> None:
    """It is renewed once, with the refresh token, and the call goes on."""
    refused = scripted({"summary": "Invalid token", "detail": "Token is invalid or expired"}, "401 No")
    fresh = scripted({"access": "A2", "access_expires": 86400})
    with serving(scripted(TOKENS), refused, fresh, scripted(EMPTY), scripted(EMPTY)) as server:
        pages = pull("gocardless", server)
    assert len(pages) == 2
    assert asked(server)[:4] == [
        "/token/new/",
        "/accounts/acc_1/transactions/",
        "/token/refresh/",
        "/accounts/acc_1/transactions/",
    ]
    assert b"Bearer A2" in server.requests[-1]


def test_gocardless_fresh_token_that_is_refused_too() -> None:
    """It ends there instead of going round."""
    refused = scripted({"summary": "Invalid token"}, "401 No")
    fresh = scripted({"access": "A2", "access_expires": 86400})
    with serving(scripted(TOKENS), refused, fresh, refused) as server, pytest.raises(ProviderError) as failed:
        pull("gocardless", server)
    assert failed.value.recovery is Recovery.OPERATOR


def test_gocardless_consent_that_has_expired() -> None:
    """The person has to consent again; no token is renewed for it."""
    expired = scripted({"summary": "End User Agreement (EUA) 3fa8 has expired"}, "401 No")
    with serving(scripted(TOKENS), expired) as server, pytest.raises(ProviderError) as failed:
        pull("gocardless", server)
    assert failed.value.recovery is Recovery.REAUTH_USER
    assert asked(server) == ["/token/new/", "/accounts/acc_1/transactions/"]


def test_gocardless_daily_limit_of_one_account() -> None:
    """It is that account's appointment; the other account is read."""
    limited = scripted({"detail": "Please try again in 84562 seconds"}, "429 Too Many")
    with serving(scripted(TOKENS), limited, scripted(EMPTY)) as server:
        failure, page = pull("gocardless", server)
    assert isinstance(failure, AccountFailure)
    assert isinstance(page, Page)
    assert (failure.provider_account_id, failure.recovery) == ("acc_1", "retry_at")
    assert page.provider_account_id == "acc_2"


def test_gocardless_window_that_is_too_long() -> None:
    """Shorter and shorter ones are asked for, never into the future, and the page says which it was."""
    refused = scripted({"date_from": {"summary": "Incorrect date"}}, "400 Bad")
    answers = (refused, refused, refused, scripted(EMPTY), refused, scripted(EMPTY))
    with serving(scripted(TOKENS), *answers) as server:
        narrow, wider = pull("gocardless", server)
    assert isinstance(narrow, Page)
    assert isinstance(wider, Page)
    assert narrow.window == DateWindow(date(2026, 3, 18), date(2026, 6, 15))
    assert wider.window == DateWindow(date(2025, 12, 17), date(2026, 6, 15))


@pytest.mark.parametrize(
    ("status", "recovery"),
    [("CR", Recovery.RETRY_AT), ("NEW", Recovery.RETRY_AT), ("RJ", Recovery.RELINK), ("EX", Recovery.RELINK)],
)
def test_gocardless_requisition_that_is_not_linked(status: str, recovery: Recovery) -> None:
    """While the person is at the bank it is asked again; after a refusal it is not."""
    requisition = {"id": "r", "status": status, "institution_id": "B", "accounts": []}
    with (
        serving(scripted(TOKENS), scripted(requisition)) as server,
        ProviderHttp("gocardless", server.url) as http,
        pytest.raises(ProviderError) as failed,
    ):
        GoCardlessProvider(http, "id", "key", clock=lambda: NOON).complete_link({"requisition_id": "r"})
    assert failed.value.recovery is recovery


def test_gocardless_agreement_that_is_refused() -> None:
    """Shorter wishes follow, and no more are sent than the bank allows at all."""
    bank = {"id": "B", "name": "B", "transaction_total_days": "730", "max_access_valid_for_days": "180"}
    refused = scripted({"max_historical_days": {"summary": "Incorrect"}}, "400 Bad")
    agreement = {"id": "g", "max_historical_days": 90, "access_valid_for_days": 90, "accepted": None}
    requisition = {"id": "r", "link": "https://bank.example/start"}
    answers = (scripted(TOKENS), scripted(bank), refused, refused, scripted(agreement), scripted(requisition))
    with serving(*answers) as server, ProviderHttp("gocardless", server.url) as http:
        provider = GoCardlessProvider(http, "id", "key", clock=lambda: NOON, new_reference=lambda: "n1")
        start = provider.start_link(
            user_reference="u1", institution_id="B", country="DE", redirect_url="http://localhost/back"
        )
    assert (start.reference, start.url) == ("r", "https://bank.example/start")
    assert asked(server).count("/agreements/enduser/") == 3
