"""What never reaches the database.

Belongs here: the minimising of decoded answers.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from bank_sync.providers.json_text import decode_json, encode_json
from bank_sync.providers.minimise import fingerprint, minimise

IBAN = "DE89370400440532013000"
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(
            some.sampled_from(["iban", "name", "owner_name", "numbers", "x"]), inner, max_size=3
        )
    ),
)


def test_an_iban_by_its_key() -> None:
    """It becomes a fingerprint and four characters, the same however it is spaced."""
    plain, spaced = (minimise({"iban": text}) for text in (IBAN, "de89 3704 0044 0532 0130 00"))
    assert plain == {"iban": {"fingerprint": fingerprint(IBAN), "last4": "3000"}}
    assert spaced == plain


def test_a_masked_card_number() -> None:
    """Its last four digits stay."""
    minimised = minimise({"maskedPan": "498765XXXXXX1234"})
    assert isinstance(minimised, dict)
    assert minimised["maskedPan"]["last4"] == "1234"


def test_owners_and_routing_numbers() -> None:
    """They are dropped, wherever they stand."""
    body = {
        "account": {"ownerName": "Jane", "name": "Main", "owners": [{"names": ["J"]}], "routing_numbers": {}}
    }
    assert minimise([body]) == [{"account": {"name": "Main"}}]


def test_the_other_party_of_a_transaction() -> None:
    """Its name stays, because merchants are recognised by it; its number does not."""
    row = {"creditorName": "REWE", "creditorAccount": {"iban": IBAN, "currency": "EUR"}}
    assert IBAN not in encode_json(minimise(row))
    assert "REWE" in encode_json(minimise(row))


def test_an_iban_inside_a_text() -> None:
    """It is cut to its end; an order number that only looks like one stays."""
    assert minimise(f"SVWZ+RENT IBAN {IBAN} JUNE") == "SVWZ+RENT IBAN IBAN*3000 JUNE"
    assert minimise("ORDER DE00370400440532013000") == "ORDER DE00370400440532013000"


def test_characters_the_database_refuses() -> None:
    """NUL and halves of surrogate pairs are removed; everything else stays."""
    assert minimise(decode_json('{"a": "x\\u0000y\\ud800z\\ud83d\\ude00\\u202e"}')) == {
        "a": "xyz\U0001f600\u202e"
    }


@given(JSON)
def test_minimising_twice(value: object) -> None:
    """It is the same as once, so that a stored page can pass again."""
    once = minimise(value)
    assert minimise(once) == once


@given(JSON)
def test_a_round_trip_through_text(value: object) -> None:
    """What is stored reads back as it was."""
    once = minimise(value)
    assert decode_json(encode_json(once)) == once


def test_digits_through_a_stored_page() -> None:
    """A page holds the provider's own digits."""
    text = '{"a":12.10,"b":1234567890123456.78,"c":-0.000001}'
    assert encode_json(minimise(decode_json(text))) == text
