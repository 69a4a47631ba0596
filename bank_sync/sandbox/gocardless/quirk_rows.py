"""The oddest rows real banks have sent, each as a change to a row in the common form.

Here: pure functions from row to row, one per oddity. Not here: which bank has which (`quirks`).
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from bank_sync.sandbox.world.dice import HEXADECIMAL, code

Row = dict[str, Any]

_NAMES = ("creditorName", "debtorName", "creditorAccount", "debtorAccount")
_TEXT = "remittanceInformationUnstructured"
_CARD_CODES = ("PMNT-CCRD-POSD", "PMNT-CCRD-CWDL")
_PIECE, _LONGEST_TEXT = 27, 140  # of a SEPA text field
_PLACEHOLDER = "Umsatz noch nicht gebucht"


def payee_inside_array(row: Row) -> Row:
    """No plain text, only its parts; the payee of a card payment stands inside them; a day with a time."""
    kept = _without(row, _TEXT, "valueDate", *(_NAMES if _is_card(row) else ()))
    parts = [row[_TEXT]]
    if _is_card(row):
        parts = ["BEA, Betaalpas", f"{_payee(row)},PAS123", f"NR:KV1234, {row['bookingDate']}/10:11"]
    return {**kept, f"{_TEXT}Array": parts, "valueDateTime": f"{row['valueDate']}T10:11:00.000Z"}


def one_id_a_day(row: Row) -> Row:
    """All rows of a day share one id; only GoCardless's own tells them apart."""
    return {**row, "transactionId": f"{row['bookingDate'].replace('-', '')}0001"}


def narrative(row: Row) -> Row:
    """Payee and text are hidden in a field that has a small language of its own."""
    said = f"narrative: ['{_plain(_payee(row))}', '{_plain(row[_TEXT])}'], bankReference: 'NONE'"
    return {**_without(row, _TEXT, *_NAMES), "additionalInformation": said}


def point_of_sale(row: Row) -> Row:
    """Of a pending row only the till is known."""
    return {**_without(row, _TEXT), "additionalInformation": f"atmPosName: '{_plain(row[_TEXT])}'"}


def text_in_pieces(row: Row) -> Row:
    """The text ends after 140 letters; its parts have the rest, but break words and keywords anywhere."""
    mandate, reference = row.get("mandateId", "NOTPROVIDED"), row.get("endToEndId", "NOTPROVIDED")
    full = f"{row[_TEXT]} End-to-End-Ref.: {reference} Mandatsref: {mandate} Gläubiger-ID: DE98ZZZ09999999999"
    pieces = [full[start : start + _PIECE] for start in range(0, len(full), _PIECE)]
    return {**row, _TEXT: full[:_LONGEST_TEXT], f"{_TEXT}Array": pieces}


def repayment_date(row: Row) -> Row:
    """The text ends in clutter, and the value date is the day the card bill falls due."""
    due = (date.fromisoformat(row["bookingDate"]).replace(day=1) + timedelta(days=45)).replace(day=15)
    return {**row, _TEXT: f"{row[_TEXT]}\nEndToEndID: NOTPROVIDED", "valueDate": str(due)}


def billed_in_text(row: Row) -> Row:
    """The amount is in the shop's currency; what was billed is only in the text."""
    if "currencyExchange" not in row:
        return row
    abroad = row["currencyExchange"][0]["instructedAmount"]
    billed = Decimal(row["transactionAmount"]["amount"])
    amount = Decimal(abroad["amount"]).copy_abs().copy_sign(billed)
    return {
        **_without(row, "currencyExchange"),
        "transactionAmount": {"amount": f"{amount:f}", "currency": abroad["currency"]},
        _TEXT: f"billingAmount: {billed:f}",
    }


def escaped_letters(row: Row) -> Row:
    """Letters beyond ASCII arrive as the spelled-out escapes of some programming language."""
    text = f"{row[_TEXT]} \N{GRINNING FACE}"
    return {**row, _TEXT: text.encode("ascii", "backslashreplace").decode()}


def exchange_alone(row: Row) -> Row:
    """The exchange of a payment abroad is an object, where others send a list of one."""
    return {**row, "currencyExchange": row["currencyExchange"][0]} if "currencyExchange" in row else row


