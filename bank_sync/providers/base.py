"""The protocol every provider fulfils.

Belongs here: the contract between the sync engine and a provider. Does not belong here: HTTP
(`providers.http`), one provider's wire format (its own folder), storage.

A provider has two sides. *Pull* talks to the network and yields pages as received. *Read* is pure: it turns a
stored page into records, so that the ledger can be rebuilt from raw pages at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

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
    Rejected,
    TransactionRecord,
    TransactionRemoval,
    TransactionsRequest,
)


class IncrementalReads(StrEnum):
    """How a provider tells what is new."""

    CURSOR = "cursor"
    """A change log: pages carry added, modified and removed rows after a cursor."""
    WINDOW = "window"
    """A complete list for a range of dates: what is missing from it is gone."""


class Provider(Protocol):
    """One aggregator. Every pull raises `ProviderError` when the provider refuses or fails."""

    @property
    def name(self) -> str:
        """`plaid`, `teller`, `gocardless`: part of keys in the database, never changed."""

    @property
    def incremental_reads(self) -> IncrementalReads:
        """Cursor or window."""

    @property
    def history_days(self) -> int:
        """How many days back the first window read asks for."""

    @property
    def balances_are_scarce(self) -> bool:
        """Whether the bank gives balances only a few times a day, which the regular syncs need."""

    def start_link(
        self,
        *,
        user_reference: str,
        institution_id: str | None,
        country: str,
        redirect_url: str | None,
        android_package: str | None = None,
    ) -> LinkStart:
        """Begin connecting a bank for a person; `user_reference` is our opaque id of that person.

        The person comes back to `redirect_url` (for an iOS application its universal link) or to the Android
        application of that package, where the provider takes one.
        """

    def find_institutions(self, *, country: str, query: str) -> list[Institution]:
        """Banks of a country (ISO code, upper case) whose name holds the query; none outside its reach."""

    def start_repair(
        self, credential: Credential, *, redirect_url: str | None, android_package: str | None = None
    ) -> LinkStart | None:
        """Begin to make a broken login work again; None where only a new link does, which is recognised."""

    def complete_link(self, proof: Mapping[str, str]) -> Linked:
        """Turn what the browser brought back into a credential.

        `proof` holds `public_token` (Plaid), `access_token`, `enrollment_id` and `institution_name` (Teller)
        or `requisition_id` (GoCardless).

        Raises:
            ProviderError: the proof is used up, expired or not finished (`Recovery.RETRY_AT` while the person
                is still at the bank).
        """

    def end_link(self, credential: Credential) -> None:
        """Have the provider forget the connection; one that is gone already is no error."""

    def check_access(self, credential: Credential) -> Access:
        """Ask whether the credential still opens its accounts: one or two cheap calls, none of a daily quota.

        The application's own token is renewed on the way where its time has come.

        Raises:
            ProviderError: what any read would fail with, such as `Recovery.REAUTH_USER`.
        """

    def pull_accounts(
        self, credential: Credential, *, asked_by: AskedBy = AskedBy.SCHEDULE
    ) -> Iterator[Page | AccountFailure]:
        """Pages that describe all accounts of the connection."""

    def pull_balances(
        self,
        credential: Credential,
        accounts: Sequence[AccountReference],
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,
    ) -> Iterator[Page | AccountFailure]:
        """Pages with the balances of the given accounts."""

    def pull_transactions(
        self,
        credential: Credential,
        request: TransactionsRequest,
        *,
        asked_by: AskedBy = AskedBy.SCHEDULE,
    ) -> Iterator[Page | AccountFailure]:
        """The pages of one round, in order, read to the end.

        Raises:
            ProviderError: with `Recovery.RESTART_ROUND` when the data changed while being paged.
        """

    def read_accounts(self, page: Page) -> Iterator[AccountRecord | Rejected]:
        """Accounts of a stored page. Pure."""

    def read_balances(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[BalanceRecord | Rejected]:
        """Balances of a stored page, `accounts` by provider_account_id. Pure."""

    def read_transactions(
        self, page: Page, accounts: Mapping[str, AccountReference]
    ) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
        """Transactions of a stored page, `accounts` by provider_account_id. Pure."""
