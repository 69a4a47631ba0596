"""Commands about one link alone: its consent, its account ids, and Plaid's cursors, pages and stages.

Here: which record of which provider changes. Not here: commands about the accounts behind it (`commands`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.records import LinkedAccount, agreements, linked_accounts, requisitions
from bank_sync.sandbox.plaid.records import Item, items
from bank_sync.sandbox.plaid.stages import Stage
from bank_sync.sandbox.teller.records import Enrollment, enrollments
from bank_sync.sandbox.wishes import Wish
from bank_sync.sandbox.world.book import BookError

R = TypeVar("R")


def is_about_a_link(provider: str, op: str) -> bool:
    """Whether the command changes something in a link of that provider."""
    return op in _KNOWN[provider]


def change_link(context: Context, op: str, wish: Wish) -> None:
    """Change the link.

    Raises:
        BookError: 400 for nonsense, 404 for a link that is gone.
    """
    token = wish.link.token
    if wish.link.provider == "plaid":
        items(context).put(token, _ITEM[op](_there(items(context).get(token)), wish))
    elif wish.link.provider == "teller":
        enrollments(context).put(token, _ENROLLMENT[op](_there(enrollments(context).get(token)), wish))
    else:
        _REQUISITION[op](context, wish)


def _there(record: R | None) -> R:
    if record is None:
        raise BookError(404, "No such link.")
    return record


def _renew_item(item: Item, wish: Wish) -> Item:
    return replace(item, renewed=(*item.renewed, wish.account()))


def _mutate(item: Item, wish: Wish) -> Item:
    return replace(item, mutations=wish.number("times") or 1)


def _set_stage(item: Item, wish: Wish) -> Item:
    stage = wish.choice("stage", *Stage)
    if stage is None:
        raise BookError(400, "Send stage.")
    return replace(item, stage=stage)


def _renew_enrollment(enrollment: Enrollment, wish: Wish) -> Enrollment:
    return replace(enrollment, renewed=(*enrollment.renewed, wish.account()))


def _expire_agreement(context: Context, wish: Wish) -> None:
    requisition = _there(requisitions(context).get(wish.link.id))
    agreement = _there(agreements(context).get(requisition.agreement_id))
    agreements(context).put(agreement.id, replace(agreement, ended_at=wish.now))


def _revoke_requisition(context: Context, wish: Wish) -> None:
    requisition = _there(requisitions(context).get(wish.link.id))
    requisitions(context).put(requisition.id, replace(requisition, is_revoked=True))


def _renew_linked_account(context: Context, wish: Wish) -> None:
    requisition = _there(requisitions(context).get(wish.link.id))
    old_id = wish.link.account_ids[wish.account()]
    new = LinkedAccount(
        context.new_uuid("gocardless account"), requisition.id, wish.account(), created_at=wish.now
    )
    linked_accounts(context).delete(old_id)
    linked_accounts(context).put(new.id, new)
    ids = tuple(new.id if each == old_id else each for each in requisition.account_ids)
    requisitions(context).put(requisition.id, replace(requisition, account_ids=ids))


_ITEM: Mapping[str, Callable[[Item, Wish], Item]] = {
    "expire_consent": lambda item, _: replace(item, is_login_required=True),
    "revoke": lambda item, _: replace(item, is_revoked=True),
    "renew_account": _renew_item,
    "mutate_during_paging": _mutate,
    "lose_cursor": lambda item, _: replace(item, cursor_age=item.cursor_age + 1),
    "stage": _set_stage,
}
_ENROLLMENT: Mapping[str, Callable[[Enrollment, Wish], Enrollment]] = {
    "expire_consent": lambda enrollment, _: replace(enrollment, disconnected=""),
    "revoke": lambda enrollment, _: replace(enrollment, is_revoked=True),
    "renew_account": _renew_enrollment,
}
_REQUISITION: Mapping[str, Callable[[Context, Wish], None]] = {
    "expire_consent": _expire_agreement,
    "revoke": _revoke_requisition,
    "renew_account": _renew_linked_account,
}
_KNOWN = {"plaid": _ITEM, "teller": _ENROLLMENT, "gocardless": _REQUISITION}
