"""Who a link reaches: a person made from a seed and a key, and the accounts they hold at a bank.

Here: making people and accounts. Not here: what they do all day (`habits`, `duties`).
"""

from decimal import Decimal

from bank_sync.sandbox.world.countries import COUNTRIES
from bank_sync.sandbox.world.dice import DIGITS, Dice, code
from bank_sync.sandbox.world.model import Account, Bank, Country, Merchant, Person, Role
from bank_sync.sandbox.world.money import from_minor, minor_units

_WALLET_OPENING = {"JPY": 86_000, "KWD": 152_500}
_SCRIPTED_OPENING = {Role.CHECKING: 100_000, Role.SAVINGS: 500_000}


def is_scripted(user_key: str) -> bool:
    """Whether that user key stands for a person to whom nothing happens but what is commanded."""
    return user_key.startswith("script")


def person_of(seed: str, country_code: str, key: str) -> Person:
    """The person a user key stands for in one country; the same key always meets the same person."""
    country = COUNTRIES[country_code]
    dice = Dice(seed, "person", country_code, key)
    salary = dice.between(3200, 6800) * 100 * country.price_level
    return Person(
        key=key,
        name=f"{dice.pick(country.first_names)} {dice.pick(country.last_names)}",
        country=country_code,
        city=dice.pick(country.cities),
        employer=dice.pick(country.employers),
        salary=salary,
        salary_day=dice.between(15, 27),
        housing=salary * dice.between(27, 33) // 100,
        owns_home=dice.chance(0.35),
        landlord=dice.pick(country.landlords),
        bills=tuple((dice.between(3, 24), bill) for bill in country.shops["bill"]),
        subscriptions=_subscriptions(country, dice),
    )


def _subscriptions(country: Country, dice: Dice) -> tuple[tuple[int, Merchant], ...]:
    """The first of the country's subscriptions always, each of the others more often than not."""
    first, *others = country.shops["subscription"]
    chosen = [first, *(merchant for merchant in others if dice.chance(0.6))]
    return tuple((dice.between(2, 28), merchant) for merchant in chosen)


def accounts_of(seed: str, person: Person, bank: Bank) -> tuple[Account, ...]:
    """Every account the person holds at the bank; wallets share the main account's IBAN."""
    country = COUNTRIES[bank.country]
    main = [_account(seed, person, bank, country, role) for role in bank.roles]
    iban = next(account.iban for account in main if account.role is Role.CHECKING)
    wallets = [_wallet(seed, person, bank, currency, iban) for currency in bank.wallets]
    return (*main, *wallets)


def _account(seed: str, person: Person, bank: Bank, country: Country, role: Role) -> Account:
    dice = Dice(seed, "account", person.key, bank.key, role)
    number = code(DIGITS, 10, seed, "number", person.key, bank.key, role)
    drawn = {
        Role.CHECKING: person.salary * dice.between(30, 70) // 100,
        Role.SAVINGS: person.salary * dice.between(200, 800) // 100,
    }
    opening = (_SCRIPTED_OPENING if is_scripted(person.key) else drawn).get(role, 0)
    limit = Decimal(dice.between(4, 12) * 1000 * country.price_level) if role is Role.CARD else None
    has_iban = country.iban_format is not None and role is not Role.CARD
    return Account(
        key=f"{bank.key}/{person.key}/{role}",
        role=role,
        currency=country.currency,
        name=country.account_names[role],
        official_name=f"{bank.name} {country.account_names[role]}",
        number=number,
        iban=_iban(country, bank, seed, person.key, role) if has_iban else None,
        opening=from_minor(opening, country.currency),
        limit=limit,
    )


def _wallet(seed: str, person: Person, bank: Bank, currency: str, iban: str | None) -> Account:
    country = COUNTRIES[bank.country]
    opening = Decimal(_WALLET_OPENING[currency]).scaleb(-minor_units(currency))
    return Account(
        key=f"{bank.key}/{person.key}/{currency}",
        role=Role.WALLET,
        currency=currency,
        name=f"{country.account_names[Role.WALLET]} {currency}",
        official_name=f"{bank.name} {currency}",
        number=code(DIGITS, 10, seed, "number", person.key, bank.key, currency),
        iban=iban,
        opening=opening,
        limit=None,
    )


def _iban(country: Country, bank: Bank, *key: object) -> str:
    """A well-formed IBAN with true check digits; the sandbox country borrows Greenland's prefix."""
    prefix = "GL" if country.code == "XX" else country.code
    pattern = (country.iban_format or "").format(bank=bank.bic[:4])
    digits = iter(code(DIGITS, pattern.count("N"), "iban", bank.key, *key))
    head = 4 if "{bank}" in (country.iban_format or "") else 0
    body = pattern[:head] + "".join(next(digits) for _ in pattern[head:])
    as_number = "".join(str(int(letter, 36)) for letter in f"{body}{prefix}00")
    return f"{prefix}{98 - int(as_number) % 97:02d}{body}"


def counterparty_iban(country: Country, name: str) -> str | None:
    """The IBAN a merchant or friend of that name is paid at; None where the country has none."""
    if country.iban_format is None:
        return None
    return _iban(country, Bank("elsewhere", name, country.code, "BANK", ()), name)
