"""How Plaid spells accounts and transactions.

Signs: money out is positive on every account, and a credit card's `current` is what is owed.
Optional keys that may not be null are left out rather than sent as null: the official client refuses them.
"""

from datetime import datetime
from decimal import Decimal

from bank_sync.sandbox.plaid.records import Item
from bank_sync.sandbox.world.dice import ALPHANUMERIC, code
from bank_sync.sandbox.world.ledger import Statement, is_refined
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account, Kind, Movement, Role

_TYPES = {
    Role.CHECKING: ("depository", "checking"),
    Role.SAVINGS: ("depository", "savings"),
    Role.CARD: ("credit", "credit card"),
    Role.WALLET: ("depository", "prepaid"),
}
_CHANNELS = {Kind.CARD: "in store", Kind.ATM: "in store", Kind.ABROAD: "in store", Kind.ONLINE: "online"}
_TRANSACTION_TYPES = {"in store": "place", "online": "digital", "other": "special"}
_CODES = {
    Kind.CARD: "purchase",
    Kind.ONLINE: "purchase",
    Kind.ABROAD: "purchase",
    Kind.ATM: "atm",
    Kind.REFUND: "refund",
    Kind.DIRECT_DEBIT: "direct debit",
    Kind.STANDING_ORDER: "standing order",
    Kind.FEE: "bank charge",
    Kind.INTEREST: "interest",
}
_PRIMARIES = (
    "BANK_FEES",
    "ENTERTAINMENT",
    "FOOD_AND_DRINK",
    "GENERAL_MERCHANDISE",
    "GENERAL_SERVICES",
    "GOVERNMENT_AND_NON_PROFIT",
    "HOME_IMPROVEMENT",
    "INCOME",
    "LOAN_DISBURSEMENTS",
    "LOAN_PAYMENTS",
    "MEDICAL",
    "OTHER",
    "PERSONAL_CARE",
    "RENT_AND_UTILITIES",
    "TRANSFER_IN",
    "TRANSFER_OUT",
    "TRANSPORTATION",
    "TRAVEL",
)
_UNREFINED = "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE"
_PAYMENT_META = dict.fromkeys(
    (
        "by_order_of",
        "payee",
        "payer",
        "payment_method",
        "payment_processor",
        "ppd_id",
        "reason",
        "reference_number",
    )
)
_LOCATION = dict.fromkeys(
    ("address", "city", "region", "postal_code", "country", "lat", "lon", "store_number")
)


def number(amount: Decimal) -> int | float:
    """The amount as a JSON number with exactly its own digits.

    Raises:
        ValueError: The amount has more digits than a JSON number keeps.
    """
    if amount == amount.to_integral_value():
        return int(amount)
    spoken = float(amount)
    if Decimal(repr(spoken)) != amount:
        raise ValueError("an amount has more digits than a JSON number can keep")
    return spoken


def instant(moment: datetime) -> str:
    """An instant as Plaid writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def account_id(item: Item, account: Account) -> str:
    """The account's id under this Item; another Item at the same bank has another."""
    return code(ALPHANUMERIC, 37, item.item_id, "account", account.key, *_renewals(item, account))


def transaction_id(item: Item, movement: Movement, *, pending: bool) -> str:
    """The row's id under this Item; pending and posted are two rows."""
    return _row_id(item, movement, movement.id_key(pending=pending), pending=pending)


def _row_id(item: Item, movement: Movement, key: str, *, pending: bool) -> str:
    account = movement.account
    renewals = _renewals(item, account)
    return code(ALPHANUMERIC, 37, item.item_id, "transaction", account.key, key, pending, *renewals)


def _renewals(item: Item, account: Account) -> tuple[str, ...]:
    """Once for each time the account and its rows got new ids under this Item."""
    return tuple(key for key in item.renewed if key == account.key)


def account(item: Item, statement: Statement) -> dict[str, object]:
    """One account with its balances."""
    kind, subtype = _TYPES[statement.account.role]
    owed = statement.account.role is Role.CARD
    limit = statement.account.limit
    return {
        "account_id": account_id(item, statement.account),
        "balances": {
            "available": number(statement.available),
            "current": number(-statement.current if owed else statement.current),
            "limit": None if limit is None else number(limit),
            "iso_currency_code": statement.account.currency,
            "unofficial_currency_code": None,
        },
        "mask": statement.account.mask,
        "name": statement.account.name,
        "official_name": statement.account.official_name,
        "type": kind,
        "subtype": subtype,
        "holder_category": "personal",
    }


