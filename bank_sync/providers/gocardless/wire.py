"""The JSON of GoCardless accounts and balances, and how it becomes records. Pure.

Belongs here: envelopes, accounts, balances and their order of preference. Does not belong here: transactions
(`gocardless.transactions`) and calls (`gocardless.client`). Amounts have our sign already: negative is out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import partial

from bank_sync.domain.models import (
    AccountRecord,
    AccountState,
    BalanceRecord,
    BalanceRole,
    Page,
    Rejected,
)
from bank_sync.domain.money import currency_code, exact_amount
from bank_sync.providers.minimise import fingerprint
from bank_sync.providers.rows import BankDate, Text, WireModel, read_envelope, read_row, read_rows

CURRENT_ORDER = (
    "interimBooked",
    "closingBooked",
    "expected",
    "interimAvailable",
    "openingBooked",
    "previouslyClosedBooked",
    "information",
)
"""Which balance answers "how much is there", best first; failing all, the first one sent."""
AVAILABLE_ORDER = ("interimAvailable", "expected", "closingAvailable", "forwardAvailable")
"""Which balance answers "how much can be spent", best first; failing all, none."""

_TYPES = {
    "CACC": ("depository", "checking"),
    "TRAN": ("depository", "checking"),
    "CASH": ("depository", "checking"),
    "SVGS": ("depository", "savings"),
    "MOMA": ("depository", "money market"),
    "CARD": ("credit", "credit card"),
    "LOAN": ("loan", "loan"),
}
_STATES = {
    "deleted": AccountState.CLOSED,
    "blocked": AccountState.INACTIVE,
    "ERROR": AccountState.INACTIVE,
    "EXPIRED": AccountState.INACTIVE,
    "SUSPENDED": AccountState.INACTIVE,
    "DISCOVERED": AccountState.PENDING_VERIFICATION,
    "PROCESSING": AccountState.PENDING_VERIFICATION,
}


class NewRequisition(WireModel):
    """Answer to a new requisition."""

    id: Text
    link: str


class Requisition(WireModel):
    """A person's connection: `status` is an open set, `LN` is linked."""

    id: Text
    status: Text
    institution_id: Text
    agreement: Text | None = None
    accounts: tuple[Text, ...] = ()


class Institution(WireModel):
    """A bank and the most it allows; both numbers come as text."""

    id: Text
    name: Text
    transaction_total_days: int = 90
    max_access_valid_for_days: int = 90
    supported_features: tuple[Text, ...] = ()


class Agreement(WireModel):
    """What the person consented to."""

    id: Text
    max_historical_days: int
    access_valid_for_days: int
    accepted: datetime | None = None


class _Number(WireModel):
    """An account number after minimising."""

    fingerprint: Text
    last4: Text


class _Metadata(WireModel):
    id: Text
    iban: _Number | None = None
    status: Text | None = None
    name: Text | None = None


class _Details(WireModel):
    iban: _Number | None = None
    bban: _Number | None = None
    maskedPan: _Number | None = None  # noqa: N815 - the wire's name
    currency: Text | None = None
    name: Text | None = None
    displayName: Text | None = None  # noqa: N815 - the wire's name
    product: Text | None = None
    cashAccountType: Text | None = None  # noqa: N815 - the wire's name
    status: Text | None = None


class _AccountBody(WireModel):
    account: _Metadata
    details: _Details
    institution_id: Text


class _Amount(WireModel):
    amount: Text
    currency: Text


class _Balance(WireModel):
    balanceAmount: _Amount  # noqa: N815 - the wire's name
    balanceType: Text  # noqa: N815 - the wire's name
    referenceDate: BankDate | None = None  # noqa: N815 - the wire's name


class BalancesAnswer(WireModel):
    """`/accounts/{id}/balances/`."""

    balances: list[object]


def read_accounts(page: Page) -> Iterator[AccountRecord | Rejected]:
    """The one account of a page that joins metadata and details."""
    body = read_envelope(_AccountBody, page)
    if isinstance(body, Rejected):
        yield body
    else:
        yield read_row(body, "account", _account)


def read_balances(page: Page) -> Iterator[BalanceRecord | Rejected]:
    """One record per balance type, the newest of each, two of them chosen for a role."""
    answer = read_envelope(BalancesAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    rows = list(read_rows(answer.balances, "balances", _Balance.model_validate))
    yield from (row for row in rows if isinstance(row, Rejected))
    newest = _newest_of_each_type([row for row in rows if isinstance(row, _Balance)])
    roles = _roles([balance.balanceType for balance in newest])
    account_id = page.provider_account_id or ""
    for balance in newest:
        role = roles.get(balance.balanceType)
        yield read_row(balance, f"balances:{role or 'other'}", partial(_balance, account_id, role))


def _account(body: object) -> AccountRecord:
    wire = _AccountBody.model_validate(body)
    details, metadata = wire.details, wire.account
    currency = currency_code(details.currency)
    name = details.name or details.displayName or details.product or metadata.name or "Account"
    number = details.iban or metadata.iban
    shown_number = number or details.maskedPan or details.bban
    account_type, subtype = _TYPES.get(details.cashAccountType or "", _type_without_word(details))
    return AccountRecord(
        provider_account_id=metadata.id,
        stable_key=_stable_key(wire, number, name, currency),
        name=name,
        official_name=details.product,
        mask=shown_number.last4 if shown_number else None,
        type=account_type,
        subtype=subtype,
        currency=currency,
        state=_STATES.get(details.status or "") or _STATES.get(metadata.status or "", AccountState.ACTIVE),
    )


def _type_without_word(details: _Details) -> tuple[str, str | None]:
    """Many banks name no type: a card has a card number, the rest hold money."""
    return ("credit", "credit card") if details.maskedPan else ("depository", None)


def _stable_key(wire: _AccountBody, number: _Number | None, name: str, currency: str) -> str:
    """The IBAN with the currency, as one IBAN may hold several; else the account's description."""
    if number is not None:
        return fingerprint("gocardless", number.fingerprint, currency)
    masked = wire.details.maskedPan or wire.details.bban
    return fingerprint("gocardless", wire.institution_id, masked.last4 if masked else "", name, currency)


def _newest_of_each_type(balances: Sequence[_Balance]) -> list[_Balance]:
    newest: dict[str, _Balance] = {}
    for balance in balances:
        known = newest.get(balance.balanceType)
        if known is None or _date_of(balance) > _date_of(known):
            newest[balance.balanceType] = balance
    return list(newest.values())


def _date_of(balance: _Balance) -> date:
    return balance.referenceDate or date.min


def _roles(types: Sequence[str]) -> dict[str, BalanceRole]:
    """Current first: it is never missing; a balance answers one question, so available takes another one."""
    current = next((name for name in CURRENT_ORDER if name in types), types[0] if types else None)
    available = next((name for name in AVAILABLE_ORDER if name in types and name != current), None)
    chosen = ((current, BalanceRole.CURRENT), (available, BalanceRole.AVAILABLE))
    return {name: role for name, role in chosen if name is not None}


def _balance(account_id: str, role: BalanceRole | None, row: object) -> BalanceRecord:
    balance = _Balance.model_validate(row)
    currency = currency_code(balance.balanceAmount.currency)
    amount = exact_amount(balance.balanceAmount.amount, currency)
    return BalanceRecord(
        provider_account_id=account_id,
        balance_type=balance.balanceType,
        role=role,
        amount=amount,
        provider_amount=amount,
        currency=currency,
        reference_on=balance.referenceDate,
    )
