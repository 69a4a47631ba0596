"""Banks with quirks: each shows the same person's money as its plain neighbour does, bent in its own way."""

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bank_sync.sandbox.gocardless.institutions import INSTITUTIONS
from bank_sync.sandbox.gocardless.quirks import QUIRKS

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk

Row = dict[str, Any]
TEXT = "remittanceInformationUnstructured"


class Shown:
    """All accounts of one person at one institution, as its answers show them."""

    def __init__(self, desk: "Desk", institution: str) -> None:
        token = desk.gocardless_token()
        linked = desk.gocardless_link(token, institution, "anna", max_historical_days=60)
        self.accounts, self.metadata, self.balances = [], [], []
        self.booked: list[Row] = []
        self.pending: list[Row] = []
        for account in linked["accounts"]:
            path = f"/accounts/{account}/"
            self.metadata.append(desk.gocardless("GET", path, token).json())
            self.accounts.append(desk.gocardless("GET", f"{path}details/", token).json()["account"])
            self.balances.append(desk.gocardless("GET", f"{path}balances/", token).json()["balances"])
            listed = desk.gocardless("GET", f"{path}transactions/", token).json()["transactions"]
            self.booked += listed["booked"]
            self.pending += listed["pending"]


def _amounts(rows: list[Row]) -> list[str]:
    return [row["transactionAmount"]["amount"] for row in rows]


def _cards(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["bankTransactionCode"] == "PMNT-CCRD-POSD"]


@pytest.fixture
def shown(desk: "Desk") -> Callable[[str], Shown]:
    """What an institution shows of the usual person."""
    return lambda institution: Shown(desk, institution)


def test_every_quirk_is_an_institution(desk: "Desk") -> None:
    """All fifteen can be found in the list of their country."""
    token = desk.gocardless_token()
    assert len(QUIRKS) == 15
    for each in QUIRKS:
        country = INSTITUTIONS[each].countries[0]
        listed = desk.gocardless("GET", f"/institutions/?country={country}", token).json()
        assert each in {institution["id"] for institution in listed}


@pytest.mark.parametrize("odd", sorted(QUIRKS))
def test_same_rows_as_the_plain_bank(desk: "Desk", odd: str) -> None:
    """No quirk invents, loses or reorders a row."""
    plain = next(
        each.id
        for each in INSTITUTIONS.values()
        if each.id not in QUIRKS and each.bank_key == INSTITUTIONS[odd].bank_key
    )
    bent, straight = (Shown(desk, each) for each in (odd, plain))
    assert straight.pending
    assert [len(bent.booked), len(bent.pending)] == [len(straight.booked), len(straight.pending)]
    if odd not in {"SIM_ENTERCARD_SWEDNOKK", "SIM_SEBKORT_SKHSFI21"}:
        assert _amounts(bent.booked) == _amounts(straight.booked)


def test_abn_amro(shown: Callable[[str], Shown]) -> None:
    """The payee of a card payment stands before ",PAS" in one of the text's parts."""
    rows = shown("SIM_ABNAMRO_ABNANL2A").booked
    assert not any(TEXT in row or "valueDate" in row for row in rows)
    assert all(row["valueDateTime"] and row["balanceAfterTransaction"] for row in rows)
    assert all(",PAS123" in ", ".join(row[f"{TEXT}Array"]) for row in _cards(rows))
    assert not any("creditorName" in row for row in _cards(rows))


def test_amex(shown: Callable[[str], Shown]) -> None:
    """The only balance is of type information, the IBAN a card number behind stars."""
    state = shown("SIM_AMEX_AESUDEF1")
    assert {each["balanceType"] for balances in state.balances for each in balances} == {"information"}
    assert all(each["iban"].startswith("XXXX-") for each in state.accounts)
    assert any(str(each["iban"]).startswith("XXXX-") for each in state.metadata)


def test_belfius(shown: Callable[[str], Shown]) -> None:
    """One id stands on several rows; GoCardless's own is still unique."""
    rows = shown("SIM_BELFIUS_GKCCBEBB").booked
    assert Counter(row["transactionId"] for row in rows).most_common(1)[0][1] > 1
    assert len({row["internalTransactionId"] for row in rows}) == len(rows)


def test_bnp_be(shown: Callable[[str], Shown]) -> None:
    """Names and text are inside additionalInformation, the till of a pending row too."""
    state = shown("SIM_BNPBE_GEBABEBB")
    assert all(re.match(r"narrative: \['", row["additionalInformation"]) for row in state.booked)
    assert all(row["additionalInformation"].startswith("atmPosName: ") for row in state.pending)
    assert not any(TEXT in row for row in [*state.booked, *state.pending])


def test_commerzbank(shown: Callable[[str], Shown]) -> None:
    """The text never exceeds 140 letters, and a keyword is broken between two parts."""
    rows = shown("SIM_COMMERZBANK_COBADEFF").booked
    assert max(len(row[TEXT]) for row in rows) <= 140
    assert all("End-to-End-Ref.:" in "".join(row[f"{TEXT}Array"]) for row in rows)
    assert any("End-to-End-Ref.:" not in " ".join(row[f"{TEXT}Array"]) for row in rows)


