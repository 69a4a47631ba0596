"""How single banks bend the common form: which institution has which quirk, and applying it to an answer.

A quirk changes what is shown, never what is true: the same person at the plain institution of the same bank
shows the same money. Not here: the bending of rows itself (`quirk_rows`), nor the common form (`render`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bank_sync.sandbox.gocardless import quirk_rows as rows

Row = dict[str, Any]


def _as_it_is(row: Row) -> Row:
    return row


@dataclass(frozen=True, slots=True)
class Quirk:
    """What one bank does to each kind of thing; a pending row that becomes None is not shown."""

    booked: Callable[[Row], Row] = _as_it_is
    pending: Callable[[Row], Row | None] = _as_it_is
    balances: Callable[[list[Row]], list[Row]] = list
    account: Callable[[Row], Row] = _as_it_is


def _information_only(balances: list[Row]) -> list[Row]:
    """One balance, of a type no rule for choosing one expects."""
    return [{**balances[0], "balanceType": "information"}]


def _expected_and_credit_left(balances: list[Row]) -> list[Row]:
    """What is booked is called expected; interimAvailable is the credit left and does not say so."""
    left = {name: value for name, value in balances[1].items() if name != "creditLimitIncluded"}
    return [left, {**balances[0], "balanceType": "expected"}]


def _owed_in_two_parts(balances: list[Row]) -> list[Row]:
    """What is owed is the sum of two balances, and owing is positive."""
    owed = rows.negated(balances[0]["balanceAmount"])
    nothing = {**owed, "amount": rows.zero_like(owed["amount"])}
    return [
        {**balances[0], "balanceType": "expected", "balanceAmount": owed},
        {**balances[0], "balanceType": "nonInvoiced", "balanceAmount": nothing},
    ]


def _masked_card_as_iban(account: Row) -> Row:
    """The card's number, mostly stars, stands where an IBAN belongs."""
    digits = str(account.get("iban") or account.get("maskedPan") or "00000")[-5:]
    kept = {name: value for name, value in account.items() if name not in {"maskedPan", "bic"}}
    return {**kept, "iban": f"XXXX-XXXXXX-{digits}"}


def _escaped_and_alone(row: Row) -> Row:
    return rows.exchange_alone(rows.escaped_letters(row))


QUIRKS: Mapping[str, Quirk] = {
    "SIM_ABNAMRO_ABNANL2A": Quirk(booked=rows.payee_inside_array),
    "SIM_AMEX_AESUDEF1": Quirk(balances=_information_only, account=_masked_card_as_iban),
    "SIM_BELFIUS_GKCCBEBB": Quirk(booked=rows.one_id_a_day),
    "SIM_BNPBE_GEBABEBB": Quirk(booked=rows.narrative, pending=rows.point_of_sale),
    "SIM_COMMERZBANK_COBADEFF": Quirk(booked=rows.text_in_pieces),
    "SIM_DANSKEBANK_DABANO22": Quirk(booked=rows.repayment_date),
    "SIM_ENTERCARD_SWEDNOKK": Quirk(booked=rows.billed_in_text),
    "SIM_HYPE_HYEEIT22": Quirk(_escaped_and_alone, rows.escaped_letters),
    "SIM_INGRO_INGBROBU": Quirk(booked=rows.not_provided_booked, pending=rows.not_provided_pending),
    "SIM_NATIONWIDE_NAIAGB21": Quirk(booked=rows.malformed_id, pending=rows.latest_day),
    "SIM_NBG_ETHNGRAAXXX": Quirk(pending=rows.minus_forgotten),
    "SIM_NORWEGIAN_NORWNOK1": Quirk(pending=rows.day_in_text, balances=_expected_and_credit_left),
    "SIM_SEBKORT_SKHSFI21": Quirk(rows.sign_reversed, rows.sign_reversed, _owed_in_two_parts),
    "SIM_SSK_DUSSDEDDXXX": Quirk(booked=rows.structured_text, pending=rows.placeholder),
    "SIM_SWEDBANK_HABALV22": Quirk(booked=rows.day_and_shop_in_text),
}


def applied(institution_id: str, scope: str, spoken: Row) -> Row:
    """The answer as this institution would give it; `scope` is metadata or one of the three limited ones."""
    quirk = QUIRKS.get(institution_id)
    if quirk is None:
        return spoken
    if scope == "metadata":
        return {**spoken, **quirk.account({"iban": spoken["iban"]})} if spoken["iban"] else spoken
    if scope == "details":
        return {"account": quirk.account(spoken["account"])}
    if scope == "balances":
        return {"balances": quirk.balances(spoken["balances"])}
    listed = spoken["transactions"]
    pending = [quirk.pending(row) for row in listed["pending"]]
    shown = {
        "booked": [quirk.booked(row) for row in listed["booked"]],
        "pending": [row for row in pending if row is not None],
    }
    return {**spoken, "transactions": shown}
