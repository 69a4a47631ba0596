"""A person's rule: where it applies, what goes before it, and what its removal leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bank_sync.domain.errors import NotFound
from bank_sync.storage import tables
from bank_sync.storage.category_rules import Rule
from bank_sync.storage.database import DatabaseError, transaction
from bank_sync.sync import corrections, rules
from bank_sync_tests.learning.town import Town

TESCO = "TESCO STORES 2218"
WORDS = Rule(None, "stores tesco", None, None, None, "TRAVEL", None)


def rule(**values: object) -> Rule:
    """The rule of these tests, otherwise than it is."""
    return replace(WORDS, **values)  # type: ignore[arg-type]  # the fields of a rule


def test_a_rule_applies_to_the_past_the_future_and_one_person(town: Town) -> None:
    """The person's rows that fit follow at once and later; a stranger's do not; the reason names it."""
    person, stranger = town.person(), town.person()
    [mine], [theirs] = town.pays(person, TESCO), town.pays(stranger, TESCO)
    [other] = town.pays(person, "SHELL 1234")
    town.categorize(person)
    town.categorize(stranger)
    number, rescored = rules.add(town.services, f"app-{person}", WORDS)
    assert (rescored.rows, rescored.changed) == (2, 1)
    assert town.category(mine) == (
        "TRAVEL",
        "user_rule",
        f"rule {number} of the owner: the words 'stores tesco'",
    )
    assert town.category(theirs)[0] == "FOOD_AND_DRINK"
    assert town.category(other)[1] != "user_rule"
    [later] = town.pays(person, TESCO)
    town.categorize(person)
    assert town.category(later)[0] == "TRAVEL"
    with town.services.engine.connect() as db:
        assert f"by rule {number} of the owner" in corrections.explain(db, later)


@pytest.mark.parametrize(
    ("changes", "amount", "fits"),
    [
        ({}, "-20", True),
        ({"words": "stores tescos"}, "-20", False),
        ({"words": "tesco", "merchant_key": "tesco"}, "-20", True),
        ({"words": None, "merchant_key": "aldi"}, "-20", False),
        ({"money_in": False}, "-20", True),
        ({"money_in": True}, "-20", False),
        ({"money_in": True}, "20", True),
        ({"at_least": Decimal(20), "at_most": Decimal(20)}, "-20", True),
        ({"at_least": Decimal("20.01")}, "-20", False),
        ({"at_most": Decimal("19.99")}, "-20", False),
    ],
)
def test_what_a_rule_asks_for(town: Town, changes: dict[str, object], amount: str, *, fits: bool) -> None:
    """Whole words, the merchant, the direction and both ends of the amount, all of them together."""
    person = town.person()
    [row] = town.pays(person, TESCO, amount)
    rules.add(town.services, f"app-{person}", rule(**changes))
    assert (town.category(row)[1] == "user_rule") is fits


def test_precedence(town: Town) -> None:
    """A word about one row, then the newest rule that fits, then what a correction taught."""
    person = town.person()
    [corrected, row] = town.pays(person, TESCO, times=2)
    town.categorize(person)
    corrections.correct(town.services, corrected, "MEDICAL", None)
    assert town.category(row)[1] == "memory"
    older, _ = rules.add(town.services, f"app-{person}", WORDS)
    newer, _ = rules.add(town.services, f"app-{person}", rule(category_primary="ENTERTAINMENT"))
    assert town.category(row)[0] == "ENTERTAINMENT"
    with town.services.engine.connect() as db:
        assert "its owner said so" in corrections.explain(db, corrected)
    rules.remove(town.services, newer)
    assert town.category(row)[0] == "TRAVEL"
    corrections.correct(town.services, corrected, "BANK_FEES", None)
    assert town.category(row)[0] == "TRAVEL"
    rules.remove(town.services, older)
    assert town.category(row)[:2] == ("BANK_FEES", "memory")
    with pytest.raises(NotFound):
        rules.remove(town.services, older)


def test_history_is_kept(town: Town) -> None:
    """Each decision that changed stays; adding and removing a rule that fits nothing leaves no trace."""
    person = town.person()
    [row] = town.pays(person, TESCO)
    town.categorize(person)
    number, _ = rules.add(town.services, f"app-{person}", WORDS)
    rules.remove(town.services, number)
    assert town.decisions(row) == 3
    number, rescored = rules.add(town.services, f"app-{person}", rule(words="nowhere"))
    assert rescored.changed == 0
    assert rules.remove(town.services, number).changed == 0
    assert town.decisions(row) == 3


def test_mistakes(town: Town) -> None:
    """A rule that asks for nothing, nobody's rule, and a band upside down are refused."""
    person = town.person()
    with pytest.raises(NotFound, match="merchant or words"):
        rules.add(town.services, f"app-{person}", rule(words=None))
    with pytest.raises(NotFound, match="no person"):
        rules.add(town.services, "nobody", WORDS)
    with pytest.raises((DatabaseError, IntegrityError), match="amounts_in_order"):
        rules.add(town.services, f"app-{person}", rule(at_least=Decimal(2), at_most=Decimal(1)))


def test_names_and_words_of_people(town: Town) -> None:
    """A merchant may be named as a bank does, words with accents and capitals."""
    assert rules.merchant_key("TESCO STORES 2218") == "tesco"
    assert rules.plain("  Café, MÜLLER ") == "cafe muller"
    assert (rules.merchant_key(None), rules.plain("  ")) == (None, None)


def test_what_was_taught_outlives_a_new_key_of_its_merchant(town: Town) -> None:
    """A later version may read another key out of a text: lessons and rules follow, and the newest counts."""
    person = town.person()
    [first] = town.pays(person, "QVZOK WJK LEEDS")
    town.categorize(person)
    corrections.correct(town.services, first, "MEDICAL", None)
    rules.add(town.services, f"app-{person}", rule(words=None, merchant_key="tesco-stores-2218"))
    with transaction(town.services.engine) as db:
        # as a version would have left it that took the town for a part of the name
        old = {"merchant_key": "qvzok-wjk-leeds"}
        yesterday = town.services.clock() - timedelta(days=1)
        db.execute(update(tables.category_memory).values(**old, learnt_at=yesterday))
        db.execute(update(tables.transaction_categories).values(old))
    [later], [shop] = town.pays(person, "QVZOK WJK LEEDS"), town.pays(person, TESCO)
    town.categorize(person)
    assert town.category(later)[:2] == ("MEDICAL", "memory")
    assert town.category(shop)[:2] == ("TRAVEL", "user_rule")
    corrections.correct(town.services, later, "TRAVEL", None)
    [last] = town.pays(person, "QVZOK WJK YORK")
    town.categorize(person)
    assert town.category(last)[:2] == ("TRAVEL", "memory")
