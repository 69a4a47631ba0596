"""What a person does of their own will: shops, coffee, travel, friends.

Here: everything decided by the day's dice alone. Not here: what falls due (`duties`).
"""

from collections.abc import Iterator
from decimal import Decimal

from bank_sync.sandbox.world.countries import abroad
from bank_sync.sandbox.world.drafts import Day, Draft, purchase
from bank_sync.sandbox.world.model import Kind, Original
from bank_sync.sandbox.world.money import from_minor, rate, rounded

# How likely each habit is on a day; together about one and a half purchases.
_HABITS = (
    ("groceries", Kind.CARD, 0.36),
    ("restaurant", Kind.CARD, 0.26),
    ("coffee", Kind.CARD, 0.32),
    ("fuel", Kind.CARD, 0.07),
    ("transport", Kind.CARD, 0.20),
    ("online", Kind.ONLINE, 0.13),
    ("health", Kind.CARD, 0.04),
    ("cash", Kind.ATM, 0.05),
)
_FRIENDS = ("A SINCLAIR", "R OKONKWO", "M FERRARI", "J HAUGEN")
_WEDNESDAY, _DAYS_OF_WEEK = 2, 7


def habits(day: Day) -> Iterator[Draft]:
    """Everything the person feels like on that day, in an order that never changes for the same seed."""
    for whim in (_daily, _twin_coffees, _travel, _friends):
        yield from whim(day)


def _daily(day: Day) -> Iterator[Draft]:
    for habit, kind, likelihood in _HABITS:
        if not day.dice.chance(likelihood):
            continue
        account = day.main() if kind is Kind.ATM else day.purse()
        bought = purchase(day, kind, account, day.dice.pick(day.country.shops[habit]))
        yield bought
        if kind is Kind.ONLINE and day.dice.chance(0.09):
            yield _refund(bought, delay_days=day.dice.between(5, 12))


def _refund(bought: Draft, delay_days: int) -> Draft:
    return Draft(
        Kind.REFUND,
        bought.account,
        -bought.amount,
        bought.category,
        bought.counterparty,
        bought.raw,
        bought.merchant,
        delay_days=delay_days,
    )


def _twin_coffees(day: Day) -> Iterator[Draft]:
    """Two coffees for two friends on the first Wednesday: alike in every way, and still two purchases."""
    if day.date.weekday() == _WEDNESDAY and day.date.day <= _DAYS_OF_WEEK:
        coffee = purchase(day, Kind.CARD, day.purse(), day.country.shops["coffee"][0])
        yield coffee
        yield coffee


def _travel(day: Day) -> Iterator[Draft]:
    """Now and then something is bought abroad; an American card adds its fee."""
    if not day.dice.chance(0.03):
        return
    home = day.country.currency
    sellers = [merchant for merchant in abroad.MERCHANTS if merchant.currency != home]
    merchant, account = day.dice.pick(sellers), day.purse()
    currency = merchant.currency or home
    price = from_minor(day.dice.between(merchant.low, merchant.high), currency)
    exchange = rate(currency, home)
    paid = rounded(price * exchange, home)
    yield Draft(
        Kind.ABROAD,
        account,
        -paid,
        merchant.category,
        merchant.name,
        merchant.raw,
        merchant,
        original=Original(price, currency, exchange),
    )
    fee = rounded(paid * Decimal("0.03"), home)
    if day.country.code == "US" and fee > 0:
        category = "BANK_FEES_FOREIGN_TRANSACTION_FEES"
        yield Draft(Kind.FEE, account, -fee, category, "Bank fee", "FOREIGN TRANSACTION FEE", delay_days=3)


def _friends(day: Day) -> Iterator[Draft]:
    if not day.dice.chance(0.05):
        return
    friend, currency = day.dice.pick(_FRIENDS), day.country.currency
    amount = from_minor(day.dice.between(8, 60) * 100 * day.country.price_level, currency)
    if day.dice.chance(0.5):
        yield Draft(Kind.PEER_IN, day.main(), amount, "TRANSFER_IN_TRANSFER_IN_FROM_APPS", friend, friend)
    else:
        yield Draft(Kind.PEER_OUT, day.main(), -amount, "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS", friend, friend)
