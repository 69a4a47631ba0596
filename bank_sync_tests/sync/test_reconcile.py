"""Money is proven to the last digit, or it says by how much it differs, or why nobody can know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bank_sync.domain.models import ReconciliationState
from bank_sync.quality.gate import check_balances
from bank_sync.services import Services
from bank_sync.storage.readings import Reading, ReadState
from bank_sync.storage.reconciliations import Reconciliation
from bank_sync.sync.reconcile import conclude, obstacle, reconcile_connection, restart_proof
from bank_sync.sync.requests import days_to_look_for_a_missing_row
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.scripted import Person
from bank_sync_tests.sync.test_ledger_equals_world import sync

PROVEN, DIFFERS, UNKNOWN = (
    ReconciliationState.PROVEN,
    ReconciliationState.DIFFERS,
    ReconciliationState.UNKNOWN,
)
START = datetime(2026, 5, 3, 12, tzinfo=UTC)
STATE = ReadState(
    generation=0,
    transactions_round=7,
    transactions_at=START,
    balances_at=START,
    is_history_loading=False,
    waiting=0,
    quarantined=0,
    failed_part=None,
)
READING = Reading("acc", "depository", "active", "EUR", True, "current", Decimal(100), Decimal(40))  # noqa: FBT003

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=2)


def syncs(*told: tuple[Decimal, Decimal]) -> list[Reconciliation]:
    """What is concluded after each sync that told (balance, sum of posted rows), an hour apart."""
    known: Reconciliation | None = None
    concluded = []
    for hour, (amount, total) in enumerate(told):
        now = START + timedelta(hours=hour)
        state = replace(STATE, transactions_at=now, balances_at=now)
        known = conclude(known, replace(READING, amount=amount, total=total), state, "conn")
        concluded.append(known)
    return concluded


@given(amounts, amounts, st.lists(st.lists(amounts, max_size=4), min_size=1, max_size=5))
def test_honest_bank(opening: Decimal, older_rows: Decimal, flows: list[list[Decimal]]) -> None:
    """A balance that moves by exactly the posted rows is proven at every sync after the first."""
    balance, total = opening, older_rows
    told = [(balance, total)]
    for rows in flows:
        balance, total = balance + sum(rows), total + sum(rows)
        told.append((balance, total))
    first, *later = syncs(*told)
    assert first.state is UNKNOWN
    assert {one.state for one in later} == {PROVEN}


@given(amounts, amounts, amounts.filter(bool), st.integers(1, 4), st.integers(0, 4))
def test_wrong_row(opening: Decimal, total: Decimal, error: Decimal, before: int, after: int) -> None:
    """A row dropped, doubled or off by a cent differs by exactly that, from then on, and is counted."""
    told = [(opening, total)] * (1 + before) + [(opening, total - error)] * (1 + after)
    concluded = syncs(*told)
    assert {one.difference for one in concluded[1 + before :]} == {error}
    assert [one.syncs_differing for one in concluded[1 + before :]] == list(range(1, after + 2))


@given(amounts, amounts.filter(bool))
def test_balance_that_lags(opening: Decimal, flow: Decimal) -> None:
    """A balance that is one sync late differs once and is proven as soon as it has caught up."""
    told = [(opening, Decimal(0)), (opening, flow), (opening + flow, flow)]
    assert [one.state for one in syncs(*told)] == [UNKNOWN, DIFFERS, PROVEN]


@given(amounts, amounts, amounts.filter(bool))
def test_new_link_starts_again(opening: Decimal, total: Decimal, extra: Decimal) -> None:
    """A new link may bring older history: the proof starts again from it instead of crying wolf."""
    (known,) = syncs((opening, total))
    now = START + timedelta(hours=1)
    later = replace(STATE, generation=1, transactions_at=now, balances_at=now)
    again = conclude(known, replace(READING, amount=opening, total=total + extra), later, "conn")
    assert (again.state, again.opening_total, again.syncs_differing) == (UNKNOWN, total + extra, 0)


def test_started_again_by_a_person(services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """A difference that is nobody's fault can be left behind: the next two syncs prove the account again."""
    connection_id = link("teller")
    for _ in range(2):
        sync(services, connection_id)
        proofs = reconcile_connection(services, connection_id)
        clock.advance(days=1)
    with services.engine.begin() as db:
        db.execute(text("UPDATE bank.reconciliations SET opening_amount = opening_amount + 1"))
    restart_proof(services, proofs[0].account_id, by="user:me")
    states = []
    for _ in range(2):
        sync(services, connection_id)
        found = {one.account_id: one.state for one in reconcile_connection(services, connection_id)}
        states.append(found[proofs[0].account_id])
        clock.advance(days=1)
    assert states == [UNKNOWN, PROVEN]


