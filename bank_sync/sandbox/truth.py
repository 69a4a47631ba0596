"""What is true behind a link: every account and row a provider shows now, signed from the person's side.

Here: the answer key for tests and demos, in one shape for all providers. Not here: any wire format.
"""

from datetime import datetime

from bank_sync.sandbox.links import Link
from bank_sync.sandbox.world.ledger import Statement, statement
from bank_sync.sandbox.world.model import Movement, Role


def of(link: Link, now: datetime) -> list[dict[str, object]]:
    """The truth behind a link; a requisition nobody consented to has none."""
    return [
        _account(link, statement(link.life, account, now, link.since))
        for account in link.life.accounts
        if account.key in link.account_ids
    ]


def _account(link: Link, state: Statement) -> dict[str, object]:
    account = state.account
    rows = [_row(link, row.movement, pending=False) for row in state.posted]
    rows += [_row(link, movement, pending=True) for movement in state.pending]
    return {
        "provider_account_id": link.account_ids[account.key],
        "name": account.name,
        "type": "credit" if account.role is Role.CARD else "depository",
        "subtype": account.role.value,
        "mask": account.mask,
        "currency": account.currency,
        "iban": account.iban,
        "is_closed": account.key in link.life.book.closed,
        "current": f"{state.current:f}",
        "available": f"{state.available:f}",
        "transactions": rows,
    }


def _row(link: Link, movement: Movement, *, pending: bool) -> dict[str, object]:
    amount = movement.held if pending and movement.held is not None else movement.amount
    return {
        "provider_transaction_id": link.row_id(movement, pending=pending),
        "posting": "pending" if pending else "posted",
        "amount": f"{amount:f}",
        "currency": movement.account.currency,
        "booked_on": None if pending else str(movement.booked_on),
        "authorised_on": str(movement.authorised_on),
        "description": movement.held_text if pending else movement.text,
        "category": movement.category,
        "counterparty": movement.counterparty or None,
        "movement": movement.key,
        "parent": movement.parent,
        "pending_movement": None if pending else movement.pending_key,
    }
