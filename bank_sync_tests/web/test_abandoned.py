"""Links that were begun and that nobody finished."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.storage.connections import ensure_user
from bank_sync.storage.database import transaction
from bank_sync.sync.abandoned import tidy_up
from bank_sync.sync.linking import LinkWish, start_new
from bank_sync_tests.conftest import Clock


@pytest.mark.parametrize("granted", [True, False])
def test_tidy_links(
    services: Services,
    clock: Clock,
    granted: bool,  # noqa: FBT001 - a table
) -> None:
    """A requisition granted by somebody who never came back is stored; one that was not is deleted."""
    with transaction(services.engine) as db:
        user_id = ensure_user(db, "alice", now=services.clock())
    wish = LinkWish(
        provider="gocardless",
        country="GB",
        institution_id="SANDBOXFINANCE_SFIN0000",
        redirect_url="http://127.0.0.1/back",
    )
    attempt = start_new(services, user_id, wish)
    if granted:
        assert httpx.get(attempt.start["url"], params={"auto": "1"}).is_redirect
    clock.advance(minutes=31)
    assert tidy_up(services) == 1
    assert tidy_up(services) == 0
    with services.engine.connect() as db:
        [told] = db.execute(text("SELECT state, connection_id, start FROM bank.link_attempts"))
        stored: list[str] = list(db.execute(text("SELECT connection_id FROM bank.connections")).scalars())
    assert told.state == ("finished" if granted else "expired")
    assert stored == ([told.connection_id] if granted else [])
    assert told.start == {}
    if not granted:
        gone = httpx.get(attempt.start["url"], params={"auto": "1"})
        assert gone.status_code == 404
