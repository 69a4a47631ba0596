"""Records that flow from a provider to the ledger, the same for every provider.

Belongs here: frozen data and the vocabulary of states. Does not belong here: wire formats (each provider's
`wire` module), tables (`storage.tables`).

Sign rule, once for all: a positive amount is money in, a negative amount is money out, for every provider
and every account type. A credit card that owes 100.00 has a current balance of -100.00.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Part(StrEnum):
    """The parts of a sync that succeed and fail separately; also the kind of a raw page."""

    ACCOUNTS = "accounts"
    BALANCES = "balances"
    TRANSACTIONS = "transactions"


class ConnectionState(StrEnum):
    """Life of a connection; only `revoked` and `erased` are absorbing."""

    CONNECTED = "connected"
    PENDING_REFRESH = "pending_refresh"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    REVOKED = "revoked"
    ERASED = "erased"


class SyncState(StrEnum):
    """Life of a connection's latest sync."""

    IDLE = "idle"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class AccountState(StrEnum):
    """Life of an account as the provider tells it."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    PENDING_VERIFICATION = "pending_verification"


class Posting(StrEnum):
    """Whether the bank has booked a transaction."""

    PENDING = "pending"
    POSTED = "posted"


class AskedBy(StrEnum):
    """Who wants a read: a person may use the calls that are kept back from the schedule."""

    SCHEDULE = "schedule"
    PERSON = "person"


class HistoryState(StrEnum):
    """How far a provider has got with the history of a new link."""

    NOT_READY = "not_ready"
    RECENT = "recent"
    COMPLETE = "complete"


class KeyBasis(StrEnum):
    """What an account's rows are recognised by: the provider's ids, or their content where ids change."""

    PROVIDER_ID = "provider_id"
    CONTENT = "content"


class LinkState(StrEnum):
    """Life of a decision that two transactions belong together."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ReconciliationState(StrEnum):
    """Whether an account's flows explain its balances; unknown never reads as proven."""

    PROVEN = "proven"
    DIFFERS = "differs"
    UNKNOWN = "unknown"


class BalanceRole(StrEnum):
    """Which question a balance answers; several provider types may exist, one is chosen for each role."""

    CURRENT = "current"
    AVAILABLE = "available"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class DateWindow:
    """Both ends inclusive."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Credential:
    """What opens one connection at its provider. The secret never shows in a repr."""

    connection_id: str
    provider: str
    provider_connection_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of a provider, as received except for the identifiers that are never stored.

    Attributes:
        part: what was asked.
        provider_account_id: the account it is about; None when it covers the whole connection.
        body: JSON text with the provider's own digits.
        cursor_after: where the next read starts; None for providers without cursors.
        window: the dates the answer covers completely; None for cursor providers and partial answers.
        history_state: how far the provider has got, where it says so.
    """

    part: Part
    body: str
    provider_account_id: str | None = None
    cursor_after: str | None = None
    window: DateWindow | None = None
    history_state: HistoryState | None = None


@dataclass(frozen=True, slots=True)
class AccountFailure:
    """One account could not be read; the others stand."""

    provider_account_id: str
    code: str
    recovery: str
    message: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class AccountReference:
    """The little a provider's client and reader need to know of a stored account."""

    account_id: str
    provider_account_id: str
    type: str
    currency: str
    key_basis: KeyBasis = KeyBasis.PROVIDER_ID


@dataclass(frozen=True, slots=True)
class TransactionsRequest:
    """What to read: a cursor for providers that have one, else a window per account.

    Attributes:
        cursor: where to start; None means from the beginning.
        cursor_stored: where the last complete round ended; `cursor` is an earlier one when rows that could
            not be read are asked for again.
        accounts: the accounts to read, for providers that are asked account by account.
        windows: by provider_account_id.
    """

    cursor: str | None
    accounts: tuple[AccountReference, ...]
    windows: dict[str, DateWindow]
    cursor_stored: str | None = None


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account as a provider describes it.

    Attributes:
        stable_key: survives a re-link (persistent id, fingerprint of the IBAN, or the description of the
            account); never an account number in clear.
        mask: the last characters of the number, at most four.
        type: `depository`, `credit`, `loan`, `investment` or `other`.
        subtype: the provider's finer word (`checking`, `savings`, `credit card`), None when unknown.
    """

    provider_account_id: str
    stable_key: str
    name: str
    type: str
    currency: str
    official_name: str | None = None
    mask: str | None = None
    subtype: str | None = None
    state: AccountState = AccountState.ACTIVE


@dataclass(frozen=True, slots=True)
class BalanceRecord:
    """One balance of one account.

    Attributes:
        balance_type: the provider's word (`current`, `ledger`, `interimBooked`).
        role: the question this balance was chosen to answer; None for the others.
        amount: in our sign; what a person owes is negative.
        provider_amount: the figure as the provider gave it.
        reference_on: the date the bank gave for it.
    """

    provider_account_id: str
    balance_type: str
    amount: Decimal
    provider_amount: Decimal
    currency: str
    role: BalanceRole | None = None
    reference_on: date | None = None


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """One transaction as a provider tells it, in our sign.

    Attributes:
        provider_transaction_id: None where the bank gives none; the content then makes the key.
        pending_provider_transaction_id: on a posted row, the pending row the provider says it replaces.
        booked_on: the bank's date: posting date, or for a pending row the date it occurred.
        description: the text a person would recognise, as the bank or provider gives it.
        original_amount: in original_currency, for purchases abroad.
        is_amendment: the provider says that it changed a row it told before.
    """

    provider_account_id: str
    provider_transaction_id: str | None
    posting: Posting
    amount: Decimal
    currency: str
    booked_on: date
    description: str
    pending_provider_transaction_id: str | None = None
    value_on: date | None = None
    authorised_on: date | None = None
    merchant_name: str | None = None
    counterparty_name: str | None = None
    merchant_category_code: str | None = None
    provider_category: str | None = None
    provider_category_confidence: str | None = None
    provider_type: str | None = None
    original_amount: Decimal | None = None
    original_currency: str | None = None
    is_amendment: bool = False


@dataclass(frozen=True, slots=True)
class TransactionRemoval:
    """The provider says that a transaction is no longer there."""

    provider_account_id: str | None
    provider_transaction_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that could not be read: it waits in quarantine, the others go on.

    Attributes:
        reason: code-like and free of data (`amount_not_a_number`, `missing:date`).
        locator: where in the page it stands (`added[3]`).
    """

    reason: str
    locator: str


@dataclass(frozen=True, slots=True)
class LinkStart:
    """What a person's browser needs to connect a bank.

    Attributes:
        kind: `plaid_link` (token for Link), `teller_connect` (application id) or `redirect` (open `url`).
        reference: given back to `complete_link` together with what the browser brings.
        enrollment_id: what Teller Connect repairs; None for a new enrollment.
    """

    kind: str
    reference: str
    token: str | None = field(default=None, repr=False)
    url: str | None = None
    expires_at: datetime | None = None
    enrollment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """A credential that works; `ends_at` is when the person's consent ends, None where nobody says so."""

    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """A finished link: what to store. The secret never shows in a repr."""

    provider_connection_id: str
    secret: str = field(repr=False)
    institution_id: str | None
    institution_name: str
    consent_expires_at: datetime | None = None
    history_days: int | None = None
