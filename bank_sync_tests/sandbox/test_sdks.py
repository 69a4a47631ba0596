"""The official clients, unchanged, against the sandbox over real HTTP."""

from datetime import date
from typing import TYPE_CHECKING, Any

import plaid
import pytest
import requests
from nordigen import NordigenClient
from plaid.api import plaid_api
from plaid.model.accounts_balance_get_request import AccountsBalanceGetRequest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.custom_sandbox_transaction import CustomSandboxTransaction
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import InstitutionsGetByIdRequestOptions
from plaid.model.institutions_get_request import InstitutionsGetRequest
from plaid.model.institutions_search_request import InstitutionsSearchRequest
from plaid.model.item_access_token_invalidate_request import ItemAccessTokenInvalidateRequest
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import ItemPublicTokenExchangeRequest
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.item_webhook_update_request import ItemWebhookUpdateRequest
from plaid.model.link_token_create_hosted_link import LinkTokenCreateHostedLink
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.products import Products
from plaid.model.sandbox_item_fire_webhook_request import SandboxItemFireWebhookRequest
from plaid.model.sandbox_item_reset_login_request import SandboxItemResetLoginRequest
from plaid.model.sandbox_public_token_create_request import SandboxPublicTokenCreateRequest
from plaid.model.sandbox_public_token_create_request_options import SandboxPublicTokenCreateRequestOptions
from plaid.model.sandbox_transactions_create_request import SandboxTransactionsCreateRequest
from plaid.model.transactions_get_request import TransactionsGetRequest
from plaid.model.transactions_recurring_get_request import TransactionsRecurringGetRequest
from plaid.model.transactions_refresh_request import TransactionsRefreshRequest
from plaid.model.transactions_sync_request import TransactionsSyncRequest
from plaid.model.webhook_verification_key_get_request import WebhookVerificationKeyGetRequest

from bank_sync.sandbox.config import SandboxConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


@pytest.fixture
def api(desk: "Desk") -> "Iterator[Any]":
    """Plaid's own client; the library ships no types."""
    keys = {"clientId": "any", "secret": "any", "plaidVersion": "2020-09-14"}
    client = plaid.ApiClient(plaid.Configuration(host=f"{desk.url}/plaid", api_key=keys))
    yield plaid_api.PlaidApi(client)
    client.rest_client.pool_manager.clear()


def _link(api: Any, institution: str) -> str:
    wish = SandboxPublicTokenCreateRequest(
        institution_id=institution, initial_products=[Products("transactions")]
    )
    public_token = api.sandbox_public_token_create(wish).public_token
    exchanged = api.item_public_token_exchange(ItemPublicTokenExchangeRequest(public_token=public_token))
    return str(exchanged.access_token)


@pytest.mark.parametrize("institution", ["ins_109508", "ins_109512", "ins_117650"])
def test_plaid_accounts_and_transactions(api: Any, desk: "Desk", institution: str) -> None:
    """The strict client accepts every row of US, yen and British accounts, also as days pass."""
    token = _link(api, institution)
    assert api.item_get(ItemGetRequest(access_token=token)).item.institution_id == institution
    accounts = api.accounts_get(AccountsGetRequest(access_token=token)).accounts
    live = api.accounts_balance_get(AccountsBalanceGetRequest(access_token=token)).accounts
    assert [account.account_id for account in accounts] == [account.account_id for account in live]
    first = api.transactions_sync(TransactionsSyncRequest(access_token=token, count=500))
    desk.wait(days=12)
    later = api.transactions_sync(
        TransactionsSyncRequest(access_token=token, cursor=first.next_cursor, count=500)
    )
    assert len(first.added) > 100
    assert later.added
    assert later.removed
    older = api.transactions_get(
        TransactionsGetRequest(
            access_token=token, start_date=first.added[0].date, end_date=first.added[-1].date
        )
    )
    assert older.total_transactions > 100


