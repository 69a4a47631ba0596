"""What a person has to do: pay comes in, bills, rent and the card are paid, what is left is put by.

Here: everything with a due day. Not here: what people do of their own will (`habits`).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from bank_sync.sandbox.world.countries import abroad
from bank_sync.sandbox.world.drafts import Day, Draft, purchase
from bank_sync.sandbox.world.model import Account, Kind, Role
from bank_sync.sandbox.world.money import from_minor, rate, rounded

_RAISE_SINCE = 2024
_CARD_BILL_DAY, _FEE_DAY, _EXCHANGE_DAY = 20, 5, 7


def duties(day: Day) -> Iterator[Draft]:
    """Everything due on that day, in an order that never changes for the same seed."""
    for duty in (_pay, _housing, _bills, _subscriptions, _card_bill, _savings, _interest_and_fees, _wallets):
        yield from duty(day)


def payday(day: date, salary_day: int) -> date:
    """The day of that month on which wages arrive: the Friday before, should it fall on a weekend."""
    due = day.replace(day=salary_day)
    return due - timedelta(days=max(0, due.weekday() - 4))


def _pay(day: Day) -> Iterator[Draft]:
    person = day.person
    if day.date != payday(day.date, person.salary_day):
        return
    years = day.date.year - _RAISE_SINCE
    amount = from_minor(person.salary * 103**years // 100**years, day.country.currency)
    yield Draft(Kind.SALARY, day.main(), amount, "INCOME_SALARY", person.employer, person.employer)


def _housing(day: Day) -> Iterator[Draft]:
    if day.date.day != 1:
        return
    person = day.person
    category = "LOAN_PAYMENTS_MORTGAGE_PAYMENT" if person.owns_home else "RENT_AND_UTILITIES_RENT"
    kind = Kind.DIRECT_DEBIT if person.owns_home else Kind.STANDING_ORDER
    amount = -from_minor(person.housing, day.country.currency)
    yield Draft(kind, day.main(), amount, category, person.landlord, person.landlord.upper())


def _bills(day: Day) -> Iterator[Draft]:
    for due, merchant in day.person.bills:
        if day.date.day == due:
            yield purchase(day, Kind.DIRECT_DEBIT, day.main(), merchant)


def _subscriptions(day: Day) -> Iterator[Draft]:
    account = day.account(Role.CARD) or day.main()
    for due, merchant in day.person.subscriptions:
        if day.date.day == due:
            yield purchase(day, Kind.ONLINE, account, merchant)


def _card_bill(day: Day) -> Iterator[Draft]:
    """Last month's card purchases, paid in full on the 20th: one leg on each account."""
    card = day.account(Role.CARD)
    if card is None or day.date.day != _CARD_BILL_DAY or day.card_bill <= 0:
        return
    category, main = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", day.main()
    yield Draft(
        Kind.SETTLEMENT_OUT, main, -day.card_bill, category, card.official_name, card.name, other=card
    )
    yield Draft(
        Kind.SETTLEMENT_IN,
        card,
        day.card_bill,
        category,
        main.official_name,
        main.name,
        other=main,
        delay_days=1,
    )


def _savings(day: Day) -> Iterator[Draft]:
    """Put by what is left two days after payday; fetch some back when the main account runs low."""
    savings, main = day.account(Role.SAVINGS), day.main()
    if savings is None:
        return
    wage = from_minor(day.person.salary, day.country.currency)
    balance = day.balances[main.key]
    if day.date == payday(day.date, day.person.salary_day) + timedelta(days=2):
        step = Decimal(50 * day.country.price_level)
        yield from _own_transfer(main, savings, max(wage / 20, balance - wage * 2) // step * step)
    elif day.date.weekday() in {0, 3} and balance < wage / 6:
        yield from _own_transfer(savings, main, min(day.balances[savings.key], wage / 4).quantize(Decimal(1)))


def _own_transfer(source: Account, target: Account, amount: Decimal) -> Iterator[Draft]:
    if amount <= 0:
        return
    amount = rounded(amount, source.currency)
    purpose = "SAVINGS" if Role.SAVINGS in {source.role, target.role} else "ACCOUNT_TRANSFER"
    yield Draft(
        Kind.TRANSFER_OUT,
        source,
        -amount,
        f"TRANSFER_OUT_{purpose}",
        target.official_name,
        target.name,
        other=target,
    )
    yield Draft(
        Kind.TRANSFER_IN,
        target,
        amount,
        f"TRANSFER_IN_{purpose}",
        source.official_name,
        source.name,
        other=source,
    )


def _interest_and_fees(day: Day) -> Iterator[Draft]:
    savings, currency = day.account(Role.SAVINGS), day.country.currency
    is_last = (day.date + timedelta(days=1)).day == 1
    if savings is not None and is_last:
        interest = rounded(day.balances[savings.key] * Decimal("0.0018"), currency)
        if interest > 0:
            yield Draft(
                Kind.INTEREST, savings, interest, "INCOME_INTEREST_EARNED", savings.official_name, "INTEREST"
            )
    if day.date.day == _FEE_DAY and day.date.month % 3 == 0:
        fee = -from_minor(390 * day.country.price_level, currency)
        raw = "MONTHLY SERVICE FEE"
        yield Draft(Kind.FEE, day.main(), fee, "BANK_FEES_OTHER_BANK_FEES", "Bank fee", raw)


def _wallets(day: Day) -> Iterator[Draft]:
    """A pocket in a foreign currency is filled every seventh of the month and spent from now and then."""
    for wallet in day.accounts:
        if wallet.role is not Role.WALLET:
            continue
        if day.date.day == _EXCHANGE_DAY:
            yield from _exchange(day, wallet)
        if day.dice.chance(0.14):
            sellers = [merchant for merchant in abroad.MERCHANTS if merchant.currency == wallet.currency]
            yield purchase(day, Kind.CARD, wallet, day.dice.pick(sellers))


def _exchange(day: Day, wallet: Account) -> Iterator[Draft]:
    main = day.main()
    spent = from_minor(day.dice.between(60, 140) * 100 * day.country.price_level, main.currency)
    bought = rounded(spent * rate(main.currency, wallet.currency), wallet.currency)
    yield Draft(
        Kind.EXCHANGE_OUT,
        main,
        -spent,
        "TRANSFER_OUT_ACCOUNT_TRANSFER",
        wallet.official_name,
        wallet.name,
        other=wallet,
    )
    yield Draft(
        Kind.EXCHANGE_IN,
        wallet,
        bought,
        "TRANSFER_IN_ACCOUNT_TRANSFER",
        main.official_name,
        main.name,
        other=main,
    )
