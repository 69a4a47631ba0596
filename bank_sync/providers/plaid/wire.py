"""Plaid's JSON, and how it becomes records. Pure.

Belongs here: field names, Plaid's sign (positive is money out on every account; what is owed on a card or a
loan is positive) and its turn into ours. Does not belong here: calls (`plaid.client`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from bank_sync.domain.models import (
    AccountRecord,
    BalanceRecord,
    BalanceRole,
    HistoryState,
    Page,
    Posting,
    Rejected,
    TransactionRecord,
    TransactionRemoval,
)
from bank_sync.domain.money import currency_code, exact_amount
from bank_sync.providers.minimise import fingerprint
from bank_sync.providers.rows import BankDate, RowRefused, Text, WireModel, read_envelope, read_rows

_OWED_TYPES = frozenset({"credit", "loan"})
_ACCOUNT_TYPES = frozenset({"depository", "credit", "loan", "investment"})
_MASK_LENGTH = 4


class Item(WireModel):
    """A connection as Plaid sees it."""

    item_id: Text
    institution_id: Text | None = None
    institution_name: Text | None = None
    consent_expiration_time: datetime | None = None
    error: object = None


class ItemAnswer(WireModel):
    """`/item/get`."""

    item: Item


class LinkTokenAnswer(WireModel):
    """`/link/token/create`."""

    link_token: str
    expiration: datetime


class Institution(WireModel):
    """A bank that can be linked."""

    institution_id: Text
    name: Text


class InstitutionsAnswer(WireModel):
    """`/institutions/search` and `/institutions/get`."""

    institutions: tuple[Institution, ...]


class WebhookKeyAnswer(WireModel):
    """`/webhook_verification_key/get`."""

    key: dict[str, object]


class ExchangeAnswer(WireModel):
    """`/item/public_token/exchange`."""

    access_token: str
    item_id: Text


class AccountsAnswer(WireModel):
    """`/accounts/get`."""

    accounts: list[object]
    item: Item


class SyncAnswer(WireModel):
    """`/transactions/sync`."""

    added: list[object]
    modified: list[object]
    removed: list[object]
    next_cursor: str
    has_more: bool
    transactions_update_status: str = ""


_HISTORY_STATES = {
    "NOT_READY": HistoryState.NOT_READY,
    "INITIAL_UPDATE_COMPLETE": HistoryState.RECENT,
    "HISTORICAL_UPDATE_COMPLETE": HistoryState.COMPLETE,
}


def history_state(answer: SyncAnswer) -> HistoryState | None:
    """How far Plaid has got with the Item's history; None for a word nobody knows."""
    return _HISTORY_STATES.get(answer.transactions_update_status)


class _Balances(WireModel):
    available: Decimal | None = None
    current: Decimal | None = None
    limit: Decimal | None = None
    iso_currency_code: Text | None = None


class _Account(WireModel):
    account_id: Text
    name: Text
    type: Text
    balances: _Balances
    mask: Text | None = None
    official_name: Text | None = None
    subtype: Text | None = None
    persistent_account_id: Text | None = None


class _Counterparty(WireModel):
    name: Text | None = None


class _Category(WireModel):
    detailed: Text | None = None
    confidence_level: Text | None = None


class _Transaction(WireModel):
    transaction_id: Text
    account_id: Text
    amount: Decimal
    date: BankDate
    pending: bool
    iso_currency_code: Text | None = None
    authorized_date: BankDate | None = None
    name: Text | None = None
    original_description: Text | None = None
    merchant_name: Text | None = None
    merchant_category_code: Text | None = None
    pending_transaction_id: Text | None = None
    payment_channel: Text | None = None
    transaction_code: Text | None = None
    counterparties: list[_Counterparty] | None = None
    personal_finance_category: _Category | None = None


class _Removed(WireModel):
    transaction_id: Text
    account_id: Text | None = None


