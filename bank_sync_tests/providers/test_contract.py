"""What every provider promises, over real HTTP against the sandbox.

Belongs here: promises that hold for all three alike. Does not belong here: one provider's wire format.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from bank_sync.domain.errors import NEEDS_USER, ProviderError, Recovery
from bank_sync.domain.models import (
    AccountState,
    BalanceRecord,
    BalanceRole,
    Credential,
    Page,
    Posting,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.providers.base import IncrementalReads
from bank_sync.sandbox.config import SandboxConfig
from bank_sync_tests.providers.conftest import Desk, OpenDesk


def test_a_link_that_begins(desk: Desk) -> None:
    """The browser gets what it needs, and no repr shows a token."""
    start = desk.provider.start_link(
        user_reference="u1",
        institution_id=None if desk.provider.name == "teller" else desk.institution_id,
        country="DE" if desk.provider.name == "gocardless" else "US",
        redirect_url="http://localhost/back",
    )
    kinds = {"plaid": "plaid_link", "teller": "teller_connect", "gocardless": "redirect"}
    assert start.kind == kinds[desk.provider.name]
    assert start.reference
    assert start.token or start.url
    assert not start.token or start.token not in repr(start)


def test_a_finished_link(desk: Desk) -> None:
    """A proof becomes a credential whose secret no repr shows."""
    linked, _ = desk.link()
    assert linked.secret
    assert linked.institution_name
    assert linked.secret not in repr(linked) or linked.secret == linked.provider_connection_id


def test_a_proof_that_proves_nothing(desk: Desk) -> None:
    """It asks for a new link, instead of storing a connection that opens nothing."""
    with pytest.raises(ProviderError) as refused:
        desk.provider.complete_link(
            {"public_token": "public-sandbox-none", "access_token": "token_none", "requisition_id": "none"}
        )
    assert refused.value.recovery in {Recovery.RELINK, Recovery.OPERATOR}


def test_accounts_of_a_link(desk: Desk) -> None:
    """Every account is there once, described as the bank describes it, without its number."""
    _, credential = desk.link()
    accounts = desk.accounts(credential)
    told = [
        (account.provider_account_id, account.name, account.type, account.mask, account.currency)
        for account in accounts
    ]
    true = [
        (row["provider_account_id"], row["name"], row["type"], _mask(desk, row), row["currency"])
        for row in desk.truth(credential)
    ]
    assert sorted(told, key=str) == sorted(true, key=str)
    assert {account.state for account in accounts} == {AccountState.ACTIVE}
    assert len({account.stable_key for account in accounts}) == len(accounts)


def test_a_second_link_of_the_same_person(desk: Desk) -> None:
    """New ids, same stable keys: a re-link finds its accounts again."""
    _, first = desk.link()
    _, second = desk.link()
    keys = [{account.stable_key for account in desk.accounts(credential)} for credential in (first, second)]
    assert keys[0] == keys[1]


def test_stored_pages_hold_no_account_number(desk: Desk) -> None:
    """No page that is stored has an IBAN of the person in clear."""
    _, credential = desk.link()
    accounts = tuple(desk.references(credential).values())
    bodies = [page.body for page in desk.provider.pull_accounts(credential) if isinstance(page, Page)]
    bodies += [page.body for page in desk.pages(credential)]
    bodies += [
        page.body for page in desk.provider.pull_balances(credential, accounts) if isinstance(page, Page)
    ]
    ibans = [row["iban"] for row in desk.truth(credential) if row["iban"]]
    assert not [iban for iban in ibans for body in bodies if iban in body]
    assert ibans or credential.provider != "gocardless"


def test_balances_of_a_link(desk: Desk) -> None:
    """The current balance of each account, a debt negative, to the digit."""
    _, credential = desk.link()
    references = desk.references(credential)
    records = []
    for page in desk.provider.pull_balances(credential, tuple(references.values())):
        assert isinstance(page, Page)
        records += list(desk.provider.read_balances(page, references))
    current = {
        record.provider_account_id: record.amount
        for record in records
        if isinstance(record, BalanceRecord) and record.role is BalanceRole.CURRENT
    }
    true = {row["provider_account_id"]: Decimal(row["current"]) for row in desk.truth(credential)}
    assert not [record for record in records if isinstance(record, Rejected)]
    assert current == true


def test_transactions_of_a_link(desk: Desk) -> None:
    """Every row the bank shows, once, with its sign, digits, currency and posting."""
    _, credential = desk.link()
    rows = _applied(desk, credential, [], desk.pages(credential))
    true = _true_rows(desk, credential)
    assert _facts(desk, rows) == true
    assert sum(true.values()) > 500


def test_ids_of_a_link(desk: Desk) -> None:
    """No id stands for two posted rows of one account, and no posted row is without one."""
    _, credential = desk.link()
    ids = Counter(
        (row.provider_account_id, row.provider_transaction_id)
        for row in _applied(desk, credential, [], desk.pages(credential))
        if row.posting is Posting.POSTED
    )
    assert set(ids.values()) == {1}
    assert None not in {identifier for _, identifier in ids}


def test_booking_dates_of_a_link(desk: Desk) -> None:
    """A posted row stands on the day the bank booked it."""
    _, credential = desk.link()
    rows = _applied(desk, credential, [], desk.pages(credential))
    told = Counter(
        (row.provider_account_id, str(row.booked_on)) for row in rows if row.posting is Posting.POSTED
    )
    true = Counter(
        (account["provider_account_id"], row["booked_on"])
        for account in desk.truth(credential)
        for row in account["transactions"]
        if row["posting"] == "posted"
    )
    assert told == true


def test_a_second_read_without_news(desk: Desk) -> None:
    """Reading again gives the same rows, or none where a cursor says what is new."""
    _, credential = desk.link()
    pages = desk.pages(credential)
    again = desk.pages(credential, cursor=pages[-1].cursor_after)
    rows = list(_rows(desk, credential, again))
    if desk.provider.incremental_reads is IncrementalReads.CURSOR:
        assert rows == []
        assert again[-1].cursor_after
    else:
        assert rows == list(_rows(desk, credential, pages))


def test_a_read_some_days_later(desk: Desk) -> None:
    """After what is pending has posted, the rows are again exactly the bank's."""
    _, credential = desk.link()
    first = desk.pages(credential)
    before = _applied(desk, credential, [], first)
    desk.wait(days=6)
    later = desk.pages(credential, cursor=first[-1].cursor_after)
    known = before if desk.provider.incremental_reads is IncrementalReads.CURSOR else []
    assert _facts(desk, _applied(desk, credential, known, later)) == _true_rows(desk, credential)


