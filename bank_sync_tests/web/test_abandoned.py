"""Links that were begun and that nobody finished."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.storage.connections import ensure_user
from bank_sync.storage.database import transaction
from bank_sync.storage.link_attempts import LinkAttempt
from bank_sync.sync.abandoned import LookedAfter, look_after
from bank_sync.sync.link_wishes import LinkWish
from bank_sync.sync.linking import start_new
from bank_sync_tests.conftest import Clock


def begin(services: Services) -> LinkAttempt:
    """A person is sent to a bank of GoCardless."""
    with transaction(services.engine) as db:
        user_id = ensure_user(db, "alice", now=services.clock())
    wish = LinkWish(
        provider="gocardless",
        country="GB",
        institution_id="SANDBOXFINANCE_SFIN0000",
        redirect_url="http://127.0.0.1/back",
    )
    return start_new(services, user_id, wish)


def grant(attempt: LinkAttempt) -> bool:
    """The person agrees at the bank; nobody follows the way back."""
    return httpx.get(attempt.start["url"], params={"auto": "1"}).is_redirect


@pytest.mark.parametrize("granted", [True, False])
def test_overdue(
    services: Services,
    clock: Clock,
    granted: bool,  # noqa: FBT001 - a table
) -> None:
    """A requisition granted by somebody who never came back is stored; one that was not is deleted."""
    attempt = begin(services)
    if granted:
        assert grant(attempt)
    clock.advance(minutes=31)
    assert look_after(services) == (LookedAfter(1, 0) if granted else LookedAfter(0, 1))
    assert look_after(services) == LookedAfter(0, 0)
    with services.engine.connect() as db:
        [told] = db.execute(text("SELECT state, connection_id, start FROM bank.link_attempts"))
        stored: list[str] = list(db.execute(text("SELECT connection_id FROM bank.connections")).scalars())
    assert told.state == ("finished" if granted else "expired")
    assert stored == ([told.connection_id] if granted else [])
    assert told.start == {}
    if not granted:
        gone = httpx.get(attempt.start["url"], params={"auto": "1"})
        assert gone.status_code == 404


def test_polled(services: Services, clock: Clock) -> None:
    """While the person is at the bank the requisition is asked about, from the second minute on."""
    attempt = begin(services)
    assert look_after(services) == LookedAfter(0, 0)
    clock.advance(minutes=2)
    assert look_after(services) == LookedAfter(0, 0)
    assert grant(attempt)
    assert look_after(services) == LookedAfter(1, 0)
    with services.engine.connect() as db:
        [told] = db.execute(text("SELECT state, connection_id FROM bank.link_attempts"))
        stored: str = db.execute(text("SELECT connection_id FROM bank.connections")).scalar_one()
    assert (told.state, told.connection_id) == ("finished", stored)