def read_accounts(page: Page) -> Iterator[AccountRecord | Rejected]:
    """Accounts of an `/accounts/get` page."""
    answer = read_envelope(AccountsAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    institution_id = answer.item.institution_id or ""
    yield from read_rows(answer.accounts, "accounts", lambda row: _account(row, institution_id))


def read_balances(page: Page) -> Iterator[BalanceRecord | Rejected]:
    """Balances of an `/accounts/get` page: up to three of each account, none for a null."""
    answer = read_envelope(AccountsAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    for balances in read_rows(answer.accounts, "accounts", _balances):
        if isinstance(balances, Rejected):
            yield balances
        else:
            yield from balances


def read_transactions(page: Page) -> Iterator[TransactionRecord | TransactionRemoval | Rejected]:
    """Rows of a `/transactions/sync` page; removals come last, as they apply last."""
    answer = read_envelope(SyncAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    yield from read_rows(answer.added, "added", _transaction)
    yield from read_rows(
        answer.modified, "modified", lambda row: replace(_transaction(row), is_amendment=True)
    )
    yield from read_rows(answer.removed, "removed", _removal)


def _account(row: object, institution_id: str) -> AccountRecord:
    wire = _Account.model_validate(row)
    currency = currency_code(wire.balances.iso_currency_code)
    described = (institution_id, wire.mask or "", wire.subtype or "", currency, wire.name)
    identity = (wire.persistent_account_id,) if wire.persistent_account_id else described
    return AccountRecord(
        provider_account_id=wire.account_id,
        stable_key=fingerprint("plaid", *identity),
        name=wire.name,
        official_name=wire.official_name,
        mask=(wire.mask or "")[-_MASK_LENGTH:] or None,
        type=wire.type if wire.type in _ACCOUNT_TYPES else _other_type(wire.type),
        subtype=wire.subtype,
        currency=currency,
    )


def _other_type(wire_type: str) -> str:
    """`brokerage` is the word of older API versions for `investment`."""
    return "investment" if wire_type == "brokerage" else "other"


def _balances(row: object) -> list[BalanceRecord]:
    wire = _Account.model_validate(row)
    currency = currency_code(wire.balances.iso_currency_code)
    owed = -1 if wire.type in _OWED_TYPES else 1
    figures = (
        (BalanceRole.CURRENT, wire.balances.current, owed),
        (BalanceRole.AVAILABLE, wire.balances.available, 1),
        (BalanceRole.LIMIT, wire.balances.limit, 1),
    )
    return [
        BalanceRecord(
            provider_account_id=wire.account_id,
            balance_type=role.value,
            role=role,
            amount=exact_amount(figure * sign, currency),
            provider_amount=exact_amount(figure, currency),
            currency=currency,
        )
        for role, figure, sign in figures
        if figure is not None
    ]


def _transaction(row: object) -> TransactionRecord:
    wire = _Transaction.model_validate(row)
    currency = currency_code(wire.iso_currency_code)
    description = wire.original_description or wire.name or wire.merchant_name
    if not description:
        raise RowRefused("missing:name")
    category = wire.personal_finance_category or _Category()
    counterparty = wire.counterparties[0] if wire.counterparties else _Counterparty()
    return TransactionRecord(
        provider_account_id=wire.account_id,
        provider_transaction_id=wire.transaction_id,
        pending_provider_transaction_id=wire.pending_transaction_id,
        posting=Posting.PENDING if wire.pending else Posting.POSTED,
        amount=exact_amount(-wire.amount, currency),
        currency=currency,
        booked_on=wire.date,
        authorised_on=wire.authorized_date,
        description=description,
        merchant_name=wire.merchant_name,
        counterparty_name=counterparty.name,
        merchant_category_code=wire.merchant_category_code,
        provider_category=category.detailed,
        provider_category_confidence=category.confidence_level,
        provider_type=wire.transaction_code or wire.payment_channel,
    )


def _removal(row: object) -> TransactionRemoval:
    wire = _Removed.model_validate(row)
    return TransactionRemoval(
        provider_account_id=wire.account_id, provider_transaction_id=wire.transaction_id
    )
