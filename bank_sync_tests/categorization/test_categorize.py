"""Categorization: precedence, signs, unknown values, and realistic descriptors of nine countries."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.categorization import (
    TAXONOMY_VERSION,
    Category,
    TransactionFacts,
    merchant,
    model_version,
)
from bank_sync.categorization import decide as decide_all
from bank_sync.categorization.model import shipped
from bank_sync.categorization.taxonomy import PRIMARIES, is_known, primary_of

_LINES = (Path(__file__).parent / "descriptors.csv").read_text(encoding="utf-8").splitlines()
DESCRIPTORS = list(csv.DictReader(line for line in _LINES if not line.startswith("#")))


def decide(
    description: str,
    amount: str = "-10",
    account_type: str = "depository",
    *,
    merchant_name: str | None = None,
    mcc: str | None = None,
    provider: str = "",
    category: str | None = None,
    level: str | None = None,
) -> Category:
    """Categorize one row."""
    facts = TransactionFacts(
        description, Decimal(amount), "EUR", account_type, merchant_name, mcc, provider, category, level
    )
    return decide_all([facts])[0]


@pytest.mark.parametrize("row", DESCRIPTORS, ids=lambda row: f"{row['country']} {row['description'][:30]}")
def test_a_realistic_descriptor(row: dict[str, str]) -> None:
    """The merchant (where one is named) and the primary category are those a careful person would give."""
    found = decide(row["description"], row["amount"], row["account_type"])
    assert found.primary == (row["primary"] or None)
    if row["merchant"]:
        assert merchant(row["description"]).name == row["merchant"]


@pytest.mark.parametrize(
    ("description", "amount", "account", "detailed"),
    [
        ("INTEREST", "3.10", "depository", "INCOME_INTEREST_EARNED"),
        ("INTEREST", "-3.10", "credit", "BANK_FEES_INTEREST_CHARGE"),
        ("TRANSFER TO SAVINGS", "-50", "depository", "TRANSFER_OUT_SAVINGS"),
        ("TRANSFER FROM SAVINGS", "50", "depository", "TRANSFER_IN_SAVINGS"),
        ("HMRC", "-200", "depository", "GOVERNMENT_AND_NON_PROFIT_TAX_PAYMENT"),
        ("HMRC", "200", "depository", "INCOME_TAX_REFUND"),
        ("FINANZAMT KOELN", "120", "depository", "INCOME_TAX_REFUND"),
        ("LOYER", "-700", "depository", "RENT_AND_UTILITIES_RENT"),
        ("LOYER", "700", "depository", "INCOME_RENTAL"),
        ("PERSONAL LOAN", "5000", "depository", "LOAN_DISBURSEMENTS_PERSONAL"),
        ("PERSONAL LOAN", "-120", "depository", "LOAN_PAYMENTS_PERSONAL_LOAN_PAYMENT"),
        ("STUDENT LOANS COMPANY", "1500", "depository", "LOAN_DISBURSEMENTS_STUDENT"),
        ("STUDENT LOANS COMPANY", "-80", "depository", "LOAN_PAYMENTS_STUDENT_LOAN_PAYMENT"),
        ("PAYMENT THANK YOU", "300", "credit", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"),
        ("ZELLE", "-20", "depository", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS"),
        ("ZELLE", "20", "depository", "TRANSFER_IN_TRANSFER_IN_FROM_APPS"),
        ("VANGUARD GROUP", "400", "depository", "TRANSFER_IN_INVESTMENT_AND_RETIREMENT_FUNDS"),
        ("VANGUARD GROUP", "-400", "depository", "TRANSFER_OUT_INVESTMENT_AND_RETIREMENT_FUNDS"),
    ],
)
def test_the_same_words_mean_different_things_by_direction(
    description: str, amount: str, account: str, detailed: str
) -> None:
    """The sign of the money takes part in the decision: positive is money in."""
    assert decide(description, amount, account).detailed == detailed


@given(
    description=st.sampled_from([row["description"] for row in DESCRIPTORS]) | st.text(max_size=50),
    account=st.sampled_from(["depository", "credit", "loan"]),
    category=st.none() | st.sampled_from(["INCOME_WAGES", "TRANSFER_IN_DEPOSIT", "LOAN_DISBURSEMENTS_AUTO"]),
)
def test_money_out_is_never_income(description: str, account: str, category: str | None) -> None:
    """No text and no provider makes an outflow income, a transfer in, or a loan paid out."""
    found = decide(description, "-12.50", account, provider="plaid", category=category, level="VERY_HIGH")
    assert found.primary not in {"INCOME", "TRANSFER_IN", "LOAN_DISBURSEMENTS"}


@given(description=st.sampled_from([row["description"] for row in DESCRIPTORS]) | st.text(max_size=50))
def test_money_in_is_never_a_transfer_out(description: str) -> None:
    """An inflow is never said to have left."""
    assert decide(description, "12.50").primary != "TRANSFER_OUT"


def test_a_payment_on_a_card_is_not_income_whatever_the_provider_says() -> None:
    """Providers are known to call a card's payment salary."""
    found = decide("REF 4451", "300", "credit", provider="plaid", category="INCOME_SALARY", level="HIGH")
    assert (found.primary, found.source) == (None, "none")