def test_windows_of_a_round(desk: Desk) -> None:
    """Window providers say for each account what they covered; cursor providers say where to go on."""
    _, credential = desk.link()
    pages = desk.pages(credential, days=30)
    if desk.provider.incremental_reads is IncrementalReads.CURSOR:
        assert all(page.cursor_after and page.window is None for page in pages)
        return
    last_pages = {page.provider_account_id: page for page in pages}
    assert set(last_pages) == set(desk.references(credential))
    assert all(page.window is not None and page.cursor_after is None for page in last_pages.values())


def test_credentials_of_the_application_that_are_wrong(open_desk: OpenDesk) -> None:
    """It is the operator's to mend: no person is asked to log in again."""
    config = SandboxConfig(
        gocardless_secret_id="right",
        gocardless_secret_key="right",
        plaid_client_id="right",
        plaid_secret="right",
    )
    for name in ("plaid", "gocardless"):
        desk = open_desk(name, config)
        with pytest.raises(ProviderError) as refused:
            list(desk.provider.pull_accounts(Credential("c1", name, "p1", "secret-canary")))
        assert refused.value.recovery is Recovery.OPERATOR
        assert "canary" not in str(refused.value)


def test_a_secret_that_opens_nothing(desk: Desk) -> None:
    """The person has to link again, and the error does not repeat the secret."""
    credential = Credential("c1", desk.provider.name, "p1", "secret-canary")
    with pytest.raises(ProviderError) as refused:
        list(desk.provider.pull_accounts(credential))
    assert refused.value.recovery in {Recovery.RELINK, Recovery.OPERATOR}
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("name", ["plaid", "teller"])
def test_a_login_the_bank_no_longer_accepts(name: str, open_desk: OpenDesk) -> None:
    """The whole connection needs its person, and no account's failure hides it."""
    desk = open_desk(name)
    _, credential = desk.link()
    references = tuple(desk.references(credential).values())
    desk.break_login(credential)
    with pytest.raises(ProviderError) as refused:
        list(desk.provider.pull_balances(credential, references))
    assert refused.value.recovery in NEEDS_USER


def test_a_link_that_was_ended(desk: Desk) -> None:
    """The provider forgets the login, and ending it twice is no error."""
    _, credential = desk.link()
    desk.provider.end_link(credential)
    desk.provider.end_link(credential)
    with pytest.raises(ProviderError):
        list(desk.provider.pull_accounts(credential))


def _rows(
    desk: Desk, credential: Credential, pages: Iterable[Page]
) -> Iterable[TransactionRecord | TransactionRemoval]:
    references = desk.references(credential)
    for page in pages:
        for row in desk.provider.read_transactions(page, references):
            assert not isinstance(row, Rejected)
            yield row


def _applied(
    desk: Desk, credential: Credential, known: list[TransactionRecord], pages: Iterable[Page]
) -> list[TransactionRecord]:
    """Rows after a round: later news of an id replaces earlier, removals last; rows without id all stay."""
    by_id = {row.provider_transaction_id: row for row in known}
    without_id: list[TransactionRecord] = []
    gone = set()
    for row in _rows(desk, credential, pages):
        if isinstance(row, TransactionRemoval):
            gone.add(row.provider_transaction_id)
        elif row.provider_transaction_id is None:
            without_id.append(row)
        else:
            by_id[row.provider_transaction_id] = row
    return [row for key, row in by_id.items() if key not in gone] + without_id


def _facts(desk: Desk, rows: Iterable[TransactionRecord]) -> Counter[tuple[object, ...]]:
    return Counter(
        (
            row.provider_account_id,
            _shown_id(desk, row.provider_transaction_id),
            row.posting.value,
            row.amount,
            row.currency,
        )
        for row in rows
    )


def _true_rows(desk: Desk, credential: Credential) -> Counter[tuple[object, ...]]:
    return Counter(
        (
            account["provider_account_id"],
            _shown_id(desk, row["provider_transaction_id"]),
            row["posting"],
            Decimal(row["amount"]),
            row["currency"],
        )
        for account in desk.truth(credential)
        for row in account["transactions"]
    )


def _shown_id(desk: Desk, identifier: str | None) -> str | bool:
    """The answer key has the bank's own ids; at GoCardless the better id is GoCardless' own."""
    return identifier is not None if desk.provider.name == "gocardless" else str(identifier)


def _mask(desk: Desk, account: dict[str, Any]) -> str:
    """GoCardless shows IBANs, the others a mask."""
    is_iban_shown = desk.provider.name == "gocardless" and account["iban"]
    return str(account["iban"][-4:] if is_iban_shown else account["mask"])
