"""Account data: metadata, details, balances and transactions of one linked account.

Signs: money out is negative on every account; a credit card's balance is negative while it owes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless import render
from bank_sync.sandbox.gocardless.errors import (
    GoCardlessError,
    access_forbidden,
    account_not_found,
    agreement_expired,
    by_field,
    not_found,
    plain,
)
from bank_sync.sandbox.gocardless.records import (
    Agreement,
    LinkedAccount,
    Requisition,
    agreements,
    instant,
    linked_accounts,
    require_uuid,
    requisitions,
)
from bank_sync.sandbox.gocardless.requisitions import life_at
from bank_sync.sandbox.world.ledger import Statement, statement
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account

_REVOKED = "Access has expired or it has been revoked. To restore access reconnect the account."


@dataclass(frozen=True, slots=True)
class Access:
    """A linked account together with everything its requisition gives access by."""

    linked: LinkedAccount
    requisition: Requisition
    agreement: Agreement
    life: Life
    account: Account

    def history_start(self) -> date:
        """The oldest day the agreement covers."""
        began = self.agreement.accepted_at or self.agreement.created_at
        return (began - timedelta(days=self.agreement.max_historical_days)).date()

    def statement(self, context: Context) -> Statement:
        """The account now, within the agreement's history."""
        return statement(self.life, self.account, context.now(), self.history_start())


def reach(context: Context, account_id: str) -> Access | None:
    """What is linked under that id, None if nothing is."""
    linked = linked_accounts(context).get(account_id)
    requisition = requisitions(context).get(linked.requisition_id) if linked else None
    agreement = agreements(context).get(requisition.agreement_id) if requisition else None
    if linked is None or requisition is None or agreement is None:
        return None
    life = life_at(context, requisition.institution_id, requisition.user_key)
    account = next(each for each in life.accounts if each.key == linked.account_key)
    return Access(linked, requisition, agreement, life, account)


def metadata(context: Context, account_id: str) -> dict[str, object]:
    """GET /accounts/{id}/: what GoCardless itself knows; works after consent has run out.

    Raises:
        GoCardlessError: 400, 404.
    """
    access = reach(context, require_uuid("Account", account_id))
    if access is None:
        raise not_found()
    expired = access.agreement.is_expired(context.now())
    return {
        "id": access.linked.id,
        "created": instant(access.linked.created_at),
        "last_accessed": instant(context.now()),
        "iban": access.account.iban,
        "bban": None,
        "status": "EXPIRED" if expired else "READY",
        "institution_id": access.requisition.institution_id,
        "owner_name": access.life.person.name,
        "name": access.account.name,
    }


def granted(context: Context, account_id: str, scope: str) -> Access:
    """The account, if consent for that scope is alive.

    Raises:
        GoCardlessError: 400, 401 for expired or revoked consent or a closed account, 403 for a scope not
            agreed to, 404, 503 while the bank is down.
    """
    access = reach(context, require_uuid("Account", account_id))
    if access is None:
        raise account_not_found(account_id)
    ends = access.agreement.expires_at()
    if ends is not None and ends <= context.now():
        raise agreement_expired(access.agreement.id, access.agreement.access_valid_for_days, ends)
    if scope not in access.agreement.access_scope:
        raise access_forbidden()
    _require_bank(access, scope)
    return access


def _require_bank(access: Access, scope: str) -> None:
    """Refuse as the bank does, when it no longer lets anybody in or cannot be reached."""
    summary, book = f"Couldn't update account {scope}", access.life.book
    if access.requisition.is_revoked:
        raise plain(401, summary, _REVOKED, "AccessExpiredError")
    if access.account.key in book.closed:
        raise plain(401, summary, "Account is inactive or closed", "AccountInactiveError")
    if book.is_out:
        raise plain(503, summary, "Institution service unavailable", "ServiceError")


def details(context: Context, access: Access, _: Mapping[str, str]) -> dict[str, object]:
    """GET /accounts/{id}/details/."""
    return {"account": render.details(context.world.seed, access.life, access.account)}


def balances(context: Context, access: Access, _: Mapping[str, str]) -> dict[str, object]:
    """GET /accounts/{id}/balances/."""
    return {"balances": render.balances(access.statement(context), context.now())}


def transactions(context: Context, access: Access, query: Mapping[str, str]) -> dict[str, object]:
    """GET /accounts/{id}/transactions/: booked rows by booking day, newest first, and whatever is pending.

    Raises:
        GoCardlessError: 400, by field, for a day in the future or no day at all.
    """
    today = context.now().date()
    first, last = _day(query, "date_from", today), _day(query, "date_to", today)
    if first and last and first > last:
        raise by_field(date_from={"summary": "Incorrect date range", "detail": "date_from is after date_to"})
    state = access.statement(context)
    booked = [
        render.booked(access.linked.id, row)
        for row in reversed(state.posted)
        if (first or date.min) <= row.movement.booked_on <= (last or date.max)
    ]
    pending = [render.pending(movement) for movement in reversed(state.pending)]
    listed = {"booked": booked, "pending": pending}
    return {"transactions": listed, "last_updated": context.now().strftime("%Y-%m-%dT%H:%M:%SZ")}


def _day(query: Mapping[str, str], name: str, today: date) -> date | None:
    if not query.get(name):
        return None
    try:
        day = date.fromisoformat(query[name])
    except ValueError:
        raise by_field(**{name: ["Enter a valid date."]}) from None
    if day > today:
        raise _in_future(name, day, today)
    return day


def _in_future(name: str, day: date, today: date) -> GoCardlessError:
    detail = f"'{day}' can't be greater than {today}. Specify correct date range"
    return by_field(**{name: {"summary": "Date can't be in future", "detail": detail}})