def test_a_movement_rule_comes_before_the_brand() -> None:
    """Wages from a supermarket are wages."""
    found = decide("TESCO STORES LTD SALARY", "1500")
    assert (found.detailed, found.source) == ("INCOME_SALARY", "rule")


def test_a_phrase_that_says_otherwise_switches_a_rule_off() -> None:
    """To rent a car is not to pay the rent."""
    assert decide("QVZOK RENT").detailed == "RENT_AND_UTILITIES_RENT"
    assert decide("QVZOK RENT A CAR").detailed == "TRAVEL_RENTAL_CARS"


def test_a_refund_stays_with_what_was_bought_and_is_less_sure() -> None:
    """Money back from a shop belongs to the shop's category."""
    spent, returned = decide("TESCO STORES 2218"), decide("TESCO STORES 2218", "10")
    assert returned.primary == spent.primary == "FOOD_AND_DRINK"
    assert returned.confidence < spent.confidence


def test_the_surer_of_provider_and_brand_wins() -> None:
    """A multi-purpose shop yields to a provider that is sure, a clear brand not to one that guesses."""
    sure = decide("AMAZON", provider="plaid", category="FOOD_AND_DRINK_GROCERIES", level="VERY_HIGH")
    guess = decide("TESCO", provider="plaid", category="TRAVEL_LODGING", level="LOW")
    assert (sure.detailed, sure.source) == ("FOOD_AND_DRINK_GROCERIES", "provider")
    assert (guess.detailed, guess.source) == ("FOOD_AND_DRINK_GROCERIES", "model")


def test_a_provider_comes_before_the_model_unless_it_guesses() -> None:
    """The surer of the two decides about a merchant nobody listed."""
    sure = decide("QVZOK WJK", provider="plaid", category="MEDICAL_PRIMARY_CARE", level="VERY_HIGH")
    guess = decide("QV DENTAL", provider="plaid", category="TRAVEL_LODGING", level="LOW")
    assert (sure.detailed, sure.source) == ("MEDICAL_PRIMARY_CARE", "provider")
    assert (guess.detailed, guess.source) == ("MEDICAL_DENTAL_CARE", "model")


def test_a_provider_that_agrees_lends_its_detail() -> None:
    """Where model and provider name one primary, the detailed code of either is kept."""
    found = decide("QVZOK WJK", provider="plaid", category="FOOD_AND_DRINK_COFFEE", level="LOW")
    assert found.primary != "FOOD_AND_DRINK" or found.detailed == "FOOD_AND_DRINK_COFFEE"


def test_a_shop_of_everything_is_never_certain() -> None:
    """What was bought at a marketplace or a superstore is not known from its name."""
    assert decide("AMAZON").confidence <= 0.75
    assert decide("WALMART").confidence <= 0.8


@pytest.mark.parametrize(
    ("mcc", "primary"),
    [("5411", "FOOD_AND_DRINK"), ("3005", "TRAVEL"), ("4121", "TRANSPORTATION"), ("0742", "MEDICAL")],
)
def test_a_merchant_code_decides_where_the_merchant_is_unknown(mcc: str, primary: str) -> None:
    """ISO 18245 codes speak for merchants nobody listed."""
    found = decide("QVZOK WJK", mcc=mcc)
    assert (found.primary, found.source) == (primary, "mcc")


@pytest.mark.parametrize("mcc", ["", "0000", "9999", "54a1", "٥٤١١", "541100000000000000000"])
def test_a_strange_merchant_code_is_ignored(mcc: str) -> None:
    """A code outside the standard says nothing and breaks nothing."""
    assert decide("QVZOK WJK", mcc=mcc).source != "mcc"


def test_a_version_1_code_is_upgraded() -> None:
    """Older clients still send the first taxonomy."""
    found = decide("QVZOK WJK", "900", provider="plaid", category="INCOME_WAGES", level="HIGH")
    assert (found.detailed, found.confidence, found.source) == ("INCOME_SALARY", 0.9, "provider")


