"""Teller's data calls: accounts, balances, details and transactions of one enrollment."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.teller import render
from bank_sync.sandbox.teller.errors import TellerError, bad_request, disconnected, not_found
from bank_sync.sandbox.teller.institutions import BANK_OF
from bank_sync.sandbox.teller.records import Enrollment, enrollments
from bank_sync.sandbox.world.ledger import Statement, statement
from bank_sync.sandbox.world.life import Life
from bank_sync.sandbox.world.model import Account

HISTORY = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised call: who asks, and the address answers should link to."""

    context: Context
    enrollment: Enrollment
    base_url: str

    def life(self) -> Life:
        """The life the enrollment looks at."""
        return self.context.world.life(
            BANK_OF[self.enrollment.institution_id], self.enrollment.user_key, self.context.now()
        )

    def open_accounts(self) -> list[Account]:
        """The accounts the enrollment still reaches."""
        removed = self.enrollment.removed_accounts
        return [account for account in self.life().accounts if account.key not in removed]

    def account(self, account_id: str) -> Account:
        """The account under that id.

        Raises:
            TellerError: 404 not_found.
        """
        for account in self.open_accounts():
            if render.account_id(self.enrollment, account) == account_id:
                return account
        raise not_found()

    def statement(self, account: Account) -> Statement:
        """The account now, with the year of history Teller has."""
        return statement(self.life(), account, self.context.now(), history_start(self.enrollment))


def history_start(enrollment: Enrollment) -> date:
    """The oldest day the enrollment shows."""
    return (enrollment.enrolled_at - HISTORY).date()


def authorise(context: Context, authorization: str, base_url: str) -> Call:
    """The call of whoever sent that Authorization header: Basic, the token as user name, no password.

    Raises:
        TellerError: 401 without a readable header, 403 for a token that is not alive.
    """
    scheme, _, encoded = authorization.partition(" ")
    try:
        token = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        token = ""
    if scheme.lower() != "basic" or not token:
        raise TellerError(401, "unauthorized", "Missing credentials: send the access token as user name.")
    enrollment = enrollments(context).get(token)
    if enrollment is None:
        raise TellerError(403, "forbidden", "The access token is invalid or was revoked.")
    return Call(context, enrollment, base_url)


def require_connected(call: Call) -> None:
    """Refuse, as a bank that has lost its customer's session would.

    Raises:
        TellerError: 404 enrollment.disconnected and its finer codes.
    """
    if call.enrollment.disconnected is not None:
        raise disconnected(call.enrollment.disconnected)


def list_accounts(call: Call) -> list[dict[str, object]]:
    """GET /accounts; answers even when the enrollment is disconnected, as the real one may."""
    return [render.account(call.enrollment, account, call.base_url) for account in call.open_accounts()]


def remove_all(call: Call) -> None:
    """DELETE /accounts: the access token dies."""
    enrollments(call.context).delete(call.enrollment.access_token)


def remove(call: Call, account_id: str) -> None:
    """DELETE /accounts/:id: the enrollment no longer reaches that account."""
    removed = (*call.enrollment.removed_accounts, call.account(account_id).key)
    enrollment = replace(call.enrollment, removed_accounts=removed)
    enrollments(call.context).put(enrollment.access_token, enrollment)


def one_account(call: Call, account_id: str) -> dict[str, object]:
    """GET /accounts/:id."""
    return render.account(call.enrollment, call.account(account_id), call.base_url)


def details(call: Call, account_id: str) -> dict[str, object]:
    """GET /accounts/:id/details."""
    require_connected(call)
    return render.details(call.enrollment, call.life(), call.account(account_id), call.base_url)


def balances(call: Call, account_id: str) -> dict[str, object]:
    """GET /accounts/:id/balances."""
    require_connected(call)
    return render.balances(call.enrollment, call.statement(call.account(account_id)), call.base_url)


def transactions(call: Call, account_id: str, query: Mapping[str, str]) -> list[dict[str, object]]:
    """GET /accounts/:id/transactions: newest first, by page and by day (both ends included)."""
    require_connected(call)
    rows = all_rows(call, call.account(account_id))
    start, end = _day(query, "start_date"), _day(query, "end_date")
    rows = [row for row in rows if (start or "") <= str(row["date"]) <= (end or "9999")]
    if "from_id" in query:
        seen = [row["id"] for row in rows]
        rows = rows[seen.index(query["from_id"]) + 1 :] if query["from_id"] in seen else []
    return rows[: _count(query)] if "count" in query else rows


def one_transaction(call: Call, account_id: str, transaction_id: str) -> dict[str, object]:
    """GET /accounts/:id/transactions/:id."""
    require_connected(call)
    for row in all_rows(call, call.account(account_id)):
        if row["id"] == transaction_id:
            return row
    raise not_found()


def all_rows(call: Call, account: Account) -> list[dict[str, object]]:
    """Every row the account shows now, newest first; of one day pending before posted."""
    state, now = call.statement(account), call.context.now()
    posted = [
        render.transaction(call.enrollment, row.movement, row.balance, now, call.base_url)
        for row in state.posted
    ]
    pending = [
        render.transaction(call.enrollment, movement, None, now, call.base_url) for movement in state.pending
    ]
    newest_first = [*posted, *pending][::-1]
    newest_first.sort(key=lambda row: str(row["date"]), reverse=True)  # keeps the order within a day
    return newest_first


def _day(query: Mapping[str, str], name: str) -> str | None:
    if name not in query:
        return None
    try:
        return str(date.fromisoformat(query[name]))
    except ValueError:
        raise bad_request(f"{name} must be a date of the form YYYY-MM-DD") from None


def _count(query: Mapping[str, str]) -> int:
    if not query["count"].isdecimal() or int(query["count"]) < 1:
        raise bad_request("count must be a positive integer")
    return int(query["count"])
