"""GoCardless' pull side: accounts, balances and transactions, account by account.

Belongs here: calls, and the narrowing of a window that a bank refuses. Does not belong here: the consent flow
(`gocardless.consent`), what rows mean (`gocardless.wire`, `gocardless.transactions`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.domain.linking import Institution
from bank_sync.domain.models import (
    Access,
    AccountFailure,
    AccountRecord,
    AccountReference,
    AskedBy,
    BalanceRecord,
    Credential,
    DateWindow,
    Linked,
    LinkStart,
    Page,
    Part,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
    TransactionsRequest,
)
from bank_sync.domain.quota import Scope
from bank_sync.providers.addresses import segment
from bank_sync.providers.base import IncrementalReads
from bank_sync.providers.failures import account_failure
from bank_sync.providers.gocardless import transactions, wire
from bank_sync.providers.gocardless.api import GoCardlessApi
from bank_sync.providers.gocardless.consent import ConsentFlow, linked_requisition
from bank_sync.providers.gocardless.details import Nothing, StoredDetails, details_of
from bank_sync.providers.gocardless.quota import CallMeter, DailyQuota
from bank_sync.providers.gocardless.token import TokenShelf
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.json_text import encode_json
from bank_sync.providers.minimise import minimise
from bank_sync.providers.rows import checked_envelope

PRODUCTION_URL = "https://bankaccountdata.gocardless.com/api/v2"

_NARROWER_WINDOWS_DAYS = (365, 180, 90, 89)  # the last is what every bank must give without a fresh login


class GoCardlessProvider:
    """GoCardless Bank Account Data behind the protocol of `providers.base`.

    A connection's secret is its requisition id: it opens nothing without the application's own secrets.

    Args:
        http: below `PRODUCTION_URL` or the pretend banks.
        secret_id: of the GoCardless account.
        secret_key: of the GoCardless account.
        clock: the time in UTC.
        history_days: asked for in each agreement, cut to what the bank allows.
        new_reference: makes the part of a requisition's reference that no other has.
        quota: the ledger of the calls of a day; None calls without.
        details: keeps what was read once a day; None asks every time.
        shelf: keeps the application's token; None keeps it in this process.
    """

    name = "gocardless"
    balances_are_scarce = True
    incremental_reads = IncrementalReads.WINDOW

    def __init__(
        self,
        http: ProviderHttp,
        secret_id: str,
        secret_key: str,
        *,
        clock: Callable[[], datetime],
        history_days: int = 540,
        new_reference: Callable[[], str] = secrets.token_urlsafe,
        quota: DailyQuota | None = None,
        details: StoredDetails | None = None,
        shelf: TokenShelf | None = None,
    ) -> None:
        self.history_days = history_days
        self._clock = clock
        self._quota = quota
        self._details = details or Nothing()
        self._api = GoCardlessApi(http, secret_id, secret_key, clock, shelf)
        self._consent = ConsentFlow(self._api, history_days, new_reference)

    def start_link(
        self,
        *,
        user_reference: str,
        institution_id: str | None,
        country: str,  # noqa: ARG002 - an institution id names its country already
        redirect_url: str | None,
        android_package: str | None = None,  # noqa: ARG002 - an application is come back to by its link
    ) -> LinkStart:
        """An address to open; `reference` is the requisition id that `complete_link` wants.

        Raises:
            ProviderError: also when no institution or no address to come back to was given.
        """
        return self._consent.start(user_reference, institution_id, redirect_url)

    def find_institutions(self, *, country: str, query: str) -> list[Institution]:
        """Banks of a country by a part of their name."""
        return self._consent.find_institutions(country, query)

    def start_repair(
        self, credential: Credential, *, redirect_url: str | None, android_package: str | None = None
    ) -> None:
        """Nothing: consent that ended is given anew, by a new requisition."""

    def complete_link(self, proof: Mapping[str, str]) -> Linked:
        """Read the requisition of `requisition_id`; what the browser's address says is not trusted."""
        return self._consent.complete(proof.get("requisition_id", ""))

    def end_link(self, credential: Credential) -> None:
        """Delete the requisition with its agreement; one that is gone already is no error."""
        try:
            self._api.call("DELETE", f"/requisitions/{segment(credential.secret)}/")
        except ProviderError as error:
            if error.recovery not in (Recovery.ACCOUNT_GONE, Recovery.BUG):  # unknown, or not even an id
                raise

    def check_access(self, credential: Credential) -> Access:
        """Read the requisition and its agreement, which says when the person's consent ends."""
        return self._consent.check(credential.secret, self._clock())

    def pull_accounts(
        self,
        credential: Credential,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,
    ) -> Iterator[Page | AccountFailure]:
        """One page per account that still exists; its details are those of the last day."""
        requisition = linked_requisition(self._api, credential.secret)
        for account_id in requisition.accounts:
            try:
                yield self._account_page(credential, account_id, requisition.institution_id, asked_by)
            except ProviderError as error:
                if error.recovery is not Recovery.ACCOUNT_GONE:
                    yield account_failure(error, account_id)

    def pull_balances(
        self,
        credential: Credential,  # noqa: ARG002 - the application's token opens every account by its id
        accounts: Sequence[AccountReference],
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,
    ) -> Iterator[Page | AccountFailure]:
        """One page per account; each successful one is one of its four of the day."""
        for account in accounts:
            account_id = account.provider_account_id
            try:
                path = f"/accounts/{segment(account_id)}/balances/"
                value = self._api.get(path, meter=self._meter(account_id, Scope.BALANCES, asked_by))
                checked_envelope(wire.BalancesAnswer, value, self.name)
            except ProviderError as error:
                yield account_failure(error, account_id)
            else:
                yield Page(Part.BALANCES, encode_json(minimise(value)), provider_account_id=account_id)

    def pull_transactions(
        self,
        credential: Credential,  # noqa: ARG002 - the application's token opens every account by its id
        request: TransactionsRequest,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,
    ) -> Iterator[Page | AccountFailure]:
        """One page per account and window; each successful one is one of its four of the day."""
        for account in request.accounts:
            account_id = account.provider_account_id
            window = request.windows.get(account_id)
            if window is None:
                continue
            try:
                page = self._transactions_page(account_id, self._until_today(window), asked_by)
            except ProviderError as error:
                yield account_failure(error, account_id)
            else:
                yield page

    def read_accounts(self, page: Page) -> Iterator[AccountRecord | Rejected]:
        """The account of a stored page. Pure."""
        return wire.read_accounts(page)

    def read_balances(
        self,
        page: Page,
        accounts: Mapping[str, AccountReference],  # noqa: ARG002 - each balance says its currency itself
    ) -> Iterator[BalanceRecord | Rejected]:
        """Balances of a stored page. Pure."""
        return wire.read_balances(page)

    def read_transactions(
        self,
        page: Page,
        accounts: Mapping[str, AccountReference],  # noqa: ARG002 - each row says its currency itself
    ) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
        """Transactions of a stored page. Pure."""
        return transactions.read_transactions(page)

    def _account_page(
        self, credential: Credential, account_id: str, institution_id: str, asked_by: AskedBy
    ) -> Page:
        """Metadata and details of one account in one body."""
        path = f"/accounts/{segment(account_id)}/"
        metadata = self._api.get(path)
        meter = self._meter(account_id, Scope.DETAILS, asked_by)
        details = details_of(
            self._details,
            credential.connection_id,
            account_id,
            lambda: self._api.get(f"{path}details/", meter=meter),
            self._clock(),
        )
        body = {"account": metadata, "details": details, "institution_id": institution_id}
        return Page(Part.ACCOUNTS, encode_json(minimise(body)), provider_account_id=account_id)

    def _transactions_page(self, account_id: str, window: DateWindow, asked_by: AskedBy) -> Page:
        """A bank that refuses a long window is asked for shorter ones; the page says which it gave."""
        narrower = iter(_narrower(window))
        while True:
            try:
                return self._page_of_window(account_id, window, asked_by)
            except ProviderError as error:
                shorter = next(narrower, None)
                if error.recovery is not Recovery.BUG or shorter is None:
                    raise
            window = shorter

    def _page_of_window(self, account_id: str, window: DateWindow, asked_by: AskedBy) -> Page:
        dates = {"date_from": window.first.isoformat(), "date_to": window.last.isoformat()}
        path = f"/accounts/{segment(account_id)}/transactions/"
        value = self._api.get(path, dates, meter=self._meter(account_id, Scope.TRANSACTIONS, asked_by))
        checked_envelope(transactions.TransactionsAnswer, value, self.name)
        body = encode_json(minimise(value))
        return Page(Part.TRANSACTIONS, body, provider_account_id=account_id, window=window)

    def _meter(self, account_id: str, scope: Scope, asked_by: AskedBy) -> CallMeter | None:
        """What counts the tries of a call; None where nothing is counted."""
        if self._quota is None:
            return None
        return CallMeter(self._quota, account_id, scope, asked_by, self._clock)

    def _until_today(self, window: DateWindow) -> DateWindow:
        """A date in the future is refused."""
        today = self._clock().date()
        return DateWindow(min(window.first, today), min(window.last, today))


def _narrower(window: DateWindow) -> Iterator[DateWindow]:
    """Shorter and shorter windows with the same end."""
    for days in _NARROWER_WINDOWS_DAYS:
        first = window.last - timedelta(days=days)
        if first > window.first:
            yield DateWindow(first, window.last)