def transaction(
    item: Item, life: Life, movement: Movement, *, pending: bool, at: datetime, with_original: bool
) -> dict[str, object]:
    """One row as Plaid knows it at that instant; `with_original` adds the bank's own words."""
    text = movement.held_text if pending else movement.text
    channel = _CHANNELS.get(movement.kind, "other")
    spoken: dict[str, object] = {
        **_identity(item, movement, pending=pending),
        **_money(movement, pending=pending),
        "name": text,
        **_enrichment(movement, refined=is_refined(movement, at)),
        "payment_channel": channel,
        "payment_meta": _PAYMENT_META,
        "location": _location(life, movement),
        "category": None,
        "category_id": None,
        "transaction_type": _TRANSACTION_TYPES[channel],
        "transaction_code": None if life.bank.country == "US" else _CODES.get(movement.kind, "transfer"),
        "check_number": None,
        "account_owner": None,
    }
    return {**spoken, "original_description": text} if with_original else spoken


def _identity(item: Item, movement: Movement, *, pending: bool) -> dict[str, object]:
    """Which row it is, and for a posted one which pending row came before."""
    claimed = movement.pending_key if movement.claim is None else movement.claim
    came_from = _row_id(item, movement, claimed, pending=True) if claimed else None
    return {
        "transaction_id": transaction_id(item, movement, pending=pending),
        "account_id": account_id(item, movement.account),
        "pending": pending,
        "pending_transaction_id": None if pending else came_from,
    }


def _money(movement: Movement, *, pending: bool) -> dict[str, object]:
    """How much, and when."""
    amount = movement.held if pending and movement.held is not None else movement.amount
    return {
        "amount": number(-amount),
        "iso_currency_code": movement.account.currency,
        "unofficial_currency_code": None,
        "date": str(movement.authorised_on if pending else movement.booked_on),
        "datetime": None,
        "authorized_date": str(movement.authorised_on) if _knows_authorisation(movement) else None,
        "authorized_datetime": None,
    }


def _knows_authorisation(movement: Movement) -> bool:
    return movement.held is not None or movement.authorised_on != movement.booked_on


def _enrichment(movement: Movement, *, refined: bool) -> dict[str, object]:
    """What Plaid has found out: a row not refined yet has no merchant and a category nobody trusts."""
    merchant = movement.merchant if refined else None
    category = movement.category if refined else _UNREFINED
    primary = primary_of(category)
    return {
        "merchant_name": merchant.name if merchant else None,
        "merchant_entity_id": code(ALPHANUMERIC, 37, "merchant", merchant.name) if merchant else None,
        "logo_url": None,
        "website": merchant.website if merchant else None,
        "counterparties": _counterparties(movement) if refined else [],
        "personal_finance_category": {
            "primary": primary,
            "detailed": category,
            "confidence_level": "VERY_HIGH" if refined else "LOW",
            "version": "v2",
        },
        "personal_finance_category_icon_url": f"https://plaid-category-icons.plaid.com/PFC_{primary}.png",
    }


def primary_of(detailed: str) -> str:
    """The primary category a detailed one belongs to."""
    return next(primary for primary in _PRIMARIES if detailed.startswith(f"{primary}_"))


def _location(life: Life, movement: Movement) -> dict[str, object]:
    if movement.kind is not Kind.CARD:
        return dict(_LOCATION)
    city, _, region = life.person.city.partition(" ")
    region_code = region if life.bank.country == "US" else None
    return {**_LOCATION, "city": city.title(), "region": region_code or None, "country": life.bank.country}


def _counterparties(movement: Movement) -> list[dict[str, object]]:
    kinds = {Kind.SALARY: "income_source", Kind.INTEREST: "financial_institution"}
    if movement.merchant is None and movement.kind not in kinds:
        return []
    return [
        {
            "name": movement.counterparty,
            "type": kinds.get(movement.kind, "merchant"),
            "entity_id": code(ALPHANUMERIC, 37, "merchant", movement.counterparty),
            "website": movement.merchant.website if movement.merchant else None,
            "logo_url": None,
            "confidence_level": "VERY_HIGH",
        }
    ]
