"""A scripted person's seat at a bank: commands go in, and what the wire shows is compared with the truth.

Here: reading each provider's rows into one shape. Not here: any expectation but "the wire tells the truth".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from bank_sync_tests.sandbox.conftest import Desk

PROVIDERS = ("plaid", "teller", "gocardless")
Row = tuple[str, str | None, Decimal, str, str, str]  # account, id, amount, posting, day, description


@dataclass
class Seat:
    """One link of one person, and what a client that syncs it has seen so far."""

    desk: Desk
    provider: str
    token: str
    cursor: str = ""
    synced: dict[str, dict[str, Any]] = field(default_factory=dict)

    def order(self, op: str, **fields: object) -> dict[str, Any]:
        """A command that has to succeed."""
        answer = self.send(op, **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def send(self, op: str, **fields: object) -> httpx.Response:
        """A command."""
        body = {"provider": self.provider, "token": self.token, "op": op, **fields}
        return self.desk.client.post(f"{self.desk.url}/_sandbox/book", json=body)

    def spend(self, amount: str = "-12.50", **fields: object) -> str:
        """Money moves on the main account; gives the movement."""
        return str(self.order("spend", account=self.account, amount=amount, **fields)["movement"])

    def truth(self) -> list[dict[str, Any]]:
        """The answer key."""
        return self.desk.truth(self.provider, self.token)

    @property
    def account(self) -> str:
        """The main account's id now."""
        return self.account_of("checking")

    def account_of(self, subtype: str) -> str:
        """The id of one of the accounts now."""
        return str(next(a["provider_account_id"] for a in self.truth() if a["subtype"] == subtype))

    def true_rows(self) -> list[dict[str, Any]]:
        """Every row there is in truth."""
        return [row for account in self.truth() for row in account["transactions"]]

    def true_row(self, movement: str) -> dict[str, Any]:
        """The one row of a movement in truth."""
        (row,) = [row for row in self.true_rows() if row["movement"] == movement]
        return row

    def rows(self) -> list[Row]:
        """Every row the wire shows, in one shape; at Plaid after one more round of syncing."""
        return sorted(_READ[self.provider](self), key=str)

    def agreed(self) -> list[Row]:
        """The rows of the wire, which are those of the truth, as are the balances."""
        shown, true = self.rows(), sorted(self._truly(), key=str)
        assert shown == true
        assert self.balances() == {a["provider_account_id"]: Decimal(a["current"]) for a in self.truth()}
        return shown

    def balances(self) -> dict[str, Decimal]:
        """What is booked on each account, signed from the person's side."""
        return dict(_BALANCES[self.provider](self))

    def _truly(self) -> Iterator[Row]:
        for account in self.truth():
            for row in account["transactions"]:
                amount, posting = Decimal(row["amount"]), row["posting"]
                day = row["booked_on"] or row["authorised_on"]
                row_id = row["provider_transaction_id"]
                yield account["provider_account_id"], row_id, amount, posting, day, row["description"]


def take_seat(desk: Desk, provider: str, user: str = "script") -> Seat:
    """Link that person at the provider, at a bank with a card."""
    if provider == "plaid":
        return Seat(desk, provider, desk.plaid_link(user=user))
    if provider == "teller":
        return Seat(desk, provider, desk.teller_enroll(user, institution="chase")["accessToken"])
    return Seat(desk, provider, desk.gocardless_link(desk.gocardless_token(), user=user)["id"])


def _plaid_rows(seat: Seat) -> Iterator[Row]:
    round_ = seat.desk.plaid_round(seat.token, seat.cursor)
    seat.synced, seat.cursor = round_.apply(seat.synced), round_.cursor
    for row in seat.synced.values():
        posting = "pending" if row["pending"] else "posted"
        amount = -Decimal(str(row["amount"]))
        yield row["account_id"], row["transaction_id"], amount, posting, row["date"], row["name"]


def _teller_rows(seat: Seat) -> Iterator[Row]:
    for account in seat.desk.teller(seat.token, "/accounts").json():
        sign = -1 if account["type"] == "credit" else 1
        for row in seat.desk.teller(seat.token, f"/accounts/{account['id']}/transactions").json():
            amount = sign * Decimal(row["amount"])
            yield account["id"], row["id"], amount, row["status"], row["date"], row["description"]


def _gocardless_rows(seat: Seat) -> Iterator[Row]:
    for account in linked_accounts(seat):
        path = f"/accounts/{account}/transactions/"
        listed = seat.desk.gocardless("GET", path, seat.desk.gocardless_token()).json()["transactions"]
        for row in listed["booked"]:
            yield account, row["transactionId"], *_money(row), "posted", row["bookingDate"], _text(row)
        for row in listed["pending"]:
            assert "transactionId" not in row
            yield account, None, *_money(row), "pending", row["valueDate"], _text(row)


def linked_accounts(seat: Seat) -> list[str]:
    """The account ids of a requisition."""
    return list(
        seat.desk.gocardless("GET", f"/requisitions/{seat.token}/", seat.desk.gocardless_token()).json()[
            "accounts"
        ]
    )


def _money(row: dict[str, Any]) -> tuple[Decimal]:
    return (Decimal(row["transactionAmount"]["amount"]),)


def _text(row: dict[str, Any]) -> str:
    return str(row["remittanceInformationUnstructured"])


def _plaid_balances(seat: Seat) -> Iterator[tuple[str, Decimal]]:
    for account in seat.desk.plaid("/accounts/get", access_token=seat.token).json()["accounts"]:
        sign = -1 if account["type"] == "credit" else 1
        yield account["account_id"], sign * Decimal(str(account["balances"]["current"]))


def _teller_balances(seat: Seat) -> Iterator[tuple[str, Decimal]]:
    for account in seat.desk.teller(seat.token, "/accounts").json():
        sign = -1 if account["type"] == "credit" else 1
        ledger = seat.desk.teller(seat.token, f"/accounts/{account['id']}/balances").json()["ledger"]
        yield account["id"], sign * Decimal(ledger)


def _gocardless_balances(seat: Seat) -> Iterator[tuple[str, Decimal]]:
    for account in linked_accounts(seat):
        spoken = seat.desk.gocardless(
            "GET", f"/accounts/{account}/balances/", seat.desk.gocardless_token()
        ).json()
        yield account, Decimal(spoken["balances"][0]["balanceAmount"]["amount"])


_READ = {"plaid": _plaid_rows, "teller": _teller_rows, "gocardless": _gocardless_rows}
_BALANCES = {"plaid": _plaid_balances, "teller": _teller_balances, "gocardless": _gocardless_balances}
