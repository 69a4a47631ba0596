"""Teller's pull side: accounts, balances, and the newest transactions of each account.

Belongs here: calls, paging, and which failure concerns one account alone. Does not belong here: what rows
mean (`teller.wire`) and what codes mean (`teller.errors`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence

from bank_sync.domain.errors import ContractBroken, ProviderError, Recovery
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
from bank_sync.providers.addresses import segment
from bank_sync.providers.base import IncrementalReads
from bank_sync.providers.failures import account_failure
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.json_text import encode_json
from bank_sync.providers.minimise import minimise
from bank_sync.providers.rows import checked_envelope
from bank_sync.providers.teller import wire
from bank_sync.providers.teller.errors import refusal
from bank_sync.providers.teller.link import check_signature, linked

PRODUCTION_URL = "https://api.teller.io"

_API_VERSION = "2020-10-12"
_ROWS_PER_PAGE = 250  # without a count Teller sends everything, which times out on busy accounts
_MOST_PAGES = 1_000


class TellerProvider:
    """Teller behind the protocol of `providers.base`.

    Args:
        http: below `PRODUCTION_URL` (with `teller.certificate`) or the pretend banks.
        application_id: what Teller Connect is opened with.
        history_days: how far back the first read goes; Teller gives what the bank has.
        signing_keys: of Teller Connect, as the dashboard shows them; without any, tokens are tried only.
        new_nonce: makes the one-time text that Teller Connect signs.
    """

    name = "teller"
    balances_are_scarce = False
    incremental_reads = IncrementalReads.WINDOW

    def __init__(
        self,
        http: ProviderHttp,
        application_id: str,
        *,
        history_days: int = 365,
        signing_keys: Sequence[str] = (),
        new_nonce: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        self.history_days = history_days
        self._http = http
        self._application_id = application_id
        self._signing_keys = tuple(signing_keys)
        self._new_nonce = new_nonce

    def start_link(
        self,
        *,
        user_reference: str,  # noqa: ARG002 - Teller Connect knows no user of ours
        institution_id: str | None,  # noqa: ARG002 - the person picks the bank inside Teller Connect
        country: str,  # noqa: ARG002 - Teller serves the United States alone
        redirect_url: str | None,  # noqa: ARG002 - Teller Connect stays on our page
        android_package: str | None = None,  # noqa: ARG002 - Teller Connect stays in the application
    ) -> LinkStart:
        """The application id for Teller Connect; `reference` is the nonce to open it with."""
        return LinkStart(kind="teller_connect", reference=self._new_nonce(), token=self._application_id)

    def find_institutions(self, *, country: str, query: str) -> list[Institution]:
        """Teller's banks, all of them in the United States, by a part of their name."""
        if country != "US":
            return []
        rows = wire.checked_rows(self._http.call("GET", "/institutions", refusal=refusal).value)
        found = [checked_envelope(wire.Institution, row, self.name) for row in rows]
        return [
            Institution(self.name, one.id, one.name, country)
            for one in found
            if query.casefold() in one.name.casefold()
        ]

    def start_repair(
        self,
        credential: Credential,
        *,
        redirect_url: str | None,  # noqa: ARG002 - Teller Connect stays on our page
        android_package: str | None = None,  # noqa: ARG002 - Teller Connect stays in the application
    ) -> LinkStart:
        """Teller Connect for the same enrollment, whose access token works again afterwards."""
        return LinkStart(
            kind="teller_connect",
            reference=self._new_nonce(),
            token=self._application_id,
            enrollment_id=credential.provider_connection_id,
        )

    def complete_link(self, proof: Mapping[str, str]) -> Linked:
        """Try `access_token`, and see that it opens the enrollment the browser named.

        Raises:
            ProviderError: the token is not signed for us, opens nothing, no account, or another enrollment.
        """
        check_signature(self._signing_keys, proof)
        return linked(self._accounts(proof.get("access_token", "")), proof, self.history_days)

    def end_link(self, credential: Credential) -> None:
        """Delete the enrollment's access; a token that is dead already is no error."""
        try:
            self._call("DELETE", "/accounts", credential.secret)
        except ProviderError as error:
            if error.recovery not in (Recovery.RELINK, Recovery.REAUTH_USER, Recovery.ACCOUNT_GONE):
                raise

    def check_access(self, credential: Credential) -> Access:
        """Read one transaction: the list of accounts is given even while the bank refuses the login."""
        for account in self._accounts(credential.secret):
            if account.links.transactions:
                path = f"/accounts/{segment(account.id)}/transactions"
                self._call("GET", path, credential.secret, {"count": "1"})
                break
        return Access()

    def pull_accounts(
        self,
        credential: Credential,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page]:
        """One page with all accounts."""
        rows = wire.checked_rows(self._call("GET", "/accounts", credential.secret))
        yield Page(Part.ACCOUNTS, encode_json(minimise(rows)))

    def pull_balances(
        self,
        credential: Credential,
        accounts: Sequence[AccountReference],
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page | AccountFailure]:
        """One page per account that offers balances; each call is billed."""
        offered = {account.id: account for account in self._accounts(credential.secret)}
        for account in accounts:
            account_id = account.provider_account_id
            if account_id not in offered:
                yield _not_offered(account_id)
            elif offered[account_id].links.balances:
                yield from self._account_balances(credential.secret, account_id)

    def pull_transactions(
        self,
        credential: Credential,
        request: TransactionsRequest,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page | AccountFailure]:
        """Pages of one account after the other; an account's last page says which dates are complete."""
        offered = {account.id: account for account in self._accounts(credential.secret)}
        for account in request.accounts:
            account_id = account.provider_account_id
            if account_id not in offered:
                yield _not_offered(account_id)
            elif offered[account_id].links.transactions and account_id in request.windows:
                window = request.windows[account_id]
                yield from self._account_transactions(credential.secret, account_id, window)

    def read_accounts(self, page: Page) -> Iterator[AccountRecord | Rejected]:
        """Accounts of a stored page. Pure."""
        return wire.read_accounts(page)

    def read_balances(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[BalanceRecord | Rejected]:
        """Balances of a stored page. Pure."""
        return wire.read_balances(page, accounts)

    def read_transactions(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
        """Transactions of a stored page. Pure."""
        return wire.read_transactions(page, accounts)

    def _accounts(self, access_token: str) -> list[wire.Account]:
        rows = wire.checked_rows(self._call("GET", "/accounts", access_token))
        return [checked_envelope(wire.Account, row, self.name) for row in rows]

    def _account_balances(self, access_token: str, account_id: str) -> Iterator[Page | AccountFailure]:
        try:
            value = self._call("GET", f"/accounts/{segment(account_id)}/balances", access_token)
        except ProviderError as error:
            yield account_failure(error, account_id)
        else:
            yield Page(Part.BALANCES, encode_json(minimise(value)), provider_account_id=account_id)

    def _account_transactions(
        self, access_token: str, account_id: str, window: DateWindow
    ) -> Iterator[Page | AccountFailure]:
        try:
            yield from self._pages_back_to(access_token, account_id, window)
        except ProviderError as error:
            yield account_failure(error, account_id)

    def _pages_back_to(self, access_token: str, account_id: str, window: DateWindow) -> Iterator[Page]:
        """Newest first, until the list ends or a row older than the window comes."""
        from_id: str | None = None
        for _ in range(_MOST_PAGES):
            rows = self._rows_after(access_token, account_id, from_id)
            is_last = len(rows) < _ROWS_PER_PAGE
            if not is_last:
                oldest = wire.oldest_position(rows)
                if oldest.id == from_id:
                    raise ContractBroken(provider=self.name, detail="repeated_cursor")
                from_id = oldest.id
                is_last = oldest.date < window.first
            # a page goes on past the window: of what lies there nothing would say what is missing
            asked_for = [row for row in rows if not wire.is_posted_before(row, window.first)]
            yield Page(
                Part.TRANSACTIONS,
                encode_json(minimise(asked_for)),
                provider_account_id=account_id,
                window=window if is_last else None,
            )
            if is_last:
                return
        raise ContractBroken(provider=self.name, detail="endless_pages")

    def _rows_after(self, access_token: str, account_id: str, from_id: str | None) -> list[object]:
        params = {"count": str(_ROWS_PER_PAGE)} | ({"from_id": from_id} if from_id else {})
        path = f"/accounts/{segment(account_id)}/transactions"
        return wire.checked_rows(self._call("GET", path, access_token, params))

    def _call(
        self, method: str, path: str, access_token: str, params: Mapping[str, str] | None = None
    ) -> object:
        return self._http.call(
            method,
            path,
            params=params,
            headers={"Teller-Version": _API_VERSION},
            auth=(access_token, ""),
            refusal=refusal,
        ).value


def _not_offered(account_id: str) -> AccountFailure:
    """The account is no longer in the enrollment's list."""
    error = ProviderError(provider="teller", code="account_not_offered", recovery=Recovery.ACCOUNT_GONE)
    return account_failure(error, account_id)
