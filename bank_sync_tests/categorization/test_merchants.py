"""Merchant cleaning: what a person reads, and a key that does not move."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bank_sync.categorization import categorize, merchant
from bank_sync.categorization.brands import BRANDS, key_of
from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.names import listed_words
from bank_sync.categorization.phrases import has_digit, plain_words

RAILS = toml_table("rails.toml")
PLACES = toml_table("places.toml")
# Words that mean something to the rails or to the list of brands may rightly be removed or replaced.
RESERVED = {
    word for table in (*RAILS.values(), *PLACES.values()) for phrase in table for word in plain_words(phrase)
}
LISTED_KEYS = {key_of(words) for words, _ in listed_words()}
NUMBERED = sorted({" ".join(words) for words, _ in listed_words() if any(map(has_digit, words))})
# Spelled from few letters, such names are nobody's brand and no rail's word, and every failure is readable.
invented_word = st.text(alphabet="zqvwkjo", min_size=5, max_size=9).filter(lambda word: word not in RESERVED)
invented_name = st.lists(invented_word, min_size=1, max_size=3).map(" ".join)
number = st.integers(min_value=0, max_value=10**9).map(str)
date = st.dates().flatmap(
    lambda day: st.sampled_from(
        [
            day.isoformat(),
            f"{day:%d.%m.%Y}",
            f"{day:%m/%d}",
            f"{day:%d%b}".upper(),
            f"{day:%d %b}",
            f"{day:%B %d}",
            f"{day:%d.%m.%y}/14:22",
        ]
    )
)
city = st.sampled_from(PLACES["cities"]).map(str.upper)


@given(name=invented_name, digits=number, prefix=st.sampled_from(["", "#", "NO ", "F", "REF "]))
def test_a_number_behind_the_name_does_not_change_the_key(name: str, digits: str, prefix: str) -> None:
    """Store numbers, terminal ids and references leave the key alone."""
    assert merchant(f"{name} {prefix}{digits}").key == merchant(name).key


@given(words=st.lists(invented_word, min_size=2, max_size=3), digits=number)
def test_a_number_inside_the_name_does_not_change_the_key(words: list[str], digits: str) -> None:
    """A number between the words of a name leaves the key alone."""
    assert merchant(f"{words[0]} {digits} {' '.join(words[1:])}").key == merchant(" ".join(words)).key


@given(name=invented_name, when=date)
def test_a_date_does_not_change_the_key(name: str, when: str) -> None:
    """The date, in any of the forms banks print it, leaves the key alone."""
    assert merchant(f"{name} {when}").key == merchant(name).key


@given(name=invented_name, place=city, country=st.sampled_from(["", " US", " GBR", " DE", " CA"]))
def test_a_city_behind_the_name_does_not_change_the_key(name: str, place: str, country: str) -> None:
    """The same shop in two cities has one key."""
    assert merchant(f"{name} {place}{country}").key == merchant(name).key


@given(
    name=invented_name,
    rail=st.sampled_from(
        [
            "SQ *",
            "TST* ",
            "PAYPAL *",
            "SumUp *",
            "ZETTLE_*",
            "POS DEBIT ",
            "CARD PAYMENT TO ",
            "DIRECT DEBIT TO ",
        ]
    ),
)
def test_a_payment_rail_before_the_name_does_not_change_the_key(name: str, rail: str) -> None:
    """However the money travelled, the merchant is the same."""
    assert merchant(rail + name).key == merchant(name).key


@given(name=invented_name, mask=st.sampled_from(["XXXX1234", "****4411", "CARD ENDING 5512", "xxxxxxxx"]))
def test_a_card_mask_does_not_change_the_key(name: str, mask: str) -> None:
    """What is left of a card number leaves the key alone."""
    assert merchant(f"{name} {mask}").key == merchant(name).key


@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from([*sorted(RESERVED), "4411", "12/03", "qvzok"]), max_size=6).map(" ".join)
)
@example(text="4411 POS QVZOK")  # the prefix comes to light only when the number is gone
def test_cleaning_a_clean_name_changes_nothing(text: str) -> None:
    """Any text at all: a merchant's name leads back to the same merchant."""
    found = merchant(text)
    assert merchant(found.name) == found


def test_every_word_that_means_something_may_stand_alone() -> None:
    """A text of one or two such words is read like any other, and leads back to itself."""
    words = sorted(RESERVED)
    for text in (*words, *map(" ".join, zip(words, reversed(words), strict=True))):
        found = merchant(text)
        assert merchant(found.name) == found
        assert categorize([{"description": text, "amount": 5, "account_type": "depository"}])


@given(
    text=st.text(max_size=60)
    | st.lists(st.sampled_from([*NUMBERED, "a", "qvzok"]), min_size=1, max_size=3).map(" ".join)
)
@example(text="A:O2")  # a terminal's number may look like a name
def test_a_key_holds_no_digit_unless_a_listed_name_does(text: str) -> None:
    """Only the whole name of a merchant that is spelled with a digit has one in its key."""
    key = merchant(text).key
    assume(key not in LISTED_KEYS)
    assert not any(char.isdecimal() for char in key)


@pytest.mark.parametrize("code", ["O2", "Q8", "F24", "G2A"])
def test_a_code_that_looks_like_a_name_does_not_change_the_key(code: str) -> None:
    """Behind another name, what could be a short brand is a terminal's number."""
    assert merchant(f"qvzok wjzkq {code}").key == merchant("qvzok wjzkq").key
    assert merchant(code).key == code.lower()


