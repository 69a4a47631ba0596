"""A bank with as many transactions as wanted, over HTTP, made up page by page.

Belongs here: as much of Plaid's protocol as one first sync needs. Does not belong here: the pretend banks of
the product (`bank_sync.sandbox`), which keep people's whole lives in memory.

Every access token is a customer of its own with the same rows. `POST /rows {"rows": 30}` makes more of them.

    python -m benchmarks.plaid_server --rows 1000000
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ROWS_PER_PAGE = 500
_ACCOUNTS = 4
_TODAY = date(2026, 3, 10)
_DAYS = 730
_OPENING = 10_000


def amount_of(number: int) -> str:
    """Every row's own amount, in Plaid's sign: positive is money out."""
    return f"{number % 500}.{number % 100:02d}"


def row(number: int) -> dict[str, Any]:
    """One transaction, about as long as Plaid's."""
    booked = _TODAY - timedelta(days=number % _DAYS)
    return {
        "account_id": f"account-{number % _ACCOUNTS}",
        "transaction_id": f"transaction-{number:012d}",
        "pending_transaction_id": None,
        "amount": float(amount_of(number)),
        "iso_currency_code": "USD",
        "unofficial_currency_code": None,
        "date": booked.isoformat(),
        "authorized_date": (booked - timedelta(days=1)).isoformat(),
        "datetime": None,
        "pending": False,
        "name": f"PURCHASE AT SHOP {number % 9_973:05d} CARD 0042 REFERENCE {number:012d}",
        "original_description": f"POS {booked:%m%d} SHOP {number % 9_973:05d} SPRINGFIELD {number:012d}",
        "merchant_name": f"Shop {number % 9_973}",
        "merchant_entity_id": f"entity-{number % 9_973:020d}",
        "payment_channel": "in store",
        "logo_url": f"https://example.com/logos/{number % 9_973}.png",
        "website": f"shop-{number % 9_973}.example.com",
        "location": {
            "address": "300 Post St",
            "city": "Springfield",
            "region": "CA",
            "postal_code": "94108",
            "country": "US",
            "lat": 40.740352,
            "lon": -74.001761,
            "store_number": "1235",
        },
        "payment_meta": {
            "by_order_of": None,
            "payee": None,
            "payer": None,
            "payment_method": None,
            "payment_processor": None,
            "ppd_id": None,
            "reason": None,
            "reference_number": None,
        },
        "personal_finance_category": {
            "primary": "FOOD_AND_DRINK",
            "detailed": "FOOD_AND_DRINK_COFFEE",
            "confidence_level": "VERY_HIGH",
        },
        "counterparties": [
            {
                "name": f"Shop {number % 9_973}",
                "type": "merchant",
                "entity_id": f"entity-{number % 9_973:020d}",
                "confidence_level": "VERY_HIGH",
            }
        ],
    }


def page(cursor: str, rows: int, rows_per_page: int) -> dict[str, Any]:
    """The rows after a cursor, which is the number of rows told before."""
    first = int(cursor or 0)
    last = min(first + rows_per_page, rows)
    return {
        "accounts": [],
        "added": [row(number) for number in range(first, last)],
        "modified": [],
        "removed": [],
        "next_cursor": str(last),
        "has_more": last < rows,
        "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
        "request_id": f"request-{first}",
    }


@cache
def _spent(account: int, rows: int) -> Decimal:
    """What an account's first rows add up to."""
    return sum((Decimal(amount_of(number)) for number in range(account, rows, _ACCOUNTS)), Decimal(0))


def _account(number: int, rows: int) -> dict[str, Any]:
    left = float(_OPENING - _spent(number, rows))
    return {
        "account_id": f"account-{number}",
        "persistent_account_id": f"persistent-{number}",
        "balances": {"current": left, "available": left, "limit": None, "iso_currency_code": "USD"},
        "mask": f"{number:04d}",
        "name": f"Account {number}",
        "official_name": None,
        "type": "depository",
        "subtype": "checking",
    }


def _answers(path: str, body: dict[str, Any], rows: int, rows_per_page: int) -> dict[str, Any]:
    item = {"item_id": "item", "institution_id": "ins_1", "institution_name": "Bank of Bulk"}
    if path.endswith("/transactions/sync"):
        return page(body.get("cursor") or "", rows, rows_per_page)
    if path.endswith("/public_token/exchange"):
        return {"access_token": "access", "item_id": "item", "request_id": "r"}
    return {
        "item": item,
        "accounts": [_account(number, rows) for number in range(_ACCOUNTS)],
        "request_id": "r",
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    rows = 0
    rows_per_page = ROWS_PER_PAGE


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open, as real banks do
    server: _Server

    def do_POST(self) -> None:
        """Answer one call."""
        length = int(self.headers["Content-Length"] or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        bank = self.server
        if self.path == "/rows":  # from now on there are so many
            bank.rows = int(body["rows"])
        answer = json.dumps(_answers(self.path, body, bank.rows, bank.rows_per_page)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@contextmanager
def serving(rows: int, rows_per_page: int = ROWS_PER_PAGE) -> Iterator[str]:
    """Serve `rows` transactions from a thread of this process; yields the address."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.rows, server.rows_per_page = rows, rows_per_page
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def main() -> None:
    """Serve until the standard input ends; print the address first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, required=True)
    with serving(parser.parse_args().rows) as address:
        print(address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