def test_plaid_link_and_institutions(api: Any, desk: "Desk") -> None:
    """The strict client reads institutions and a finished Hosted Link session."""
    countries = [CountryCode("US")]
    found = api.institutions_get(InstitutionsGetRequest(count=5, offset=0, country_codes=countries))
    one = InstitutionsGetByIdRequest(institution_id="ins_109508", country_codes=countries)
    assert found.institutions[0] == api.institutions_get_by_id(one).institution
    made = api.link_token_create(
        LinkTokenCreateRequest(
            client_name="Test",
            language="en",
            country_codes=countries,
            products=[Products("transactions")],
            user=LinkTokenCreateRequestUser(client_user_id="maya"),
            hosted_link=LinkTokenCreateHostedLink(),
        )
    )
    form = {"institution_id": "ins_109508", "decision": "approve"}
    desk.client.post(made.hosted_link_url, data=form)
    session = api.link_token_get(LinkTokenGetRequest(link_token=made.link_token)).link_sessions[0]
    assert session.results.item_add_results[0].public_token.startswith("public-sandbox-")


def test_plaid_errors(api: Any) -> None:
    """The client raises its own error when a login is required and when the Item is gone."""
    token = _link(api, "ins_109508")
    api.sandbox_item_reset_login(SandboxItemResetLoginRequest(access_token=token))
    with pytest.raises(plaid.ApiException, match="ITEM_LOGIN_REQUIRED"):
        api.transactions_sync(TransactionsSyncRequest(access_token=token))
    assert api.item_get(ItemGetRequest(access_token=token)).item.error.error_code == "ITEM_LOGIN_REQUIRED"
    api.item_remove(ItemRemoveRequest(access_token=token))
    with pytest.raises(plaid.ApiException, match="INVALID_ACCESS_TOKEN"):
        api.item_get(ItemGetRequest(access_token=token))


def test_plaid_session_left(api: Any, desk: "Desk") -> None:
    """The strict client reads a session that ended in the bank's refusal."""
    made = api.link_token_create(
        LinkTokenCreateRequest(
            client_name="Test",
            language="en",
            country_codes=[CountryCode("US")],
            products=[Products("transactions")],
            user=LinkTokenCreateRequestUser(client_user_id="maya"),
            hosted_link=LinkTokenCreateHostedLink(),
        )
    )
    form = {"institution_id": "ins_109508", "decision": "approve", "password": "error_ITEM_LOCKED"}
    desk.client.post(made.hosted_link_url, data=form)
    session = api.link_token_get(LinkTokenGetRequest(link_token=made.link_token)).link_sessions[0]
    assert session.exit.error.error_code == "ITEM_LOCKED"


def test_plaid_rows_and_streams(api: Any) -> None:
    """The strict client reads streams, asks for fresh rows, and creates rows of its own."""
    options = SandboxPublicTokenCreateRequestOptions(override_username="user_transactions_dynamic")
    wish = SandboxPublicTokenCreateRequest(
        institution_id="ins_109508", initial_products=[Products("transactions")], options=options
    )
    public_token = api.sandbox_public_token_create(wish).public_token
    exchange = ItemPublicTokenExchangeRequest(public_token=public_token)
    token = api.item_public_token_exchange(exchange).access_token
    streams = api.transactions_recurring_get(TransactionsRecurringGetRequest(access_token=token))
    assert streams.inflow_streams
    assert api.transactions_refresh(TransactionsRefreshRequest(access_token=token)).request_id
    day = date(2026, 6, 14)
    row = CustomSandboxTransaction(date_transacted=day, date_posted=day, amount=3.25, description="TEA")
    api.sandbox_transactions_create(SandboxTransactionsCreateRequest(access_token=token, transactions=[row]))
    newest = TransactionsGetRequest(access_token=token, start_date=day, end_date=day)
    assert "TEA" in {each.name for each in api.transactions_get(newest).transactions}


def test_plaid_webhooks(api: Any, desk: "Desk") -> None:
    """The strict client changes the address, fires a webhook and reads the key that would prove it."""
    token = _link(api, "ins_109508")
    url = "http://127.0.0.1:9/hook"
    changed = api.item_webhook_update(ItemWebhookUpdateRequest(access_token=token, webhook=url))
    assert changed.item.webhook == url
    fired = SandboxItemFireWebhookRequest(access_token=token, webhook_code="DEFAULT_UPDATE")
    assert api.sandbox_item_fire_webhook(fired).webhook_fired
    kid = desk.client.post(f"{desk.url}/_sandbox/webhooks/plaid/rotate").json()["kid"]
    key = api.webhook_verification_key_get(WebhookVerificationKeyGetRequest(key_id=kid)).key
    assert (key.kid, key.crv) == (kid, "P-256")


