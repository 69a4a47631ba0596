"""The JSON of GoCardless transactions, and how it becomes records. Pure.

Belongs here: choosing among the many fields banks fill or leave empty. Only `transactionAmount` is promised;
amounts have our sign already. Does not belong here: quirks of single banks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial

from pydantic import Field

from bank_sync.domain.errors import AmountRefused
from bank_sync.domain.models import Page, Posting, Rejected, TransactionRecord
from bank_sync.domain.money import currency_code, exact_amount
from bank_sync.providers.rows import BankDate, RowRefused, Text, WireModel, read_envelope, read_rows

_NO_ID = frozenset({"", "NOTPROVIDED", "NOT PROVIDED", "NULL"})
_DATE_LENGTH = 10


class _Amount(WireModel):
    amount: Text
    currency: Text


class _Exchange(WireModel):
    instructed: _Amount | None = Field(None, alias="instructedAmount")


class _Transaction(WireModel):
    amount: _Amount = Field(alias="transactionAmount")
    transaction_id: Text | None = Field(None, alias="transactionId")
    internal_id: Text | None = Field(None, alias="internalTransactionId")
    booking_date: BankDate | None = Field(None, alias="bookingDate")
    booking_moment: Text | None = Field(None, alias="bookingDateTime")
    value_date: BankDate | None = Field(None, alias="valueDate")
    value_moment: Text | None = Field(None, alias="valueDateTime")
    creditor_name: Text | None = Field(None, alias="creditorName")
    debtor_name: Text | None = Field(None, alias="debtorName")
    ultimate_creditor: Text | None = Field(None, alias="ultimateCreditor")
    ultimate_debtor: Text | None = Field(None, alias="ultimateDebtor")
    unstructured: Text | None = Field(None, alias="remittanceInformationUnstructured")
    unstructured_lines: list[Text] | None = Field(None, alias="remittanceInformationUnstructuredArray")
    structured: object = Field(None, alias="remittanceInformationStructured")
    structured_lines: object = Field(None, alias="remittanceInformationStructuredArray")
    additional: Text | None = Field(None, alias="additionalInformation")
    exchange: list[_Exchange] | _Exchange | None = Field(None, alias="currencyExchange")
    bank_code: Text | None = Field(None, alias="bankTransactionCode")
    proprietary_code: Text | None = Field(None, alias="proprietaryBankTransactionCode")
    merchant_category_code: Text | None = Field(None, alias="merchantCategoryCode")


class _Lists(WireModel):
    booked: list[object]
    pending: tuple[object, ...] = ()


class TransactionsAnswer(WireModel):
    """`/accounts/{id}/transactions/`."""

    transactions: _Lists


def read_transactions(page: Page) -> Iterator[TransactionRecord | Rejected]:
    """Booked rows, then pending ones, of the account the page is about."""
    answer = read_envelope(TransactionsAnswer, page)
    if isinstance(answer, Rejected):
        yield answer
        return
    account_id = page.provider_account_id or ""
    booked = answer.transactions.booked
    repeated = _repeated_ids(booked)
    yield from read_rows(booked, "booked", partial(_booked, account_id, repeated))
    yield from read_rows(answer.transactions.pending, "pending", partial(_pending, account_id))


def _repeated_ids(rows: list[object]) -> frozenset[str]:
    """Some banks give one id to several rows: such an id would make them one."""
    ids = Counter(str(row.get("transactionId")) for row in rows if isinstance(row, dict))
    return frozenset(identifier for identifier, count in ids.items() if count > 1)


def _booked(account_id: str, repeated: frozenset[str], row: object) -> TransactionRecord:
    wire = _Transaction.model_validate(row)
    identifier = _usable(wire.internal_id)
    if identifier is None and wire.transaction_id not in repeated:
        identifier = _usable(wire.transaction_id)
    return _record(wire, account_id, Posting.POSTED, identifier)


def _pending(account_id: str, row: object) -> TransactionRecord:
    """Ids of pending rows do not last until the next read, so their content has to tell them apart."""
    return _record(_Transaction.model_validate(row), account_id, Posting.PENDING, None)


def _usable(identifier: str | None) -> str | None:
    return None if (identifier or "").strip().upper() in _NO_ID else identifier


def _record(
    wire: _Transaction, account_id: str, posting: Posting, identifier: str | None
) -> TransactionRecord:
    currency = currency_code(wire.amount.currency)
    amount = exact_amount(wire.amount.amount, currency)
    is_out = amount < 0
    payee = wire.creditor_name or wire.ultimate_creditor
    payer = wire.debtor_name or wire.ultimate_debtor
    counterparty = payee if is_out else payer
    original = _original_amount(wire, currency)
    return TransactionRecord(
        provider_account_id=account_id,
        provider_transaction_id=identifier,
        posting=posting,
        amount=amount,
        currency=currency,
        booked_on=_booked_on(wire),
        value_on=wire.value_date,
        description=_description(wire) or counterparty or wire.proprietary_code or wire.bank_code or "",
        counterparty_name=counterparty,
        merchant_category_code=wire.merchant_category_code,
        provider_type=wire.bank_code or wire.proprietary_code,
        original_amount=None if original is None else original[0].copy_sign(amount),
        original_currency=None if original is None else original[1],
    )


def _booked_on(wire: _Transaction) -> date:
    """The first date there is; the day of a moment is taken as written, in the bank's own zone."""
    if wire.booking_date:
        return wire.booking_date
    if wire.booking_moment:
        return _day_of(wire.booking_moment)
    if wire.value_date:
        return wire.value_date
    if wire.value_moment:
        return _day_of(wire.value_moment)
    raise RowRefused("missing:bookingDate")


def _day_of(moment: str) -> date:
    try:
        return date.fromisoformat(moment[:_DATE_LENGTH])
    except ValueError:
        raise RowRefused("invalid:bookingDateTime") from None


def _description(wire: _Transaction) -> str | None:
    """What the bank prints: free text, its lines, structured references, and last the catch-all."""
    texts = (
        wire.unstructured,
        " ".join(wire.unstructured_lines or ()),
        " ".join(_texts(wire.structured)),
        " ".join(_texts(wire.structured_lines)),
        wire.additional,
    )
    return next((text.strip() for text in texts if text and text.strip()), None)


def _texts(value: object) -> Iterator[str]:
    """Structured remittance comes as text, object or list of either."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _original_amount(wire: _Transaction, currency: str) -> tuple[Decimal, str] | None:
    """What was paid abroad; a malformed extra never costs the row itself."""
    exchanges = [wire.exchange] if isinstance(wire.exchange, _Exchange) else wire.exchange or []
    instructed = next((item.instructed for item in exchanges if item.instructed is not None), None)
    if instructed is None:
        return None
    try:
        original_currency = currency_code(instructed.currency)
        amount = exact_amount(instructed.amount, original_currency)
    except AmountRefused:
        return None
    return None if original_currency == currency else (amount, original_currency)
