"""The nouns of the world: merchants, countries, banks, people, accounts and movements of money.

Here: frozen data. Not here: how any of it is made up (`people`, `life`) or looked at (`ledger`).
Every amount is signed from the person's side: positive is money coming in, whatever the account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Role(StrEnum):
    """What an account is for."""

    CHECKING = "checking"
    SAVINGS = "savings"
    CARD = "card"
    WALLET = "wallet"


class Kind(StrEnum):
    """The way money moved; it decides the words a bank prints."""

    CARD = "card"
    ONLINE = "online"
    ATM = "atm"
    ABROAD = "abroad"
    REFUND = "refund"
    DIRECT_DEBIT = "direct_debit"
    STANDING_ORDER = "standing_order"
    SALARY = "salary"
    PEER_IN = "peer_in"
    PEER_OUT = "peer_out"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    SETTLEMENT_OUT = "settlement_out"
    SETTLEMENT_IN = "settlement_in"
    EXCHANGE_OUT = "exchange_out"
    EXCHANGE_IN = "exchange_in"
    FEE = "fee"
    INTEREST = "interest"


@dataclass(frozen=True, slots=True)
class Merchant:
    """Somebody money goes to: `raw` is the name as banks print it, prices are in minor units."""

    name: str
    raw: str
    category: str
    low: int
    high: int
    code: str = "5999"
    website: str | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Country:
    """How life and bank text look in one country.

    `shops` maps a habit (groceries, coffee, …) to the merchants it is lived out at; `texts` maps a kind of
    movement to the bank's wording, a format string filled by `wording`. `price_level` scales what is written
    in no currency.
    """

    code: str
    currency: str
    price_level: int
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    cities: tuple[str, ...]
    employers: tuple[str, ...]
    landlords: tuple[str, ...]
    shops: Mapping[str, tuple[Merchant, ...]]
    texts: Mapping[Kind, str]
    held_text: str
    account_names: Mapping[Role, str]
    iban_format: str | None


@dataclass(frozen=True, slots=True)
class Bank:
    """One bank: which accounts its customers hold, and in which extra currencies."""

    key: str
    name: str
    country: str
    bic: str
    roles: tuple[Role, ...]
    wallets: tuple[str, ...] = ()
    routing_number: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up person; money figures are minor units of the country's currency."""

    key: str
    name: str
    country: str
    city: str
    employer: str
    salary: int
    salary_day: int
    housing: int
    owns_home: bool
    landlord: str
    bills: tuple[tuple[int, Merchant], ...]
    subscriptions: tuple[tuple[int, Merchant], ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a person at a bank."""

    key: str
    role: Role
    currency: str
    name: str
    official_name: str
    number: str
    iban: str | None
    opening: Decimal
    limit: Decimal | None

    @property
    def mask(self) -> str:
        """The last four digits, which is all that is shown of a number."""
        return self.number[-4:]


@dataclass(frozen=True, slots=True)
class Original:
    """What a purchase abroad cost before it was converted."""

    amount: Decimal
    currency: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement on one account, with every moment of its life decided.

    A movement with `held` is shown as pending with that amount from `authorised_at` until `settled_at`, then
    as posted with `amount`, or not at all if it `vanishes`. Without `held` it appears posted at `settled_at`.
    From `refined_at` on its merchant and category are known; None means they are known from the start.

    The last five fields are what commands change. `booked_day` is the bank's date where that is not the day
    of `settled_at`; `row_key` makes the provider's id of a posted row where that is not `key`; `parent` is
    the pending movement a part came from; `claim` is the pending movement the provider says a posted row came
    from ("" for none) where that is not the truth; `is_scripted` tells a commanded movement from a lived one.
    """

    key: str
    account: Account
    kind: Kind
    category: str
    counterparty: str
    merchant: Merchant | None
    authorised_at: datetime
    settled_at: datetime
    held: Decimal | None
    amount: Decimal
    vanishes: bool
    refined_at: datetime | None
    held_text: str
    text: str
    reference: str
    counterparty_iban: str | None
    original: Original | None
    booked_day: date | None = None
    row_key: str | None = None
    parent: str | None = None
    claim: str | None = None
    is_scripted: bool = False

    @property
    def authorised_on(self) -> date:
        """The day the person did it."""
        return self.authorised_at.date()

    @property
    def booked_on(self) -> date:
        """The day the bank books it."""
        return self.booked_day or self.settled_at.date()

    @property
    def rank(self) -> str:
        """What orders movements of one instant; commanded ones stand in the order of their numbers."""
        return self.key[1:].zfill(9) if self.is_scripted else self.key

    @property
    def pending_key(self) -> str | None:
        """The key of the pending movement this was, or was part of; None if it never was pending."""
        return None if self.held is None else self.parent or self.key

    def id_key(self, *, pending: bool) -> str:
        """What a provider makes the row's id from."""
        return self.key if pending else self.row_key or self.key
