"""How GoCardless spells accounts, balances and transactions: each field only where the bank knows it."""

from datetime import datetime

from bank_sync.sandbox.world.book import POSITION
from bank_sync.sandbox.world.dice import HEXADECIMAL, UPPER_ALPHANUMERIC, code
from bank_sync.sandbox.world.ledger import Posted, Statement
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account, Kind, Movement, Role
from bank_sync.sandbox.world.money import rounded

_CASH_ACCOUNT_TYPES = {Role.CHECKING: "CACC", Role.SAVINGS: "SVGS", Role.CARD: "CARD", Role.WALLET: "TRAN"}
_ISO_CODES = {
    Kind.CARD: "PMNT-CCRD-POSD",
    Kind.ONLINE: "PMNT-CCRD-POSD",
    Kind.ABROAD: "PMNT-CCRD-POSD",
    Kind.REFUND: "PMNT-CCRD-RIMB",
    Kind.ATM: "PMNT-CCRD-CWDL",
    Kind.DIRECT_DEBIT: "PMNT-RDDT-ESDD",
    Kind.STANDING_ORDER: "PMNT-ICDT-STDO",
    Kind.SALARY: "PMNT-RCDT-SALA",
    Kind.PEER_IN: "PMNT-RCDT-ESCT",
    Kind.PEER_OUT: "PMNT-ICDT-ESCT",
    Kind.TRANSFER_OUT: "PMNT-ICDT-BOOK",
    Kind.TRANSFER_IN: "PMNT-RCDT-BOOK",
    Kind.FEE: "ACMT-MDOP-FEES",
    Kind.INTEREST: "ACMT-MCOP-INTR",
}
_UNNAMED = frozenset({Kind.FEE, Kind.INTEREST, Kind.ATM})
_WITH_MANDATE = frozenset({Kind.DIRECT_DEBIT})


def details(seed: str, life: Life, account: Account) -> dict[str, object]:
    """What the bank says about an account."""
    spoken: dict[str, object] = {
        "resourceId": code(UPPER_ALPHANUMERIC, 26, seed, "resource", account.key),
        "currency": account.currency,
        "ownerName": life.person.name,
        "name": account.name,
        "product": account.official_name,
        "cashAccountType": _CASH_ACCOUNT_TYPES[account.role],
        "status": "enabled",
        "usage": "PRIV",
    }
    if account.role is Role.CARD:
        return {**spoken, "maskedPan": f"5402********{account.mask}"}
    return {**spoken, "iban": account.iban, "bic": life.bank.bic}


def balances(statement: Statement, now: datetime) -> list[dict[str, object]]:
    """What is booked, and what can be spent; on a card the latter includes the limit, and says so."""
    account = statement.account
    figures = (("interimBooked", statement.current), ("interimAvailable", statement.available))
    spoken: list[dict[str, object]] = [
        {
            "balanceAmount": {
                "amount": f"{rounded(figure, account.currency):f}",
                "currency": account.currency,
            },
            "balanceType": kind,
            "referenceDate": str(now.date()),
        }
        for kind, figure in figures
    ]
    if account.role is Role.CARD:
        spoken[1]["creditLimitIncluded"] = True
    return spoken


def booked(account_id: str, row: Posted) -> dict[str, object]:
    """A booked row; `internalTransactionId` is new with every link, the bank's `transactionId` is not."""
    movement = row.movement
    account = movement.account
    key = (account.key, movement.id_key(pending=False))
    return {
        "transactionId": transaction_id(movement),
        "internalTransactionId": code(HEXADECIMAL, 32, "internal", account_id, *key),
        "bookingDate": str(movement.booked_on),
        "valueDate": str(movement.booked_on),
        "transactionAmount": {"amount": f"{movement.amount:f}", "currency": account.currency},
        **_parties(movement),
        **_exchange(movement),
        "remittanceInformationUnstructured": movement.text,
        "bankTransactionCode": _ISO_CODES.get(movement.kind, "PMNT"),
        "proprietaryBankTransactionCode": movement.kind.upper(),
        **_merchant_category(movement),
        "balanceAfterTransaction": {
            "balanceAmount": {"amount": f"{row.balance:f}", "currency": account.currency},
            "balanceType": "interimBooked",
        },
    }


def pending(movement: Movement) -> dict[str, object]:
    """A pending row: no id of any kind."""
    amount = movement.amount if movement.held is None else movement.held
    return {
        "valueDate": str(movement.authorised_on),
        "transactionAmount": {"amount": f"{amount:f}", "currency": movement.account.currency},
        "remittanceInformationUnstructured": movement.held_text,
    }


def transaction_id(movement: Movement) -> str:
    """The bank's own id of a booked row, the same through every link."""
    row_key = movement.id_key(pending=False)
    if row_key.startswith(POSITION):
        return row_key.removeprefix(POSITION)
    serial = code(UPPER_ALPHANUMERIC, 8, "bank", movement.account.key, row_key)
    return f"{movement.settled_at:%Y%m%d}{serial}-1"


def _merchant_category(movement: Movement) -> dict[str, object]:
    if movement.merchant is None or movement.held is None:
        return {}
    return {"merchantCategoryCode": movement.merchant.code}


def _parties(movement: Movement) -> dict[str, object]:
    """Who was paid, or who paid, where a bank would say so."""
    if movement.kind in _UNNAMED or not movement.counterparty:
        return {}
    side = "debtor" if movement.amount > 0 else "creditor"
    parties: dict[str, object] = {f"{side}Name": movement.counterparty}
    if movement.counterparty_iban and movement.held is None:
        parties[f"{side}Account"] = {"iban": movement.counterparty_iban}
    if movement.kind in _WITH_MANDATE:
        parties["mandateId"] = code(UPPER_ALPHANUMERIC, 10, "mandate id", movement.counterparty)
        parties["endToEndId"] = movement.reference
    return parties


def _exchange(movement: Movement) -> dict[str, object]:
    original = movement.original
    if original is None:
        return {}
    return {
        "currencyExchange": [
            {
                "sourceCurrency": original.currency,
                "exchangeRate": f"{original.rate:f}",
                "unitCurrency": original.currency,
                "targetCurrency": movement.account.currency,
                "instructedAmount": {"amount": f"{-original.amount:f}", "currency": original.currency},
            }
        ]
    }
