"""Movements nobody lived: made as a command asks, worn by the same nouns as those of a life.

Here: making and settling one movement. Not here: which movements there are (`book`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from bank_sync.sandbox.world.model import Account, Kind, Merchant, Movement

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
_SPENT, _EARNED = "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE", "INCOME_OTHER_INCOME"


def spent(key: str, account: Account, at: datetime, wish: Mapping[str, Any]) -> Movement:
    """A new movement: pending until something is done about it, or booked at once."""
    amount, text = Decimal(wish["amount"]), str(wish["description"])
    name = wish.get("counterparty")
    return Movement(
        key=key,
        account=account,
        kind=Kind.CARD if amount < 0 else Kind.REFUND,
        category=_SPENT if amount < 0 else _EARNED,
        counterparty=name or "",
        merchant=Merchant(name, name.upper(), _SPENT, 0, 0) if name else None,
        authorised_at=_moment(wish.get("authorised_on"), at),
        settled_at=NEVER if wish.get("pending") else at,
        held=amount if wish.get("pending") else None,
        amount=amount,
        vanishes=False,
        refined_at=None,
        held_text=text,
        text=text,
        reference=key,
        counterparty_iban=None,
        original=None,
        booked_day=day(wish.get("booked_on")),
        is_scripted=True,
    )


def settled(movement: Movement, at: datetime, wish: Mapping[str, Any]) -> Movement:
    """The posted movement a pending one becomes."""
    return replace(changed(movement, wish), settled_at=at, booked_day=day(wish.get("booked_on")))


def changed(movement: Movement, wish: Mapping[str, Any]) -> Movement:
    """The movement with whatever the wish says about it, and everything known about it from now on."""
    return replace(
        movement,
        amount=Decimal(wish["amount"]) if wish.get("amount") else movement.amount,
        text=wish.get("description") or movement.text,
        booked_day=day(wish.get("booked_on")) or movement.booked_day,
        vanishes=False,
        refined_at=None,
    )


def day(text: str | None) -> date | None:
    """The day a wish names, None if it names none."""
    return date.fromisoformat(text) if text else None


def _moment(text: str | None, at: datetime) -> datetime:
    """The instant of a command, or the beginning of another day it speaks of."""
    wanted = day(text) or at.date()
    return at if wanted == at.date() else datetime.combine(wanted, time(), UTC)
