"""Reading a command as it came off the wire: the same fields every command picks from, checked.

Here: what a field must be. Not here: which fields a command takes (`commands`), or what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bank_sync.sandbox.links import Link
from bank_sync.sandbox.world.book import BookError
from bank_sync.sandbox.world.model import Movement
from bank_sync.sandbox.world.money import minor_units

_MOST_ROWS = 100_000
_LONGEST_AMOUNT = 15  # digits: beyond that a JSON number would bend it


@dataclass(frozen=True, slots=True)
class Wish:
    """The fields of one command about one link at one instant; asking for one says what it must be."""

    link: Link
    now: datetime
    values: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A text, None when absent or null.

        Raises:
            BookError: 400.
        """
        value = self.values.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise BookError(400, f"{name} must be a text.")
        return value

    def flag(self, name: str) -> bool | None:
        """A truth value, None when absent.

        Raises:
            BookError: 400.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise BookError(400, f"{name} must be true or false.")
        return value

    def number(self, name: str) -> int | None:
        """A number from one up, None when absent.

        Raises:
            BookError: 400.
        """
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_ROWS:
            raise BookError(400, f"{name} must be a whole number from 1 to {_MOST_ROWS}.")
        return value

    def choice(self, name: str, *choices: str) -> str | None:
        """One of a few words, None when absent.

        Raises:
            BookError: 400.
        """
        value = self.text(name)
        if value not in {None, *choices}:
            raise BookError(400, f"{name} must be one of {', '.join(choices)}.")
        return value

    def day(self, name: str, latest: date = date.max) -> str | None:
        """A day, None when absent.

        Raises:
            BookError: 400.
        """
        value = self.text(name)
        try:
            day = date.fromisoformat(value) if value else None
        except ValueError:
            raise BookError(400, f"{name} must be a day, YYYY-MM-DD.") from None
        if day is not None and day > latest:
            raise BookError(400, f"{name} must not be after {latest}.")
        return str(day) if day else None

    def account(self) -> str:
        """The world's own key of the account meant.

        Raises:
            BookError: 404 for an account this link does not show.
        """
        key = self.link.account_key(self.text("account") or "")
        if key is None:
            raise BookError(404, "No such account in this link: send its provider_account_id.")
        return key

    def movement(self, name: str = "movement") -> Movement:
        """The movement meant, as the bank shows it now.

        Raises:
            BookError: 404 if it shows none.
        """
        return self.link.life.book.find(self.text(name) or "", self.now)

    def amount(self, name: str, currency: str) -> str | None:
        """An amount in that currency, None when absent.

        Raises:
            BookError: 400.
        """
        value = self.values.get(name)
        return None if value is None else exact(value, currency)


def exact(value: object, currency: str) -> str:
    """The amount in exactly the decimals of its currency.

    Raises:
        BookError: 400 for what is no amount, or cannot be one of that currency.
    """
    try:
        amount = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount.adjusted() >= _LONGEST_AMOUNT - minor_units(currency):
        raise BookError(400, "An amount must be a decimal number in text, such as -12.34.")
    rounded = amount.quantize(Decimal(1).scaleb(-minor_units(currency)))
    if rounded != amount:
        raise BookError(400, f"{currency} has no more than {minor_units(currency)} decimals.")
    return f"{rounded:f}"
