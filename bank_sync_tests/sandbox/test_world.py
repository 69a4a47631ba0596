"""The made-up world: the same for the same seed, whatever the moment it is looked at."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_sync.sandbox.world.banks import BANKS
from bank_sync.sandbox.world.dice import DIGITS, Dice, code
from bank_sync.sandbox.world.duties import payday
from bank_sync.sandbox.world.ledger import is_pending, is_posted, statement
from bank_sync.sandbox.world.life import EPOCH, Life, World
from bank_sync.sandbox.world.model import Kind, Role
from bank_sync.sandbox.world.money import from_minor, minor_units

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@cache
def _life(bank: str = "chase", user: str = "maya", seed: str = "1", now: datetime = NOON) -> Life:
    return World(seed).life(bank, user, now)


def test_one_seed_in_two_worlds() -> None:
    """The same seed tells the same life, movement for movement."""
    lives = [World("1").life("chase", "maya", NOON) for _ in range(2)]
    assert lives[0].movements == lives[1].movements


def test_two_seeds() -> None:
    """Another seed tells another life: not even the minutes of the purchases agree by more than chance."""
    minutes = [{row.authorised_at for row in _life(seed=seed).movements if row.held} for seed in ("1", "2")]
    assert len(minutes[0] & minutes[1]) < len(minutes[0]) / 20


def test_fixed_draw() -> None:
    """What a key draws never changes between versions: a seed's past must outlive an upgrade."""
    dice = Dice("fixed", 1)
    drawn = [dice.between(0, 999) for _ in range(4)]
    assert (drawn, code(DIGITS, 8, "fixed")) == ([126, 484, 345, 296], "90347585")


@settings(max_examples=8)
@given(days=st.integers(0, 900), more=st.integers(0, 200))
def test_past_looked_at_later(days: int, more: int) -> None:
    """Told in one go or day after day, a life's past is the same."""
    early = datetime.combine(EPOCH, datetime.min.time(), UTC) + timedelta(days=days)
    stepwise, at_once = World("7"), World("7")
    stepwise.life("monzo", "dev", early)
    told = list(stepwise.life("monzo", "dev", early + timedelta(days=more)).movements)
    assert told == at_once.life("monzo", "dev", early + timedelta(days=more)).movements


@pytest.mark.parametrize("bank", sorted(BANKS))
def test_balances_of_every_bank(bank: str) -> None:
    """Opening balance plus booked movements is what is current; what is held lowers what is available."""
    life = _life(bank)
    for account in life.accounts:
        state = statement(life, account, NOON, date(2026, 1, 1))
        own = [movement for movement in life.movements if movement.account == account]
        booked = sum((row.amount for row in own if is_posted(row, NOON)), Decimal(0))
        held = sum((row.held or Decimal(0) for row in own if is_pending(row, NOON)), Decimal(0))
        assert state.current == account.opening + booked
        assert state.available == state.current + held + (account.limit or 0)


@pytest.mark.parametrize("bank", sorted(BANKS))
def test_amounts_of_every_bank(bank: str) -> None:
    """Every amount has exactly the decimals of its currency, and none is zero."""
    for movement in _life(bank).movements:
        exponent = movement.amount.as_tuple().exponent
        assert exponent == -minor_units(movement.account.currency)
        assert movement.amount != 0


def test_size_of_two_years() -> None:
    """Twenty-four months at a bank are about two thousand movements."""
    since = NOON - timedelta(days=730)
    count = sum(movement.authorised_at >= since for movement in _life().movements)
    assert 1200 < count < 2600


def test_two_coffees() -> None:
    """On some day somebody buys the same coffee twice: two movements alike in all but their key."""
    life = _life()
    coffees = Counter(
        (row.authorised_on, row.account.key, row.counterparty, row.held)
        for row in life.movements
        if row.category == "FOOD_AND_DRINK_COFFEE" and row.authorised_on.day <= 7
    )
    assert max(coffees.values()) >= 2


def test_life_of_a_hold() -> None:
    """Some holds book with another amount, some vanish, and each one books within three days."""
    held = [row for row in _life().movements if row.held is not None]
    assert any(row.vanishes for row in held)
    assert any(row.amount != row.held and not row.vanishes for row in held)
    waits = {(row.booked_on - row.authorised_on).days for row in held if not row.vanishes}
    assert waits == {1, 2, 3}


def test_both_legs() -> None:
    """Card bills and transfers to savings have two legs of one amount on two accounts."""
    movements = _life().movements
    for out_kind, in_kind in (
        (Kind.SETTLEMENT_OUT, Kind.SETTLEMENT_IN),
        (Kind.TRANSFER_OUT, Kind.TRANSFER_IN),
    ):
        out = sorted(-row.amount for row in movements if row.kind is out_kind)
        back = sorted(row.amount for row in movements if row.kind is in_kind)
        assert out == back
        assert out


def test_every_way_money_moves() -> None:
    """Within two years all kinds of movement occur somewhere."""
    seen = {row.kind for bank in ("chase", "revolut", "barclays") for row in _life(bank).movements}
    assert seen == set(Kind)


def test_currencies() -> None:
    """The world has currencies of no, two and three decimals."""
    currencies = {
        account.currency for bank in BANKS for account in _life(bank, now=NOON.replace(2024)).accounts
    }
    assert {"USD", "GBP", "EUR", "SEK", "JPY", "KWD"} == currencies


def test_solvency() -> None:
    """Nobody lives on an overdraft for ever: main accounts end in the black at every bank."""
    for bank in BANKS:
        life = _life(bank)
        main = next(account for account in life.accounts if account.role is Role.CHECKING)
        assert statement(life, main, NOON, NOON.date()).current > 0


@pytest.mark.parametrize("bank", ["barclays", "commerzbank", "bnp", "ing_nl", "caixabank", "seb"])
def test_iban(bank: str) -> None:
    """IBANs have true check digits, and accounts of one person have different ones."""
    ibans = [account.iban for account in _life(bank).accounts if account.iban]
    assert len(set(ibans)) == len(ibans) == 2
    for iban in ibans:
        assert int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1


def test_payday_on_a_weekend() -> None:
    """Wages due on a Sunday arrive on the Friday before."""
    assert payday(date(2026, 3, 1), 15) == date(2026, 3, 13)


def test_minor_units() -> None:
    """One smallest coin of each currency."""
    assert [str(from_minor(1, currency)) for currency in ("JPY", "EUR", "KWD")] == ["1", "0.01", "0.001"]


def test_forgotten_life() -> None:
    """A life that was forgotten for want of room is told again just as it was."""
    world, early = World("1"), datetime(2024, 1, 5, tzinfo=UTC)
    first = list(world.life("chase", "maya", early).movements)
    for stranger in range(130):
        world.life("chase", f"stranger {stranger}", early)
    assert world.life("chase", "maya", early).movements == first