def test_plaid_tokens_and_status(api: Any) -> None:
    """The strict client renews an access token, searches institutions and reads how one is doing."""
    token = _link(api, "ins_109508")
    renewed = api.item_access_token_invalidate(ItemAccessTokenInvalidateRequest(access_token=token))
    assert api.item_get(ItemGetRequest(access_token=renewed.new_access_token)).item
    countries = [CountryCode("US")]
    search = InstitutionsSearchRequest(
        query="platypus", products=[Products("transactions")], country_codes=countries
    )
    assert api.institutions_search(search).institutions[0].institution_id == "ins_109508"
    options = InstitutionsGetByIdRequestOptions(include_status=True, include_optional_metadata=True)
    wish = InstitutionsGetByIdRequest(institution_id="ins_109508", country_codes=countries, options=options)
    assert api.institutions_get_by_id(wish).institution.status.item_logins.status == "HEALTHY"


def test_plaid_limits(open_desk: "OpenDesk") -> None:
    """The client raises its own error for one call too many, with the code of the limit."""
    desk = open_desk(SandboxConfig(enforce_limits=True))
    keys = {"clientId": "any", "secret": "any", "plaidVersion": "2020-09-14"}
    client = plaid.ApiClient(plaid.Configuration(host=f"{desk.url}/plaid", api_key=keys))
    strict = plaid_api.PlaidApi(client)
    request = AccountsBalanceGetRequest(access_token=_link(strict, "ins_109508"))
    for _ in range(5):
        strict.accounts_balance_get(request)
    with pytest.raises(plaid.ApiException, match="BALANCE_LIMIT"):
        strict.accounts_balance_get(request)
    client.rest_client.pool_manager.clear()


def test_nordigen_lists_and_errors(open_desk: "OpenDesk") -> None:
    """GoCardless's own client lists and deletes, and raises with the limits in the headers."""
    desk = open_desk(SandboxConfig(enforce_limits=True))
    client = NordigenClient(
        secret_id="any", secret_key="any", base_url=f"{desk.url}/gocardless/api/v2", timeout=10
    )
    client.generate_token()
    made = client.agreement.create_agreement(institution_id="SIM_HYPE_HYEEIT22", max_historical_days="30")
    assert client.agreement.get_agreements()["results"][0]["id"] == made["id"]
    client.agreement.delete_agreement(made["id"])
    session = client.initialize_session("http://localhost/back", "SIM_HYPE_HYEEIT22", "one", 30)
    desk.client.post(session.link, data={"decision": "approve"})
    assert client.requisition.get_requisitions()["count"] == 1
    account_id = client.requisition.get_requisition_by_id(session.requisition_id)["accounts"][0]
    account = client.account_api(account_id)
    for _ in range(4):
        assert account.get_transactions()["transactions"]["booked"]
    with pytest.raises(requests.HTTPError) as refused:
        account.get_transactions()
    assert refused.value.args[0]["status"] == 429
    assert refused.value.response.headers["HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING"] == "0"


def test_nordigen(desk: "Desk") -> None:
    """GoCardless's own client goes the whole way: token, session, consent, account data, deletion."""
    client = NordigenClient(
        secret_id="any", secret_key="any", base_url=f"{desk.url}/gocardless/api/v2", timeout=10
    )
    tokens = client.generate_token()
    client.exchange_token(tokens["refresh"])
    assert client.institution.get_institutions("GB")[0]["id"] == "BARCLAYS_BUKBGB22"
    assert len(client.institution.get_institutions()) > 5
    session = client.initialize_session(
        redirect_uri="http://localhost/back",
        institution_id="BARCLAYS_BUKBGB22",
        reference_id="one",
        max_historical_days=730,
        access_valid_for_days=90,
    )
    assert desk.client.post(session.link, data={"decision": "approve"}).status_code == 302
    requisition = client.requisition.get_requisition_by_id(session.requisition_id)
    assert requisition["status"] == "LN"
    for account_id in requisition["accounts"]:
        account = client.account_api(account_id)
        assert account.get_metadata()["status"] == "READY"
        assert account.get_details()["account"]["currency"] == "GBP"
        assert account.get_balances()["balances"]
        assert account.get_transactions(date_from="2026-01-01", date_to="2026-06-15")["transactions"][
            "booked"
        ]
    agreement = client.agreement.get_agreement_by_id(requisition["agreement"])
    assert agreement["accepted"]
    assert client.requisition.delete_requisition(session.requisition_id)["summary"] == "Requisition deleted"
