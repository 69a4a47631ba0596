"""One first sync in a process of its own, which tells its own peak of memory.

Belongs here: what the parent (`benchmarks.streaming`) measures. Does not belong here: figures for people.

    python -m benchmarks.first_sync --bank URL [--way streaming|in-memory]

The database is the one of BANK_SYNC_DATABASE_URL. `in-memory` is what many open systems do, for comparison:
the whole round is held in lists, then each row is looked up and written by itself.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from bank_sync.domain.models import TransactionRecord, TransactionsRequest
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import connections
from bank_sync.storage.database import transaction
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.sync import engine, project
from bank_sync.sync.onboarding import finish_link


def peak_mb() -> float:
    """The most memory this process ever held, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def streaming(services: Services, connection_id: str) -> dict[str, float]:
    """As the product does it."""
    started = time.perf_counter()
    engine.pull_transactions(services, connection_id)
    pulled = time.perf_counter()
    projected = project.project_transactions(services, connection_id)
    done = time.perf_counter()
    return {"rows": projected.new, "pull_s": pulled - started, "project_s": done - pulled}


def in_memory(services: Services, connection_id: str) -> dict[str, float]:
    """Everything in lists, then row by row: look up, then insert."""
    started = time.perf_counter()
    with services.engine.connect() as db:
        connection = connections.get_connection(db, connection_id)
        credential = connections.open_credential(db, services.cipher, connection)
    provider = services.provider("plaid")
    pages = list(provider.pull_transactions(credential, TransactionsRequest(None, (), {})))
    pulled = time.perf_counter()
    records = [item for one in pages for item in provider.read_transactions(one, {})]  # type: ignore[arg-type]  # no failures here
    with transaction(services.engine) as db:
        for record in records:
            if isinstance(record, TransactionRecord):
                _select_then_write(db, connection_id, record)
    done = time.perf_counter()
    return {"rows": len(records), "pull_s": pulled - started, "project_s": done - pulled}


def _select_then_write(db: Connection, connection_id: str, record: TransactionRecord) -> None:
    values = {
        "id": f"txn_{record.provider_transaction_id}",
        "connection_id": connection_id,
        "account_id": record.provider_account_id,
        "amount": record.amount,
        "currency": record.currency,
        "booked_on": record.booked_on,
        "description": record.description,
        "now": datetime.now(UTC),
    }
    if db.execute(text("SELECT 1 FROM bank.transactions WHERE transaction_id = :id"), values).first():
        return
    db.execute(
        text(
            "INSERT INTO bank.transactions (transaction_id, connection_id, account_id, posting, amount, "
            "currency, booked_on, description, content_hash, round_id, first_seen_at, changed_at) "
            "VALUES (:id, :connection_id, :account_id, 'posted', :amount, :currency, :booked_on, "
            ":description, '', 0, :now, :now)"
        ),
        values,
    )


def main() -> None:
    """Link, sync, print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bank", required=True)
    parser.add_argument("--way", choices=["streaming", "in-memory"], default="streaming")
    wish = parser.parse_args()
    settings = load_settings(environment="sandbox", sandbox_url=wish.bank)
    migrate(locate(settings))
    with open_services(settings) as services:
        connection_id = finish_link(
            services, "plaid", user_reference="bulk", proof={"public_token": "public"}
        )
        engine.pull_accounts(services, connection_id)
        project.project_accounts(services, connection_id)
        before = peak_mb()
        measured = (streaming if wish.way == "streaming" else in_memory)(services, connection_id)
    print(json.dumps({**measured, "start_mb": before, "peak_mb": peak_mb(), "connection_id": connection_id}))


if __name__ == "__main__":
    main()