def test_danske(shown: Callable[[str], Shown]) -> None:
    """The value date is the fifteenth of a later month, whatever the row."""
    rows = shown("SIM_DANSKEBANK_DABANO22").booked
    assert all(row[TEXT].endswith("\nEndToEndID: NOTPROVIDED") for row in rows)
    assert all(row["valueDate"] > row["bookingDate"] and row["valueDate"].endswith("15") for row in rows)


def test_entercard(shown: Callable[[str], Shown]) -> None:
    """A payment abroad has the foreign amount; the billed one is in the text."""
    bent, plain = shown("SIM_ENTERCARD_SWEDNOKK").booked, shown("SEB_ESSESESS_PRIVATE").booked
    abroad = [(row, true) for row, true in zip(bent, plain, strict=True) if "currencyExchange" in true]
    assert abroad
    for row, true in abroad:
        assert row["transactionAmount"]["currency"] != true["transactionAmount"]["currency"]
        assert row[TEXT] == f"billingAmount: {true['transactionAmount']['amount']}"


def test_hype(shown: Callable[[str], Shown]) -> None:
    """Letters beyond ASCII are spelled out; an exchange is an object, elsewhere a list."""
    rows = shown("SIM_HYPE_HYEEIT22").booked
    assert all(row[TEXT].isascii() and "\\U0001f600" in row[TEXT] for row in rows)
    exchanges = [row["currencyExchange"] for row in rows if "currencyExchange" in row]
    assert exchanges
    assert all(isinstance(each, dict) for each in exchanges)


def test_ing_ro(shown: Callable[[str], Shown]) -> None:
    """A card row's id is the word NOTPROVIDED, its mask spelled otherwise while pending."""
    state = shown("SIM_INGRO_INGBROBU")
    assert {row["transactionId"] for row in _cards(state.booked)} == {"NOTPROVIDED"}
    assert all(row[TEXT].startswith("Card no: Xxxx Xxxx") for row in _cards(state.booked))
    assert all(row[TEXT] == "Card no: xxxxxxxxxxxx1111" for row in state.pending)


def test_nationwide(shown: Callable[[str], Shown]) -> None:
    """Some ids have forty letters, some are malformed; a pending row lies in the future."""
    state = shown("SIM_NATIONWIDE_NAIAGB21")
    good = [row for row in state.booked if len(row["transactionId"]) == 40]
    assert 0 < len(good) < len(state.booked)
    assert all(row["bookingDate"] > "2026-06-15" for row in state.pending)


def test_national_bank_of_greece(shown: Callable[[str], Shown]) -> None:
    """A pending purchase has lost its minus and gained a word."""
    bent, plain = shown("SIM_NBG_ETHNGRAAXXX").pending, shown("CAIXABANK_CAIXESBB").pending
    assert [f"-{each}" for each in _amounts(bent)] == _amounts(plain) != []
    assert all(row[TEXT].startswith("ΑΓΟΡΑ ") for row in bent)


def test_norwegian(shown: Callable[[str], Shown]) -> None:
    """A pending row's day is in the structured text; the first balance is what credit is left."""
    state = shown("SIM_NORWEGIAN_NORWNOK1")
    assert all(not {"valueDate", "bookingDate"} & set(row) for row in state.pending)
    assert all(
        re.search(r" 2026-\d\d-\d\d ", row["remittanceInformationStructured"]) for row in state.pending
    )
    types = [[each["balanceType"] for each in balances] for balances in state.balances]
    assert types == [["interimAvailable", "expected"]] * len(types)


def test_seb_kort(shown: Callable[[str], Shown]) -> None:
    """Spending is positive, and what is owed is the sum of two balances."""
    bent, plain = shown("SIM_SEBKORT_SKHSFI21"), shown("SEB_ESSESESS_PRIVATE")
    flipped = [
        each.removeprefix("-") if each.startswith("-") else f"-{each}" for each in _amounts(plain.booked)
    ]
    assert _amounts(bent.booked) == flipped
    types = {tuple(each["balanceType"] for each in balances) for balances in bent.balances}
    assert types == {("expected", "nonInvoiced")}
    assert all(row["additionalInformation"] for row in bent.booked)


def test_stadtsparkasse(shown: Callable[[str], Shown]) -> None:
    """Pending rows are empty placeholders; booked ones have text and payee where few look."""
    state = shown("SIM_SSK_DUSSDEDDXXX")
    assert {row[TEXT] for row in state.pending} == {"Umsatz noch nicht gebucht"}
    assert all(row["remittanceInformationStructured"] for row in state.booked)
    assert any("ultimateCreditor" in row for row in state.booked)


def test_swedbank(shown: Callable[[str], Shown]) -> None:
    """Of a card payment only the text knows the day and the shop."""
    rows = _cards(shown("SIM_SWEDBANK_HABALV22").booked)
    assert rows
    assert all(re.match(r"PIRKUMS [\d*]+ \d\d\.\d\d\.\d{4} ", row[TEXT]) for row in rows)
    assert not any("creditorName" in row for row in rows)
