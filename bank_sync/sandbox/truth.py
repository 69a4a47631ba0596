"""What is true behind a link: every account and row a provider shows now, signed from the person's side.

Here: the answer key for tests and demos, in one shape for all providers. Not here: any wire format.
"""

from collections.abc import Callable
from datetime import date

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless import accounts as gocardless_accounts
from bank_sync.sandbox.gocardless import render as gocardless_render
from bank_sync.sandbox.gocardless.records import requisitions
from bank_sync.sandbox.plaid import items as plaid_items
from bank_sync.sandbox.plaid import render as plaid_render
from bank_sync.sandbox.plaid.log import history_start as plaid_history_start
from bank_sync.sandbox.plaid.records import items
from bank_sync.sandbox.teller import api as teller_api
from bank_sync.sandbox.teller import render as teller_render
from bank_sync.sandbox.teller.records import enrollments
from bank_sync.sandbox.world.ledger import Statement, statement
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account, Movement, Role

AccountId = Callable[[Account], str]
RowId = Callable[[Movement, bool], str | None]


def of_plaid(context: Context, access_token: str) -> list[dict[str, object]] | None:
    """The truth behind an access token; None if it is not alive."""
    item = items(context).get(access_token)
    if item is None:
        return None
    return _accounts(
        context,
        plaid_items.life_of(context, item),
        plaid_history_start(item),
        lambda account: plaid_render.account_id(item, account),
        lambda movement, pending: plaid_render.transaction_id(item, movement, pending=pending),
    )


def of_teller(context: Context, access_token: str) -> list[dict[str, object]] | None:
    """The truth behind an access token; None if it is not alive."""
    enrollment = enrollments(context).get(access_token)
    if enrollment is None:
        return None
    return _accounts(
        context,
        teller_api.Call(context, enrollment, "").life(),
        teller_api.history_start(enrollment),
        lambda account: teller_render.account_id(enrollment, account),
        lambda movement, pending: teller_render.transaction_id(enrollment, movement, pending=pending),
        without=enrollment.removed_accounts,
    )


def of_gocardless(context: Context, requisition_id: str) -> list[dict[str, object]] | None:
    """The truth behind a requisition; None if there is none, an empty list before consent."""
    requisition = requisitions(context).get(requisition_id)
    if requisition is None:
        return None
    reached = [gocardless_accounts.reach(context, account_id) for account_id in requisition.account_ids]
    accesses = [access for access in reached if access is not None]
    if not accesses:
        return []
    ids = {access.account.key: access.linked.id for access in accesses}
    return _accounts(
        context,
        accesses[0].life,
        accesses[0].history_start(),
        lambda account: ids[account.key],
        lambda movement, pending: None if pending else gocardless_render.transaction_id(movement),
    )


def _accounts(
    context: Context,
    life: Life,
    since: date,
    account_id: AccountId,
    row_id: RowId,
    *,
    without: tuple[str, ...] = (),
) -> list[dict[str, object]]:
    now = context.now()
    return [
        _account(statement(life, account, now, since), account_id(account), row_id)
        for account in life.accounts
        if account.key not in without
    ]


def _account(state: Statement, account_id: str, row_id: RowId) -> dict[str, object]:
    account = state.account
    rows = [_row(row.movement, row_id, pending=False) for row in state.posted]
    rows += [_row(movement, row_id, pending=True) for movement in state.pending]
    return {
        "provider_account_id": account_id,
        "name": account.name,
        "type": "credit" if account.role is Role.CARD else "depository",
        "subtype": account.role.value,
        "mask": account.mask,
        "currency": account.currency,
        "iban": account.iban,
        "current": f"{state.current:f}",
        "available": f"{state.available:f}",
        "transactions": rows,
    }


def _row(movement: Movement, row_id: RowId, *, pending: bool) -> dict[str, object]:
    amount = movement.held if pending and movement.held is not None else movement.amount
    return {
        "provider_transaction_id": row_id(movement, pending),
        "posting": "pending" if pending else "posted",
        "amount": f"{amount:f}",
        "currency": movement.account.currency,
        "booked_on": None if pending else str(movement.booked_on),
        "authorised_on": str(movement.authorised_on),
        "description": movement.held_text if pending else movement.text,
        "category": movement.category,
        "counterparty": movement.counterparty,
    }