def test_a_transfer_that_contradicts_its_direction_is_turned_round() -> None:
    """The money's direction is a fact, the provider's category is an opinion."""
    found = decide("", "-5", provider="plaid", category="TRANSFER_IN_ACCOUNT_TRANSFER", level="HIGH")
    assert found.detailed == "TRANSFER_OUT_ACCOUNT_TRANSFER"
    assert found.confidence < 0.9


def test_a_primary_alone_is_kept_as_a_primary() -> None:
    """A provider that knows only the primary is not given a detailed code it never said."""
    found = decide("QVZOK WJK", provider="plaid", category="TRAVEL", level="MEDIUM")
    assert (found.primary, found.detailed) == ("TRAVEL", None)


@pytest.mark.parametrize(
    ("category", "amount", "detailed"),
    [
        ("groceries", "-5", "FOOD_AND_DRINK_GROCERIES"),
        ("income", "500", "INCOME_OTHER"),
        ("income", "-5", None),
        ("tax", "-80", "GOVERNMENT_AND_NON_PROFIT_TAX_PAYMENT"),
        ("general", "-5", None),
    ],
)
def test_a_teller_category_is_translated(category: str, amount: str, detailed: str | None) -> None:
    """Teller's short list maps on to the taxonomy by direction; `general` says nothing."""
    assert decide("", amount, provider="teller", category=category).detailed == detailed


@given(
    facts=st.builds(
        TransactionFacts,
        description=st.just("QVZOK WJK"),
        amount=st.decimals(),
        currency=st.just("EUR"),
        account_type=st.text(max_size=12),
        mcc=st.none() | st.text(max_size=6),
        provider=st.sampled_from(["plaid", "teller", "gocardless", "", "other"]),
        provider_category=st.text(max_size=30) | st.sampled_from(["FUTURE_CODE_42", "groceries", "TRAVEL_"]),
        provider_confidence=st.none() | st.text(max_size=12),
    )
)
def test_values_nobody_has_seen_never_crash(facts: TransactionFacts) -> None:
    """Any enum, account type, merchant code or amount gives a category of the taxonomy or an abstention."""
    found = decide_all([facts])[0]
    assert found.primary is None or found.primary in PRIMARIES
    assert found.detailed is None or primary_of(found.detailed) == found.primary
    assert 0 <= found.confidence <= 1


def test_an_unknown_provider_category_can_be_counted() -> None:
    """The reason tells an unknown category from none at all, without repeating it."""
    unknown = decide("QVZOK WJK", provider="plaid", category="FUTURE_CODE_42")
    absent = decide("QVZOK WJK")
    assert unknown.reason != absent.reason
    assert "FUTURE" not in unknown.reason


@given(secret=st.text(alphabet="zqvwkj", min_size=8, max_size=12))
def test_a_reason_never_repeats_the_text(secret: str) -> None:
    """A person's name in a transfer does not leak into the explanation."""
    for amount in ("-20", "20"):
        found = decide(f"ZELLE PAYMENT {secret}", amount, merchant_name=secret)
        assert secret not in found.reason


def test_an_abstention_says_so() -> None:
    """Nothing written gives no category, no confidence and source none."""
    found = decide("4411 0000")
    expected = (None, None, 0.0, "none", TAXONOMY_VERSION, model_version(shipped()))
    assert expected == (
        found.primary,
        found.detailed,
        found.confidence,
        found.source,
        found.taxonomy_version,
        found.model_version,
    )


@pytest.mark.parametrize(
    ("description", "amount"),
    [
        ("SVWZ+Rechnung 20417 EREF+77120 MREF+M-881 CRED+DE42ZZZ00000123456", "-1571.20"),
        ("SEPA LASTSCHRIFT", "-49.90"),
        ("PRLV SEPA", "-31"),
        ("AUTOGIRO", "-420"),
        ("BILL PAYMENT 4411", "900"),
        ("POS 4411 12/03", "-4.80"),
    ],
)
def test_a_text_that_names_nobody_is_no_evidence_of_a_purchase(description: str, amount: str) -> None:
    """How money travelled does not say what it paid for, so the row waits for a person."""
    found = decide(description, amount)
    assert found.primary is None
    assert found.suggested
    assert "nobody is named" in found.reason


def test_a_text_that_names_nobody_may_still_be_a_transfer() -> None:
    """A transfer is how money travelled."""
    assert decide("SEPA ÜBERWEISUNG", "-700").primary == "TRANSFER_OUT"


def test_results_keep_the_order_of_the_rows() -> None:
    """One category per row, in order, the same each time."""
    rows = [
        TransactionFacts(row["description"], Decimal(row["amount"]), "EUR", row["account_type"])
        for row in DESCRIPTORS
    ]
    together = decide_all(iter(rows))
    assert together == [decide_all([row])[0] for row in rows]
    assert all(one.detailed is None or is_known(one.detailed) for one in together)
