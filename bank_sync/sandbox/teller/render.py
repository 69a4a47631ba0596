"""How Teller spells accounts, balances and transactions.

Signs: on a depository account money out is negative; on a credit account a purchase is positive and the
ledger balance is what is owed. All amounts are text.
"""

from datetime import datetime
from decimal import Decimal

from bank_sync.sandbox.teller.institutions import name_of
from bank_sync.sandbox.teller.records import Enrollment
from bank_sync.sandbox.world.dice import LOWER_ALPHANUMERIC, code
from bank_sync.sandbox.world.ledger import Statement, is_refined
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account, Kind, Movement, Role

_TYPES = {
    Role.CHECKING: ("depository", "checking"),
    Role.SAVINGS: ("depository", "savings"),
    Role.CARD: ("credit", "credit_card"),
    Role.WALLET: ("depository", "money_market"),
}
_TRANSACTION_TYPES = {
    Kind.CARD: "card_payment",
    Kind.ONLINE: "card_payment",
    Kind.ABROAD: "card_payment",
    Kind.REFUND: "card_payment",
    Kind.ATM: "atm",
    Kind.DIRECT_DEBIT: "ach",
    Kind.STANDING_ORDER: "ach",
    Kind.SALARY: "ach",
    Kind.PEER_IN: "digital_payment",
    Kind.PEER_OUT: "digital_payment",
    Kind.SETTLEMENT_OUT: "bill_payment",
    Kind.SETTLEMENT_IN: "payment",
    Kind.FEE: "fee",
    Kind.INTEREST: "interest",
}
# Teller's 29 categories, by the beginning of the world's finer ones; the first that fits counts.
_CATEGORIES = (
    ("FOOD_AND_DRINK_GROCERIES", "groceries"),
    ("FOOD_AND_DRINK_BEER", "bar"),
    ("FOOD_AND_DRINK", "dining"),
    ("TRANSPORTATION_GAS", "fuel"),
    ("TRANSPORTATION", "transportation"),
    ("TRAVEL_LODGING", "accommodation"),
    ("TRAVEL", "transport"),
    ("MEDICAL", "health"),
    ("PERSONAL_CARE_GYMS", "sport"),
    ("PERSONAL_CARE", "health"),
    ("ENTERTAINMENT", "entertainment"),
    ("RENT_AND_UTILITIES_TELEPHONE", "phone"),
    ("RENT_AND_UTILITIES_RENT", "home"),
    ("RENT_AND_UTILITIES", "utilities"),
    ("GENERAL_SERVICES_INSURANCE", "insurance"),
    ("GENERAL_MERCHANDISE_ELECTRONICS", "electronics"),
    ("GENERAL_MERCHANDISE_CLOTHING", "clothing"),
    ("GENERAL_MERCHANDISE", "shopping"),
    ("LOAN_PAYMENTS", "loan"),
    ("INCOME", "income"),
    ("BANK_FEES", "service"),
)
_PEOPLE = frozenset({Kind.PEER_IN, Kind.PEER_OUT})


def account_id(enrollment: Enrollment, account: Account) -> str:
    """The account's id under this enrollment."""
    key = (enrollment.enrollment_id, "account", account.key, *_renewals(enrollment, account))
    return f"acc_{code(LOWER_ALPHANUMERIC, 21, *key)}"


def transaction_id(enrollment: Enrollment, movement: Movement, *, pending: bool) -> str:
    """The row's id under this enrollment; a pending row gets a new one when it posts."""
    account, row_key = movement.account, movement.id_key(pending=pending)
    key = (enrollment.enrollment_id, "transaction", account.key, row_key, pending)
    return f"txn_{code(LOWER_ALPHANUMERIC, 21, *key, *_renewals(enrollment, account))}"


def _renewals(enrollment: Enrollment, account: Account) -> tuple[str, ...]:
    """Once for each time the account and its rows got new ids under this enrollment."""
    return tuple(key for key in enrollment.renewed if key == account.key)


def account(enrollment: Enrollment, account: Account, base_url: str, *, is_closed: bool) -> dict[str, object]:
    """One account, with the addresses of what the bank offers about it."""
    kind, subtype = _TYPES[account.role]
    own = f"{base_url}/accounts/{account_id(enrollment, account)}"
    status = "closed" if is_closed else "open"
    links = {"self": own, "balances": f"{own}/balances", "transactions": f"{own}/transactions"}
    if account.role in {Role.CHECKING, Role.SAVINGS}:
        links["details"] = f"{own}/details"
    return {
        "id": account_id(enrollment, account),
        "enrollment_id": enrollment.enrollment_id,
        "institution": {"id": enrollment.institution_id, "name": name_of(enrollment.institution_id)},
        "name": account.name,
        "type": kind,
        "subtype": subtype,
        "currency": account.currency,
        "last_four": account.mask,
        "status": status,
        "links": links,
    }


def details(enrollment: Enrollment, life: Life, account: Account, base_url: str) -> dict[str, object]:
    """The account's numbers."""
    own = f"{base_url}/accounts/{account_id(enrollment, account)}"
    return {
        "account_id": account_id(enrollment, account),
        "account_number": account.number,
        "routing_numbers": {"ach": life.bank.routing_number or None, "wire": None, "bacs": None},
        "links": {"self": f"{own}/details", "account": own},
    }


def balances(enrollment: Enrollment, statement: Statement, base_url: str) -> dict[str, object]:
    """What is booked and what can be spent."""
    own = f"{base_url}/accounts/{account_id(enrollment, statement.account)}"
    return {
        "account_id": account_id(enrollment, statement.account),
        "ledger": spoken(statement.current, statement.account),
        "available": f"{statement.available:f}",
        "links": {"self": f"{own}/balances", "account": own},
    }


def transaction(
    enrollment: Enrollment, movement: Movement, balance: Decimal | None, now: datetime, base_url: str
) -> dict[str, object]:
    """One row; `balance` is the account's after it, None for a pending row."""
    pending = balance is None
    amount = movement.held if pending and movement.held is not None else movement.amount
    own = f"{base_url}/accounts/{account_id(enrollment, movement.account)}"
    row_id = transaction_id(enrollment, movement, pending=pending)
    return {
        "id": row_id,
        "account_id": account_id(enrollment, movement.account),
        "date": str(movement.authorised_on if pending else movement.booked_on),
        "amount": spoken(amount, movement.account),
        "description": movement.held_text if pending else movement.text,
        "status": "pending" if pending else "posted",
        "type": _TRANSACTION_TYPES.get(movement.kind, "transfer"),
        "running_balance": None if balance is None else spoken(balance, movement.account),
        "details": _details(movement, now),
        "links": {"self": f"{own}/transactions/{row_id}", "account": own},
    }


def spoken(amount: Decimal, account: Account) -> str:
    """The amount as text with the sign this kind of account uses."""
    return f"{-amount if account.role is Role.CARD else amount:f}"


def category_of(detailed: str) -> str:
    """Teller's word for one of the world's categories."""
    return next((word for start, word in _CATEGORIES if detailed.startswith(start)), "general")


def _details(movement: Movement, now: datetime) -> dict[str, object]:
    if not is_refined(movement, now):
        return {"processing_status": "pending", "category": None, "counterparty": None}
    return {
        "processing_status": "complete",
        "category": category_of(movement.category),
        "counterparty": _counterparty(movement),
    }


def _counterparty(movement: Movement) -> dict[str, object] | None:
    if not movement.counterparty:
        return None
    kind = "person" if movement.kind in _PEOPLE else "organization"
    return {"name": movement.counterparty.upper(), "type": kind}
