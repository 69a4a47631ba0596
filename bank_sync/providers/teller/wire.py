"""Teller's JSON, and how it becomes records. Pure.

Belongs here: field names, Teller's signs (on a depository account negative is money out; on a credit account
positive is money out, and a positive ledger is owed) and their turn into ours. Does not belong here: calls
(`teller.client`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from bank_sync.domain.errors import ContractBroken
from bank_sync.domain.models import (
    AccountRecord,
    AccountReference,
    AccountState,
    BalanceRecord,
    BalanceRole,
    Page,
    Posting,
    Rejected,
    TransactionRecord,
)
from bank_sync.domain.money import currency_code, exact_amount
from bank_sync.providers.json_text import NotJson, decode_json
from bank_sync.providers.minimise import fingerprint
from bank_sync.providers.rows import (
    BankDate,
    Record,
    RowRefused,
    Text,
    WireModel,
    read_envelope,
    read_row,
    read_rows,
)

_ACCOUNT_STATES = {"open": AccountState.ACTIVE, "closed": AccountState.CLOSED}
_ACCOUNT_TYPES = frozenset({"depository", "credit"})
_POSTINGS = {"posted": Posting.POSTED, "pending": Posting.PENDING}


class Institution(WireModel):
    """The bank of an account."""

    id: Text
    name: Text


class Links(WireModel):
    """What can be asked about an account: a missing link is a missing capability."""

    balances: Text | None = None
    transactions: Text | None = None


class Account(WireModel):
    """One row of `/accounts`."""

    id: Text
    enrollment_id: Text
    institution: Institution
    name: Text
    type: Text
    currency: Text
    subtype: Text | None = None
    last_four: Text | None = None
    status: Text | None = None
    links: Links = Links()


class RowPosition(WireModel):
    """The part of a transaction that paging needs."""

    id: Text
    date: BankDate


class _OldPosted(WireModel):
    """A posted row's day, for telling whether it was asked for."""

    date: BankDate
    status: Literal["posted"]


def is_posted_before(row: object, day: date) -> bool:
    """Whether a row is certainly a posted one of an earlier day; what cannot be read is not."""
    try:
        return _OldPosted.model_validate(row).date < day
    except ValidationError:
        return False


class _BalancesAnswer(WireModel):
    account_id: Text
    ledger: Text | None = None
    available: Text | None = None


class _Counterparty(WireModel):
    name: Text | None = None


class _Details(WireModel):
    category: Text | None = None
    counterparty: _Counterparty | None = None


class _Transaction(WireModel):
    id: Text
    account_id: Text
    date: BankDate
    amount: Text
    description: Text
    status: Text
    type: Text | None = None
    details: _Details | None = None


_ROWS = TypeAdapter(list[object])


def checked_rows(value: object) -> list[object]:
    """The rows of a fresh list answer.

    Raises:
        ContractBroken: the answer is no list.
    """
    try:
        return _ROWS.validate_python(value, strict=True)
    except ValidationError:
        raise ContractBroken(provider="teller", detail="not_a_list") from None


def oldest_position(rows: list[object]) -> RowPosition:
    """The last row's id and date; lists are newest first.

    Raises:
        ContractBroken: the row has neither, so that paging cannot go on.
    """
    try:
        return RowPosition.model_validate(rows[-1])
    except ValidationError:
        raise ContractBroken(provider="teller", detail="row_without_id_or_date") from None


def read_accounts(page: Page) -> Iterator[AccountRecord | Rejected]:
    """Accounts of an `/accounts` page."""
    yield from _read_list(page, "accounts", _account)


def read_balances(page: Page, accounts: Mapping[str, AccountReference]) -> Iterator[BalanceRecord | Rejected]:
    """Balances of a `/balances` page: ledger and available, none for a null."""
    answer = read_envelope(_BalancesAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    account = accounts.get(answer.account_id)
    if account is None:
        yield Rejected("unknown_account", "page")
        return
    for role, figure in ((BalanceRole.CURRENT, answer.ledger), (BalanceRole.AVAILABLE, answer.available)):
        if figure is not None:
            yield read_row(figure, role.value, partial(_balance, account, role))


def read_transactions(
    page: Page, accounts: Mapping[str, AccountReference]
) -> Iterator[TransactionRecord | Rejected]:
    """Transactions of a `/transactions` page; sign and currency come from the account."""
    yield from _read_list(page, "transactions", partial(_transaction, accounts))


def stable_key(account: Account) -> str:
    """What an account keeps through a re-link, when its id changes."""
    described = (account.institution.id, account.last_four or "", account.subtype or "")
    return fingerprint("teller", *described, account.currency, account.name)


def _read_list(page: Page, locator: str, convert: Callable[[object], Record]) -> Iterator[Record | Rejected]:
    """Teller's lists are bare arrays without an envelope."""
    try:
        rows = _ROWS.validate_python(decode_json(page.body), strict=True)
    except (NotJson, ValidationError):
        yield Rejected("not_a_list", "page")
        return
    yield from read_rows(rows, locator, convert)


def _account(row: object) -> AccountRecord:
    account = Account.model_validate(row)
    return AccountRecord(
        provider_account_id=account.id,
        stable_key=stable_key(account),
        name=account.name,
        mask=account.last_four,
        type=account.type if account.type in _ACCOUNT_TYPES else "other",
        subtype=(account.subtype or "").replace("_", " ") or None,
        currency=currency_code(account.currency),
        state=_ACCOUNT_STATES.get(account.status or "open", AccountState.INACTIVE),
    )


def _balance(account: AccountReference, role: BalanceRole, figure: object) -> BalanceRecord:
    """On a credit account the ledger is what is owed; what is available is nobody's debt."""
    amount = exact_amount(str(figure), account.currency)
    is_owed = role is BalanceRole.CURRENT and account.type == "credit"
    return BalanceRecord(
        provider_account_id=account.provider_account_id,
        balance_type="ledger" if role is BalanceRole.CURRENT else "available",
        role=role,
        amount=exact_amount(-amount, account.currency) if is_owed else amount,
        provider_amount=amount,
        currency=account.currency,
    )


def _transaction(accounts: Mapping[str, AccountReference], row: object) -> TransactionRecord:
    wire = _Transaction.model_validate(row)
    account = accounts.get(wire.account_id)
    posting = _POSTINGS.get(wire.status)
    if account is None:
        raise RowRefused("unknown_account")
    if posting is None:
        raise RowRefused("invalid:status")
    amount = exact_amount(wire.amount, account.currency)
    details = wire.details or _Details()
    return TransactionRecord(
        provider_account_id=wire.account_id,
        provider_transaction_id=wire.id,
        posting=posting,
        amount=exact_amount(-amount, account.currency) if account.type == "credit" else amount,
        currency=account.currency,
        booked_on=wire.date,
        description=wire.description,
        counterparty_name=details.counterparty.name if details.counterparty else None,
        provider_category=details.category,
        provider_type=wire.type,
    )
