"""How a descriptor is read: words written together, unknown rails, amounts in every currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.categorization import merchant
from bank_sync.categorization.amounts import band, bucket, is_round
from bank_sync.categorization.compounds import apart
from bank_sync.categorization.datafiles import csv_rows
from bank_sync.categorization.reading import read


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("petsupplies", ("pet", "supplies")),
        ("fireworksdirect", ("fireworks", "direct")),
        ("garagedoorrepairs", ("garage", "door", "repairs")),
        ("restaurant", ("restaurant",)),
        ("johannesburg", ("johannesburg",)),
        ("qvzokwjkqvz", ("qvzokwjkqvz",)),
    ],
)
def test_words_written_together_come_apart(word: str, pieces: tuple[str, ...]) -> None:
    """A web address says what is sold; a word somebody knows, a place and nonsense stay whole."""
    assert apart(word) == pieces


@given(word=st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=30))
def test_taking_apart_loses_no_letter(word: str) -> None:
    """Whatever is cut, the pieces are the word."""
    assert "".join(apart(word)) == word


@pytest.mark.parametrize(
    ("description", "core"),
    [
        ("DEBIT ORDER PAYMENT: QVZOK", ("qvzok",)),
        ("INTERNAL PREPAID PURCHASE QVZOK", ("qvzok",)),
        ("CARD FACTORY", ("card", "factory")),
        ("QVZPAY *WJKOV 4471", ("wjkov",)),
        ("QVZOK 12.03 KARTENNR 4471 WJK", ("qvzok",)),
        ("QVZOK WJKOV BAKERSFIELD", ("qvzok", "wjkov")),
    ],
)
def test_only_the_merchant_is_left(description: str, core: tuple[str, ...]) -> None:
    """Two words of a rail, a processor nobody knows, references and places are not the merchant."""
    assert read(description).core == core


def test_one_word_of_a_rail_may_be_a_name() -> None:
    """A single such word begins many a merchant's name."""
    assert merchant("Direct Qvzok").name == "Direct Qvzok"


def test_a_listed_name_is_written_as_the_list_writes_it() -> None:
    """Banks print capitals; people read names."""
    assert merchant("ALBERTSONS 4471").name == "Albertsons"
    assert merchant("QVZOK 4471").name == "Qvzok"


def test_a_trade_alone_keeps_its_place() -> None:
    """A pizzeria is nobody's name; a name with a trade in it needs no place."""
    assert merchant("PIZZERIA NAPOLI").name == "Pizzeria Napoli"
    assert merchant("QVZOK PIZZERIA NAPOLI").name == "Qvzok Pizzeria"


def test_a_price_is_compared_at_its_level() -> None:
    """A hundred crowns buy what ten euros buy; a code nobody knows is taken as it is."""
    assert bucket(band(-100, "SEK")) == bucket(band(-10, "EUR"))
    assert band(-10, "") == band(-10, "EUR") == band(-10, "XXX")


@given(
    amount=st.decimals(min_value=-100_000, max_value=100_000, places=2),
    currency=st.sampled_from(["EUR", "sek", "JPY", "ZAR", ""]),
)
def test_a_band_keeps_the_direction(amount: Decimal, currency: str) -> None:
    """What stands for an amount flows the same way, and is zero where it is."""
    found = band(float(amount), currency)
    assert (found > 0, found < 0) == (amount > 0, amount < 0)
    assert is_round(found) <= is_round(float(amount))


def test_places_are_no_names_of_shops() -> None:
    """A place behind a name is removed, and so none may be the end of a listed name."""
    cities = {row["name"] for row in csv_rows("cities.csv") if row["kind"] == "city"}
    assert not cities & {"bell", "target", "shell", "hut", "market", "king"}
    assert {"bakersfield", "wolverhampton"} <= cities


@pytest.mark.parametrize(
    ("description", "core"),
    [
        ("1PASSWORD TORONTO 4471", ("1password",)),
        ("MOTEL 6 4471", ("motel", "6")),
        ("QVZOK 6 4471", ("qvzok",)),
        ("POS PURCHASE     QVZOK     LEEDS", ("qvzok",)),
    ],
)
def test_a_number_counts_where_it_belongs_to_a_listed_name(description: str, core: tuple[str, ...]) -> None:
    """A brand spelled with digits is as well known as any other; all other numbers say nothing."""
    assert read(description).core[: len(core)] == core
    assert "4471" not in read(description).all


def test_a_text_of_one_word_with_digits_still_says_something() -> None:
    """What stands before its digits is all the bank wrote."""
    assert read("QVZOKPARK0044710003U").all == ("qvzokpark",)


def test_where_prices_are_higher_people_round_more() -> None:
    """Five rand are half a euro: shops ask such prices, and people round to fifty."""
    assert is_round(100)
    assert not is_round(105, price_level=9)
    assert is_round(150, price_level=9)
    assert band(105, "ZAR") != band(150, "ZAR")
