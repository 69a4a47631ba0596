"""What a bank shows of an account at one instant: the rows, the running balance, what is left to spend.

Here: looking at movements. Not here: any provider's sign or field names.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from bank_sync.sandbox.world.model import Account, Movement, Role

if TYPE_CHECKING:
    from bank_sync.sandbox.world.life import Life


@dataclass(frozen=True, slots=True)
class Posted:
    """A booked row and the account's balance right after it."""

    movement: Movement
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Statement:
    """One account at one instant, oldest row first.

    `current` is what is booked. `available` is what can be spent now: booked less held, or on a credit card
    the room left under its limit. Both are signed from the person's side, so a card that owes has a negative
    `current`.
    """

    account: Account
    posted: tuple[Posted, ...]
    pending: tuple[Movement, ...]
    current: Decimal
    available: Decimal


def is_pending(movement: Movement, now: datetime) -> bool:
    """Whether the bank shows the movement as pending at that instant."""
    return movement.held is not None and movement.authorised_at <= now < movement.settled_at


def is_posted(movement: Movement, now: datetime) -> bool:
    """Whether the bank shows the movement as booked at that instant."""
    return not movement.vanishes and movement.settled_at <= now


def is_refined(movement: Movement, now: datetime) -> bool:
    """Whether merchant and category are known at that instant."""
    return movement.refined_at is None or movement.refined_at <= now


def statement(life: "Life", account: Account, now: datetime, since: date) -> Statement:
    """The account as the bank shows it; rows before `since` count towards balances but are not listed."""
    own = [movement for movement in life.book.rows() if movement.account.key == account.key]
    booked = sorted((row for row in own if is_posted(row, now)), key=_booking_order)
    booked = life.book.shown(account, booked)
    held = sorted((row for row in own if is_pending(row, now)), key=lambda row: (row.authorised_at, row.rank))
    balance, posted = account.opening, []
    for movement in booked:
        balance += movement.amount
        if movement.booked_on >= since:
            posted.append(Posted(movement, balance))
    left = balance + sum((row.held for row in held if row.held is not None), Decimal(0))
    if account.role is Role.CARD:
        left += account.limit or 0
    listed = tuple(row for row in held if row.authorised_on >= since)
    return Statement(account, tuple(posted), listed, balance, left)


def _booking_order(row: Movement) -> tuple[date, datetime, str]:
    return row.booked_on, row.settled_at, row.rank
