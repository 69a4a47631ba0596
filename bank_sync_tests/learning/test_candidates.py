"""What many people teach alike becomes a candidate, and nothing more by itself."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bank_sync.domain.errors import NotFound
from bank_sync.services import Services
from bank_sync.storage import lessons
from bank_sync.storage.database import transaction
from bank_sync.storage.lessons import Candidate
from bank_sync_tests.learning.town import Town

SHOP = "QVOZK WJK"


def found(services: Services) -> list[Candidate]:
    """The candidates that wait, looked for anew."""
    with transaction(services.engine) as db:
        number = lessons.find_candidates(db, now=services.clock())
        waiting = lessons.candidates(db, "waiting")
    assert number == len(waiting)
    return waiting


def test_five_people_who_agree_make_a_candidate(town: Town) -> None:
    """Four are too few; the fifth makes it one, with counts and without any person in it."""
    for _ in range(4):
        town.teach(town.person(), SHOP, "MEDICAL")
    assert found(town.services) == []
    town.teach(town.person(), f"{SHOP} 0042", "MEDICAL")
    [one] = found(town.services)
    assert (one.merchant_key, one.money_in, one.category_primary) == ("qvozk-wjk", False, "MEDICAL")
    assert (one.agreeing, one.people) == (5, 5)
    with town.services.engine.connect() as db:
        stored = str(db.execute(text("SELECT to_jsonb(c) FROM bank.training_candidates AS c")).all())
    assert "user_" not in stored
    assert "txn_" not in stored


def test_who_judges_does_not_teach(town: Town) -> None:
    """A fifth of the people is kept to judge by: however many of them agree, nobody learns from it."""
    for _ in range(5):
        town.teach(town.person(judge=True), SHOP, "MEDICAL")
    assert found(town.services) == []


def test_dissent(town: Town) -> None:
    """Fewer than four in five is no agreement, and a candidate that loses it waits no longer."""
    for _ in range(5):
        town.teach(town.person(), SHOP, "MEDICAL")
    assert len(found(town.services)) == 1
    town.teach(town.person(), SHOP, "TRAVEL")
    assert [one.people for one in found(town.services)] == [6]
    town.teach(town.person(), SHOP, "TRAVEL")
    assert found(town.services) == []


def test_directions_are_apart(town: Town) -> None:
    """Five people who agree about money in say nothing about money out."""
    for _ in range(5):
        town.teach(town.person(), SHOP, "INCOME", "20")
    [one] = found(town.services)
    assert one.money_in


@pytest.mark.parametrize("primary", ["TRANSFER_IN", "TRANSFER_OUT"])
def test_whom_people_pay_is_never_a_candidate(town: Town, primary: str) -> None:
    """Transfers have people's names for merchants."""
    for _ in range(5):
        town.teach(town.person(), "ADA LOVELACE", primary)
    assert found(town.services) == []


def test_a_verdict_stays(town: Town) -> None:
    """What a person refused does not come back with the next look, whatever the counts."""
    for _ in range(5):
        town.teach(town.person(), SHOP, "MEDICAL")
    [one] = found(town.services)
    with transaction(town.services.engine) as db:
        lessons.decide_candidate(db, one.candidate_id, "refused", by="ada", now=town.services.clock())
    town.teach(town.person(), SHOP, "MEDICAL")
    assert found(town.services) == []
    with transaction(town.services.engine) as db, pytest.raises(NotFound):
        lessons.decide_candidate(db, 10_000, "accepted", by="ada", now=town.services.clock())


def test_what_judges(town: Town) -> None:
    """A judge's corrected rows and what stood beside them; nothing of those who teach."""
    judge, teacher = town.person(judge=True), town.person()
    [corrected] = town.pays(judge, SHOP)
    [stood] = town.pays(judge, "TESCO STORES 2218")
    town.categorize(judge)
    town.says(judge, corrected, "MEDICAL")
    town.teach(teacher, SHOP, "MEDICAL")
    with town.services.engine.connect() as db:
        rows = lessons.held_out(db, limit=10)
    told = {(one.row.transaction_id, one.label, one.corrected) for one in rows}
    assert told == {(corrected, "MEDICAL", True), (stood, "FOOD_AND_DRINK", False)}


def test_what_nobody_looked_at_does_not_judge(town: Town) -> None:
    """A row older than a month at the time of a correction was hardly looked at."""
    judge = town.person(judge=True)
    town.pays(judge, "TESCO STORES 2218")
    town.categorize(judge)
    town.services.clock.advance(days=40)  # type: ignore[attr-defined]  # the test's clock
    [corrected] = town.pays(judge, SHOP)
    town.categorize(judge)
    town.says(judge, corrected, "MEDICAL")
    with town.services.engine.connect() as db:
        assert [one.row.transaction_id for one in lessons.held_out(db, limit=10)] == [corrected]
