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

    def is_closed(self, account: Account) -> bool:
        """Whether the bank has closed the account."""
        return account.key in self.life().book.closed

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
    if enrollment is None or enrollment.is_revoked:
        raise TellerError(403, "forbidden", "The access token is invalid or was revoked.")
    return Call(context, enrollment, base_url)


def require_connected(call: Call) -> None:
    """Refuse, as a bank that has lost its customer's session would.

    Raises:
        TellerError: 404 enrollment.disconnected and its finer codes, 502 while the bank itself is down.
    """
    if call.enrollment.disconnected is not None:
        raise disconnected(call.enrollment.disconnected)
    if call.life().book.is_out:
        raise TellerError(502, "bad_gateway", "The institution is unavailable")


def data_account(call: Call, account_id: str) -> Account:
    """The account under that id, if the bank answers about it now.

    Raises:
        TellerError: As `require_connected`, 404 not_found, 410 for a closed account.
    """
    require_connected(call)
    account = call.account(account_id)
    if call.is_closed(account):
        raise TellerError(410, "account.closed", "The requested account is closed")
    return account


def list_accounts(call: Call) -> list[dict[str, object]]:
    """GET /accounts; answers even when the enrollment is disconnected, as the real one may."""
    return [_spoken(call, account) for account in call.open_accounts()]


def _spoken(call: Call, account: Account) -> dict[str, object]:
    return render.account(call.enrollment, account, call.base_url, is_closed=call.is_closed(account))


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
    return _spoken(call, call.account(account_id))


def details(call: Call, account_id: str) -> dict[str, object]:
    """GET /accounts/:id/details."""
    return render.details(call.enrollment, call.life(), data_account(call, account_id), call.base_url)


def balances(call: Call, account_id: str) -> dict[str, object]:
    """GET /accounts/:id/balances."""
    return render.balances(call.enrollment, call.statement(data_account(call, account_id)), call.base_url)


def transactions(call: Call, account_id: str, query: Mapping[str, str]) -> list[dict[str, object]]:
    """GET /accounts/:id/transactions: newest first, by page and by day (both ends included)."""
    rows = all_rows(call, data_account(call, account_id))
    start, end = _day(query, "start_date"), _day(query, "end_date")
    rows = [row for row in rows if (start or "") <= str(row["date"]) <= (end or "9999")]
    if "from_id" in query:
        seen = [row["id"] for row in rows]
        rows = rows[seen.index(query["from_id"]) + 1 :] if query["from_id"] in seen else []
    return rows[: _count(query)] if "count" in query else rows


def one_transaction(call: Call, account_id: str, transaction_id: str) -> dict[str, object]:
    """GET /accounts/:id/transactions/:id."""
    for row in all_rows(call, data_account(call, account_id)):
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
