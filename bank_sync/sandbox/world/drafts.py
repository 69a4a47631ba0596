"""A day as a person meets it, and what a decision of theirs looks like before any bank has seen it.

Here: the two nouns of every decision, and the making of a purchase. Not here: deciding (`habits`, `duties`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from bank_sync.sandbox.world.dice import Dice
from bank_sync.sandbox.world.model import Account, Country, Kind, Merchant, Original, Person, Role
from bank_sync.sandbox.world.money import from_minor


@dataclass(frozen=True, slots=True)
class Draft:
    """One decision to move money; `amount` is signed from the person's side, in the account's currency."""

    kind: Kind
    account: Account
    amount: Decimal
    category: str
    counterparty: str
    raw: str
    merchant: Merchant | None = None
    other: Account | None = None
    original: Original | None = None
    delay_days: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """All a person knows when a day begins: who they are, what is booked, and the day's dice."""

    date: date
    person: Person
    country: Country
    accounts: tuple[Account, ...]
    balances: Mapping[str, Decimal]
    card_bill: Decimal
    dice: Dice

    def account(self, role: Role) -> Account | None:
        """The person's account for a purpose; None if the bank keeps none for them."""
        return next((account for account in self.accounts if account.role is role), None)

    def main(self) -> Account:
        """The account wages arrive on."""
        return next(account for account in self.accounts if account.role is Role.CHECKING)

    def purse(self) -> Account:
        """What today's purchase is paid with: the credit card rather more often than the main account."""
        card = self.account(Role.CARD)
        return card if card is not None and self.dice.chance(0.55) else self.main()


def purchase(day: Day, kind: Kind, account: Account, merchant: Merchant) -> Draft:
    """Something bought at one of the merchant's prices; machines give out round sums."""
    minor = day.dice.between(merchant.low, merchant.high)
    if kind is Kind.ATM:
        minor = minor // 1000 * 1000
    amount = -from_minor(minor, account.currency)
    return Draft(kind, account, amount, merchant.category, merchant.name, merchant.raw, merchant)
