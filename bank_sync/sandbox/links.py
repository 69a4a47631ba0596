"""A link, whichever provider it was made at: whose money it reaches, and under which ids.

Here: finding it by what truth and commands are given. Not here: what a provider answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless import accounts as gocardless_accounts
from bank_sync.sandbox.gocardless import render as gocardless_render
from bank_sync.sandbox.gocardless.quirks import QUIRKS
from bank_sync.sandbox.gocardless.records import requisitions
from bank_sync.sandbox.gocardless.requisitions import life_at
from bank_sync.sandbox.plaid import items as plaid_items
from bank_sync.sandbox.plaid import render as plaid_render
from bank_sync.sandbox.plaid.log import history_start as plaid_history_start
from bank_sync.sandbox.plaid.records import items
from bank_sync.sandbox.teller import api as teller_api
from bank_sync.sandbox.teller import render as teller_render
from bank_sync.sandbox.teller.records import enrollments
from bank_sync.sandbox.world.book import Ids
from bank_sync.sandbox.world.ledger import Posted
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account, Movement

RowId = Callable[[Movement, bool], str | None]


@dataclass(frozen=True, slots=True)
class Link:
    """One link: `id` outlives its token, `account_ids` are its ids by the world's own account keys.

    `name_row` gives the id of a pending or posted row, as long as the provider keeps one.
    """

    provider: str
    id: str
    token: str
    life: Life
    since: date
    account_ids: Mapping[str, str]
    name_row: RowId

    def account_key(self, provider_account_id: str) -> str | None:
        """The world's own key of an account shown in this link, None if there is none."""
        return next((key for key, each in self.account_ids.items() if each == provider_account_id), None)

    def row_id(self, movement: Movement, *, pending: bool) -> str | None:
        """The row's id in this link now; None where it has none, or another one at every read."""
        unstable = self.life.book.ids_of(movement.account) is Ids.EVERY_READ
        return None if unstable and not pending else self.name_row(movement, pending)


def find(context: Context, provider: str, token: str) -> Link | None:
    """The link behind an access token or requisition id; None if it is not alive."""
    look = _FINDERS.get(provider)
    return look(context, token) if look else None


def _of_plaid(context: Context, access_token: str) -> Link | None:
    item = items(context).get(access_token)
    if item is None:
        return None
    life = plaid_items.life_of(context, item)
    return Link(
        provider="plaid",
        id=item.item_id,
        token=access_token,
        life=life,
        since=plaid_history_start(item),
        account_ids=_ids(life.accounts, lambda account: plaid_render.account_id(item, account)),
        name_row=lambda movement, pending: plaid_render.transaction_id(item, movement, pending=pending),
    )


def _of_teller(context: Context, access_token: str) -> Link | None:
    enrollment = enrollments(context).get(access_token)
    if enrollment is None:
        return None
    call = teller_api.Call(context, enrollment, "")
    return Link(
        provider="teller",
        id=enrollment.enrollment_id,
        token=access_token,
        life=call.life(),
        since=teller_api.history_start(enrollment),
        account_ids=_ids(call.open_accounts(), lambda account: teller_render.account_id(enrollment, account)),
        name_row=lambda movement, pending: teller_render.transaction_id(
            enrollment, movement, pending=pending
        ),
    )


def _of_gocardless(context: Context, requisition_id: str) -> Link | None:
    requisition = requisitions(context).get(requisition_id)
    if requisition is None:
        return None
    reached = [gocardless_accounts.reach(context, account_id) for account_id in requisition.account_ids]
    accesses = [access for access in reached if access is not None]
    return Link(
        provider="gocardless",
        id=requisition_id,
        token=requisition_id,
        life=life_at(context, requisition.institution_id, requisition.user_key),
        since=accesses[0].history_start() if accesses else date.max,
        account_ids={access.account.key: access.linked.id for access in accesses},
        name_row=lambda movement, pending: _bent_id(requisition.institution_id, movement, pending=pending),
    )


def _bent_id(institution_id: str, movement: Movement, *, pending: bool) -> str | None:
    """The id a GoCardless row shows, once the institution has bent it."""
    if pending or institution_id not in QUIRKS:
        return None if pending else gocardless_render.transaction_id(movement)
    row = gocardless_render.booked("", Posted(movement, movement.account.opening))
    bent: str | None = QUIRKS[institution_id].booked(row).get("transactionId")
    return bent


def _ids(accounts: "tuple[Account, ...] | list[Account]", name: Callable[[Account], str]) -> dict[str, str]:
    return {account.key: name(account) for account in accounts}


_FINDERS = {"plaid": _of_plaid, "teller": _of_teller, "gocardless": _of_gocardless}