@pytest.mark.parametrize(
    "change",
    [
        {"account_type": "investment"},
        {"account_type": "loan"},
        {"account_state": "closed"},
        {"is_read": False},
        {"amount": None},
        {"balance_type": "interimAvailable"},
        {"balance_type": "closingBooked"},
        {"transactions_at": None},
        {"failed_part": "transactions"},
        {"waiting": 1},
        {"is_history_loading": True},
        {"quarantined": 1},
        {"balances_at": START + timedelta(minutes=16)},
    ],
    ids=lambda change: "-".join(f"{name}={value}" for name, value in change.items()),
)
def test_what_cannot_be_known(change: dict[str, object]) -> None:
    """Each thing that spoils a proof makes it unknown with a sentence, even where the figures fit."""
    known = syncs((Decimal(100), Decimal(40)), (Decimal(100), Decimal(40)))[-1]
    assert known.state is PROVEN
    names = ReadState.__slots__
    state = replace(STATE, **{key: value for key, value in change.items() if key in names})  # type: ignore[arg-type]  # one of the fields
    reading = replace(READING, **{key: value for key, value in change.items() if key not in names})  # type: ignore[arg-type]  # one of the fields
    sentence = obstacle(reading, state)
    assert sentence is not None
    assert sentence.endswith(".")
    concluded = conclude(known, reading, state, "conn")
    assert (concluded.state, concluded.reason, concluded.closing_amount) == (UNKNOWN, sentence, None)


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_days_at_a_bank(provider: str, services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """Through days of postings, holds and late rows every account of every provider is proven."""
    connection_id = link(provider)
    sync(services, connection_id)
    assert {one.state for one in reconcile_connection(services, connection_id)} == {UNKNOWN}
    for _ in range(4):
        clock.advance(days=1, hours=7)
        sync(services, connection_id)
        proofs = reconcile_connection(services, connection_id)
        assert {one.state for one in proofs} == {PROVEN}, proofs
        assert reconcile_connection(services, connection_id) == proofs
    assert any(one.flows for one in proofs)


def test_damaged_ledger(services: Services, clock: Clock, link: Callable[..., str]) -> None:
    """A row off by a cent is noticed at the next sync and an error at the one after, until it is mended."""
    connection_id = link("teller")
    for _ in range(2):
        sync(services, connection_id)
        reconcile_connection(services, connection_id)
        clock.advance(days=1)
    damage = text(
        "UPDATE bank.transactions SET amount = amount + :by WHERE transaction_id = ("
        "SELECT min(transaction_id) FROM bank.transactions WHERE posting = 'posted' AND removed_at IS NULL)"
    )
    with services.engine.begin() as db:
        db.execute(damage, {"by": Decimal("0.01")})
    passed = []
    for _ in range(2):
        sync(services, connection_id)
        proofs = reconcile_connection(services, connection_id)
        passed.append(check_balances(services, connection_id).passed)
        clock.advance(days=1)
    wrong = [one for one in proofs if one.state is DIFFERS]
    assert [(one.difference, one.syncs_differing) for one in wrong] == [(Decimal("-0.01"), 2)]
    assert passed == [True, False]
    assert check_balances(services, connection_id).details["differing"] == [wrong[0].account_id]
    with services.engine.begin() as db:
        db.execute(damage, {"by": Decimal("-0.01")})
    sync(services, connection_id)
    assert {one.state for one in reconcile_connection(services, connection_id)} == {PROVEN}
    assert check_balances(services, connection_id).passed


@pytest.mark.parametrize("provider", ["teller", "gocardless"])
def test_row_booked_later_than_any_overlap(provider: str, meet: Callable[..., Person]) -> None:
    """A row dated six weeks back is missed once, noticed by the balance, and found by the next sync."""
    person = meet(provider)
    person.days(2)
    day = (person.clock.now - timedelta(days=42)).date().isoformat()
    person.do("spend", account=person.account, amount="-7.77", booked_on=day, authorised_on=day)
    late = "SELECT count(*) FROM bank.transactions WHERE amount = -7.77 AND removed_at IS NULL"
    worst = "SELECT max(syncs_differing) FROM bank.reconciliations"
    seen = []
    for _ in range(2):
        person.days(2)
        reconcile_connection(person.services, person.connection_id)
        seen.append((person.one(late), person.one(worst)))
    assert seen == [(0, 1), (1, 0)]


def test_looking_for_a_missing_row_becomes_rare() -> None:
    """A difference that nothing explains does not have the whole history read at every sync."""
    looked = [count for count in range(40) if days_to_look_for_a_missing_row(count)]
    assert looked == [1, 2, 4, 8, 16, 32]
