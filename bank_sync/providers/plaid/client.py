"""Plaid's pull side: link, accounts, balances, and rounds of `/transactions/sync`.

Belongs here: calls and the guards around their loops. Does not belong here: what rows mean (`plaid.wire`)
and what codes mean (`plaid.errors`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
    Linked,
    LinkStart,
    Page,
    Part,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
    TransactionsRequest,
)
from bank_sync.providers.base import IncrementalReads
from bank_sync.providers.http import ProviderHttp
from bank_sync.providers.json_text import encode_json
from bank_sync.providers.minimise import minimise
from bank_sync.providers.plaid import wire
from bank_sync.providers.plaid.errors import item_trouble, refusal
from bank_sync.providers.plaid.link import LinkFlow, WayBack
from bank_sync.providers.rows import checked_envelope

PRODUCTION_URL = "https://production.plaid.com"
SANDBOX_URL = "https://sandbox.plaid.com"

_API_VERSION = "2020-09-14"
_ROWS_PER_PAGE = 500  # Plaid's maximum: fewer pages, fewer chances that data changes while being paged
_WEBHOOK_KEY_DEADLINE_S = 4.0  # Plaid waits ten seconds for the answer to its webhook
_MOST_PAGES = 2_000  # a million rows in one round: beyond it the paging is broken, not the customer rich


class PlaidProvider:
    """Plaid behind the protocol of `providers.base`.

    Args:
        http: below `PRODUCTION_URL`, `SANDBOX_URL` or the pretend banks.
        client_id: of the Plaid account.
        secret: of that account's environment.
        client_name: what people see in Link, at most 30 characters.
        history_days: asked for at link time, 1 to 730; Plaid never widens it afterwards.
        webhook_url: where Plaid tells about new Items.
    """

    name = "plaid"
    balances_are_scarce = False
    incremental_reads = IncrementalReads.CURSOR

    def __init__(
        self,
        http: ProviderHttp,
        client_id: str,
        secret: str,
        client_name: str,
        *,
        history_days: int = 730,
        webhook_url: str | None = None,
    ) -> None:
        self.history_days = history_days
        self._http = http
        self._link = LinkFlow(self._call, client_name, history_days, webhook_url)
        self._headers = {
            "PLAID-CLIENT-ID": client_id,
            "PLAID-SECRET": secret,
            "Plaid-Version": _API_VERSION,
        }

    def start_link(
        self,
        *,
        user_reference: str,
        institution_id: str | None,
        country: str,
        redirect_url: str | None,
        android_package: str | None = None,
    ) -> LinkStart:
        """A token for Plaid Link, good for four hours; the person may pick any bank of the country."""
        return self._link.start(
            user_reference, institution_id, country, WayBack(redirect_url, android_package)
        )

    def find_institutions(self, *, country: str, query: str) -> list[Institution]:
        """Institutions of a country by a part of their name."""
        return self._link.find_institutions(country, query)

    def start_repair(
        self, credential: Credential, *, redirect_url: str | None, android_package: str | None = None
    ) -> LinkStart:
        """A token for Link in update mode: the Item and its access token stay."""
        return self._link.start_repair(credential, WayBack(redirect_url, android_package))

    def complete_link(self, proof: Mapping[str, str]) -> Linked:
        """Exchange `public_token`; `institution_name` of the browser fills in where the item has none."""
        return self._link.complete(proof)

    def end_link(self, credential: Credential) -> None:
        """Remove the item, so that Plaid forgets the login; removing it twice is no error."""
        try:
            self._ask("/item/remove", credential)
        except ProviderError as error:
            if error.recovery is not Recovery.RELINK:
                raise

    def webhook_key(self, key_id: str) -> Mapping[str, object] | None:
        """The key of that id as a JSON Web Key; None when Plaid has none, asked for by a waiting sender."""
        try:
            answer = self._http.call(
                "POST",
                "/webhook_verification_key/get",
                json={"key_id": key_id},
                headers=self._headers,
                refusal=refusal,
                repeatable=False,
                deadline_s=_WEBHOOK_KEY_DEADLINE_S,
            )
        except ProviderError as error:
            if error.code != "INVALID_WEBHOOK_VERIFICATION_KEY_ID":
                raise
            return None
        return checked_envelope(wire.WebhookKeyAnswer, answer.value, self.name).key

    def check_access(self, credential: Credential) -> Access:
        """Read the Item: access tokens do not end by themselves, but the login behind them does."""
        item = checked_envelope(wire.ItemAnswer, self._ask("/item/get", credential), self.name).item
        trouble = item_trouble(item.error)
        if trouble is not None:
            raise trouble
        return Access(item.consent_expiration_time)

    def pull_accounts(
        self,
        credential: Credential,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page]:
        """One page with all accounts."""
        yield self._accounts_page(credential, Part.ACCOUNTS)

    def pull_balances(
        self,
        credential: Credential,
        accounts: Sequence[AccountReference],
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page | AccountFailure]:
        """One page with the balances Plaid read last; asking the bank live is billed, so it is not done."""
        if accounts:
            yield self._accounts_page(credential, Part.BALANCES)

    def pull_transactions(
        self,
        credential: Credential,
        request: TransactionsRequest,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,  # noqa: ARG002 - no daily quota here
    ) -> Iterator[Page | AccountFailure]:
        """All pages after the cursor; only the cursor of the last one may be kept.

        While Plaid has not read the bank yet there is one page without rows and without a cursor.

        Raises:
            ProviderError: `Recovery.LOST_CURSOR` when Plaid does not know the cursor we hold.
        """
        seen: set[str | None] = {request.cursor}
        cursor = request.cursor
        for _ in range(_MOST_PAGES):
            value = self._sync(credential, cursor)
            answer = checked_envelope(wire.SyncAnswer, value, self.name)
            _check_cursor(answer, seen)
            cursor = answer.next_cursor or None
            seen.add(cursor)
            yield Page(
                Part.TRANSACTIONS,
                encode_json(minimise(value)),
                cursor_after=cursor,
                history_state=wire.history_state(answer),
            )
            if not answer.has_more:
                return
        raise ContractBroken(provider=self.name, detail="endless_pages")

    def read_accounts(self, page: Page) -> Iterator[AccountRecord | Rejected]:
        """Accounts of a stored page. Pure."""
        return wire.read_accounts(page)

    def read_balances(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[BalanceRecord | Rejected]:
        """Balances of a stored page, of the given accounts alone. Pure."""
        for record in wire.read_balances(page):
            if isinstance(record, Rejected) or record.provider_account_id in accounts:
                yield record

    def read_transactions(
        self,
        page: Page,
        accounts: Mapping[str, AccountReference],  # noqa: ARG002 - Plaid's rows say their currency themselves
    ) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
        """Transactions of a stored page. Pure."""
        return wire.read_transactions(page)

    def _accounts_page(self, credential: Credential, part: Part) -> Page:
        value = self._ask("/accounts/get", credential)
        checked_envelope(wire.AccountsAnswer, value, self.name)
        return Page(part, encode_json(minimise(value)))

    def _sync(self, credential: Credential, cursor: str | None) -> object:
        """One page. All fields but the cursor are constant, so a refused field means the cursor."""
        try:
            return self._ask("/transactions/sync", credential, _sync_wish(cursor))
        except ProviderError as error:
            if cursor is None or error.code != "INVALID_FIELD":
                raise
            raise ProviderError(
                provider=self.name,
                code="lost_cursor",
                recovery=Recovery.LOST_CURSOR,
                http_status=error.http_status,
                request_id=error.request_id,
            ) from None

    def _ask(self, path: str, credential: Credential, wish: Mapping[str, object] | None = None) -> object:
        """A call about one Item, which has limits of its own."""
        whole = {"access_token": credential.secret, **(wish or {})}
        return self._call(path, whole, item=credential.provider_connection_id)

    def _call(
        self, path: str, wish: Mapping[str, object], *, repeatable: bool = True, item: str | None = None
    ) -> object:
        return self._http.call(
            "POST", path, json=wish, headers=self._headers, refusal=refusal, repeatable=repeatable, item=item
        ).value


def _sync_wish(cursor: str | None) -> dict[str, object]:
    wish: dict[str, object] = {
        "count": _ROWS_PER_PAGE,
        "options": {"include_original_description": True, "personal_finance_category_version": "v2"},
    }
    return wish if cursor is None else wish | {"cursor": cursor}


def _check_cursor(answer: wire.SyncAnswer, seen: set[str | None]) -> None:
    """An empty cursor means "not ready yet"; beside data it means nothing that could be kept."""
    has_rows = answer.added or answer.modified or answer.removed or answer.has_more
    if not answer.next_cursor and (has_rows or None not in seen):
        raise ContractBroken(provider="plaid", detail="empty_cursor")
    if answer.has_more and answer.next_cursor in seen:
        raise ContractBroken(provider="plaid", detail="repeated_cursor")