@pytest.mark.parametrize("key", sorted(BRANDS))
def test_every_brand_finds_itself(key: str) -> None:
    """No brand on the list is hidden by another brand or by a rail's prefix."""
    assert merchant(BRANDS[key].name).key == key


def test_a_provider_name_comes_before_the_description() -> None:
    """The provider's enrichment is believed."""
    assert merchant("XJ 4451 UNCLEAR", "Blue Bottle Coffee").name == "Blue Bottle Coffee"


def test_a_brand_in_the_description_comes_before_a_payment_service() -> None:
    """PayPal as creditor is not where the money was spent."""
    assert merchant("Ihr Einkauf bei Spotify", "PayPal Europe S.a.r.l. et Cie S.C.A").name == "Spotify"
    assert merchant("Ihr Einkauf 44120", "PayPal Europe S.a.r.l. et Cie S.C.A").name == "PayPal"


def test_a_brand_behind_a_payment_service_is_the_merchant() -> None:
    """Without a star, too, the shop is found behind the service that took the money."""
    assert merchant("PAYPAL NETFLIX 44120").name == "Netflix"
    assert merchant("PAYPAL QVZOK").name == "PayPal"


def test_a_merchant_is_a_name_and_a_key() -> None:
    """Programs take it apart in one line."""
    name, key = merchant("CARD PAYMENT TO TESCO STORES 2218 ON 12-03-2024")
    assert (name, key) == ("Tesco", "tesco")


@pytest.mark.parametrize("text", ["", "   ", "12345 99", "****", "12.03.2024"])
def test_a_text_that_names_nobody_gives_an_empty_merchant(text: str) -> None:
    """Nothing is invented where the bank wrote nothing."""
    assert (merchant(text).name, merchant(text).key) == ("", "")


def test_a_city_that_is_all_there_is_stays() -> None:
    """A merchant called like a city keeps its name."""
    assert merchant("LONDON").key == "london"


def test_an_everyday_word_is_a_brand_only_alone() -> None:
    """A short, common name must not swallow other merchants."""
    assert merchant("APPLE 0441").name == "Apple"
    assert merchant("APPLE ORCHARD FARM").name == "Apple Orchard Farm"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("POS DEBIT      STARBUCKS 4471     SEATTLE WA", "Starbucks"),
        ("CARD PAYMENT TO     QVZOK WJK     LEEDS", "Qvzok Wjk"),
        ("QVZOK WJK (ONLINE ORDERS)", "Qvzok Wjk"),
        ("QVZOK WJK (CITY CENTRE BR", "Qvzok Wjk"),
        ("QVZOK WJK - ZKJQ BRANCH", "Qvzok Wjk"),
        ("QVZOK WJK/MUENCHEN", "Qvzok Wjk"),
        ("UPI-QVZOK WJK-QVZOK@OKBANK-BANK0000123-4471", "Qvzok Wjk"),
        ("UPI/DR/4471/QVZOK WJK/BANK/QVZOK@OKBANK", "Qvzok Wjk"),
        ("AUTOPAY (RECURRING) QVZOK", "Autopay Recurring Qvzok"),
        ("QVZOK &amp; WJK 4471", "Qvzok & Wjk"),
        ("QVZOK WJK 0000RALEIGH NC", "Qvzok Wjk"),
        ("QVZOK WJKOVRALEIGH NC", "Qvzok Wjkov"),
    ],
)
def test_the_part_that_names_the_merchant_is_found(text: str, name: str) -> None:
    """Columns of a rail, brackets and dashes behind the name, a city after a slash, Indian banks' fields."""
    assert merchant(text).name == name


@pytest.mark.parametrize("tail", ["NOWHERESVILLE NS AUS", "NOWHERESVILLE TX", "LOND", "LONDO", "K", "WC L"])
def test_an_unknown_town_and_what_is_left_of_one_do_not_change_the_key(tail: str) -> None:
    """Before a state's code stands a town, listed or not; cities may be cut; single letters say nothing."""
    whole = {"LOND": "qvzok-wjk-lond", "WC L": "qvzok-wjk-wc"}.get(tail, "qvzok-wjk")
    assert merchant(f"QVZOK WJK {tail}").key == whole


@pytest.mark.parametrize(
    ("cut", "whole"),
    [
        ("QVZOK STORAG", "Qvzok Storage"),
        ("QVZOK WJK KITCHE", "Qvzok Wjk Kitchen"),
        ("QVZOK SERV", "Qvzok Serv"),
    ],
)
def test_a_cut_word_is_mended_where_only_one_word_can_be_meant(cut: str, whole: str) -> None:
    """Card networks cut at fixed widths; "serv" may be of several words and stays."""
    assert merchant(cut).name == whole


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ENGEN QVZOK WJK", "Engen"),
        ("CLASSIC QVZOK WJK", "Classic Qvzok Wjk"),
        ("ACCESSORIZE AND QVZOK", "Accessorize And Qvzok"),
        ("ENGEN DENTIST QVZOK", "Engen Dentist Qvzok"),
    ],
)
def test_a_chain_is_known_with_the_place_of_its_shop_behind_it(text: str, name: str) -> None:
    """A listed word of its own is a chain; everyday words, joined names, those of another trade are not."""
    assert merchant(text).name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("WWW.PETSUPPLIES.CO.UK", "Pet Supplies"),
        ("QVZOKWJK.COM", "Qvzokwjk"),
        ("CLOTHES4471 LONDON", "Clothes"),
        ("& QVZOK", "Qvzok"),
    ],
)
def test_addresses_and_stumps_are_names(text: str, name: str) -> None:
    """Words written together in an address come apart; letters before digits may be all there is."""
    assert merchant(text).name == name
