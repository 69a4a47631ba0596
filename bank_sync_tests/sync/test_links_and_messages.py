"""Posted rows replace the pending rows they name, within reason; messages wait for the checks."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from bank_sync.notifications.events import announce
from bank_sync.quality.gate import LEDGER_INVARIANTS
from bank_sync.services import Services
from bank_sync.storage.journal import record_verdict
from bank_sync.sync import project
from bank_sync_tests.conftest import Clock
from bank_sync_tests.sync.test_ledger_equals_world import sync

NAMED = (
    "FROM bank.transactions AS posted JOIN bank.transactions AS pending "
    "ON pending.account_id = posted.account_id "
    "AND pending.provider_transaction_id = posted.pending_provider_transaction_id "
    "WHERE posted.posting = 'posted' AND pending.posting = 'pending'"
)
JOINED = (
    "FROM bank.transaction_links WHERE kind = 'pending_posted' AND state = 'accepted' AND undone_at IS NULL"
)


def test_posted_row_replaces_the_pending_row_it_names(
    services: Services, clock: Clock, link: Callable[..., str]
) -> None:
    """Each sane pair is linked with its evidence; an absurd amount is not, whatever the provider says."""
    connection_id = link("plaid")
    sync(services, connection_id)
    clock.advance(days=4)
    sync(services, connection_id)
    with services.engine.begin() as db:
        linked: int = db.execute(
            text(f"SELECT count(*) {NAMED} AND pending.superseded_by = posted.transaction_id")
        ).scalar_one()
        decided: int = db.execute(text(f"SELECT count(*) {JOINED}")).scalar_one()
        assert linked == decided > 0
        # undo everything, and make every posted amount fifty times what was pending
        db.execute(text("UPDATE bank.transactions SET superseded_by = NULL"))
        db.execute(text("DELETE FROM bank.transaction_links"))
        db.execute(text("UPDATE bank.transactions SET amount = amount * 50 WHERE posting = 'posted'"))
    project.link_transactions(services, connection_id)
    with services.engine.begin() as db:
        again: int = db.execute(text(f"SELECT count(*) {JOINED}")).scalar_one()
        asked: int = db.execute(text("SELECT count(*) FROM bank.transaction_links")).scalar_one()
    assert (again, asked >= linked) == (0, True)


def test_messages_wait_for_the_checks(services: Services, link: Callable[..., str]) -> None:
    """While a verdict is a failure nothing is queued; once it passes, the same rows are told."""
    connection_id = link("teller")
    sync(services, connection_id)

    def judge(*, passed: bool) -> None:
        with services.engine.begin() as db:
            record_verdict(
                db, connection_id, LEDGER_INVARIANTS, passed=passed, details={}, now=services.clock()
            )

    judge(passed=False)
    held = announce(services, connection_id)
    assert (held.queued, held.held_by) == (0, (LEDGER_INVARIANTS,))
    judge(passed=True)
    told = announce(services, connection_id)
    assert (told.queued, told.transactions) == (1, held.transactions)
    assert held.transactions > 0