def not_provided_booked(row: Row) -> Row:
    """A card row's id says that there is none; its mask is spelled in words of four."""
    if not _is_card(row):
        return row
    return {**row, "transactionId": "NOTPROVIDED", _TEXT: f"Card no: Xxxx Xxxx Xxxx 1111,{row[_TEXT]}"}


def not_provided_pending(row: Row) -> Row:
    """The same of a pending row, the mask spelled in another way."""
    return {**row, "transactionId": "NOTPROVIDED", _TEXT: "Card no: xxxxxxxxxxxx1111"}


def malformed_id(row: Row) -> Row:
    """An id is good when it has forty letters; every third row has a broken one instead."""
    good = code(HEXADECIMAL, 40, "nationwide", row["transactionId"])
    if int(good[0], 16) % 3:
        return {**row, "transactionId": good}
    kind = "DEBIT" if row["transactionAmount"]["amount"].startswith("-") else "CREDIT"
    return {**row, "transactionId": f"00{kind}{row['bookingDate']}"}


def latest_day(row: Row) -> Row:
    """A pending row's day is the latest on which it could still be booked: it lies in the future."""
    latest = date.fromisoformat(row["valueDate"]) + timedelta(days=8)
    return {**_without(row, "valueDate"), "bookingDate": str(latest)}


def minus_forgotten(row: Row) -> Row:
    """A pending purchase has no minus sign, but a word that says it is one."""
    amount = row["transactionAmount"]
    if not amount["amount"].startswith("-"):
        return row
    positive = {**amount, "amount": amount["amount"].removeprefix("-")}
    return {**row, "transactionAmount": positive, _TEXT: f"ΑΓΟΡΑ {row[_TEXT]}"}


def day_in_text(row: Row) -> Row:
    """A pending row has no day of its own; the structured text mentions one."""
    said = f"{row[_TEXT]} {row['valueDate']} kl. 12:00"
    return {**_without(row, "valueDate"), "remittanceInformationStructured": said}


def sign_reversed(row: Row) -> Row:
    """Spending is positive on every account; the payee stands in the catch-all field."""
    reversed_amount = negated(row["transactionAmount"])
    kept = _without(row, *_NAMES, "balanceAfterTransaction")
    return {**kept, "transactionAmount": reversed_amount, "additionalInformation": _payee(row)}


def structured_text(row: Row) -> Row:
    """The text is in the structured field, and the payee is whom the payee collects for."""
    kept = _without(row, _TEXT, "creditorName")
    spoken = {**kept, "remittanceInformationStructured": row[_TEXT]}
    return {**spoken, "ultimateCreditor": row["creditorName"]} if "creditorName" in row else spoken


def placeholder(row: Row) -> Row:
    """A pending row has an amount and nothing else worth keeping."""
    return {**row, _TEXT: _PLACEHOLDER}


def day_and_shop_in_text(row: Row) -> Row:
    """When and where a card was used stands in the text alone."""
    if not _is_card(row):
        return row
    used = date.fromisoformat(row["bookingDate"]) - timedelta(days=2)
    amount = row["transactionAmount"]
    text = f"PIRKUMS 123456******1111 {used:%d.%m.%Y} {amount['amount']} {amount['currency']} {_payee(row)}"
    return {**_without(row, *_NAMES), _TEXT: text}


def negated(amount: Row) -> Row:
    """The same amount with the other sign; nothing stays nothing."""
    value = Decimal(amount["amount"])
    return {**amount, "amount": f"{-value if value else value:f}"}


def zero_like(amount: str) -> str:
    """Nothing, with as many decimals as the amount has."""
    return f"{Decimal(amount) * 0:f}".removeprefix("-")


def _is_card(row: Row) -> bool:
    return row.get("bankTransactionCode") in _CARD_CODES


def _payee(row: Row) -> str:
    return str(row.get("creditorName") or row.get("debtorName") or row[_TEXT])


def _plain(text: str) -> str:
    """The text without the letters the small language gives a meaning."""
    return "".join(letter for letter in text if letter not in "[]',:")


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}
