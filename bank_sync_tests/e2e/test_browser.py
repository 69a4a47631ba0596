"""A person connects, looks, breaks and repairs, at each provider, with a real browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync_tests.conftest import Clock

pytestmark = pytest.mark.e2e

BANKS = {
    "plaid": ("US", "Platypus", "by plaid"),
    "teller": ("US", "", "by teller"),
    "gocardless": ("GB", "", "by gocardless"),
}


def choose(page: Page, provider: str) -> None:
    """Search and choose a bank."""
    country, query, by = BANKS[provider]
    page.get_by_label("Country").select_option(country)
    page.get_by_label("Bank", exact=True).fill(query)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name=by).first.click()


def log_in(page: Page, provider: str) -> None:
    """Say yes at the pretend bank: in a frame, or on its own page."""
    if provider == "gocardless":
        page.get_by_role("link", name="Go to").click()
        page.get_by_role("button", name="Approve").click()
        return
    frame = page.frame_locator("dialog iframe")
    frame.get_by_role("button", name="Approve").click()


@pytest.fixture
def break_login(services: Services, sandbox: RunningSandbox, clock: Clock) -> Callable[[str], None]:
    """The bank forgets the person: in the sandbox, not in our database."""

    def done(provider: str) -> None:
        with services.engine.connect() as db:
            item: str = db.execute(text("SELECT provider_connection_id FROM bank.connections")).scalar_one()
        if provider == "gocardless":
            body = {"provider": "gocardless", "token": item, "op": "expire_consent"}
            httpx.post(f"{sandbox.url}/_sandbox/book", json=body).raise_for_status()
        else:
            httpx.post(f"{sandbox.url}/_sandbox/links/{item}/break", json={}).raise_for_status()
        clock.advance(days=1, minutes=5)  # the bank's calls of the day are new, and a sync is due
        with services.engine.begin() as db:  # a session lives an hour; this is about the login
            db.execute(text("UPDATE bank.web_sessions SET ends_at = ends_at + interval '3 days'"))

    return done


def figures(services: Services) -> tuple[list[str], Counter[object]]:
    """Accounts, and how often each live posted row stands."""
    rows = """SELECT account_id, booked_on, amount, description FROM bank.transactions
        WHERE removed_at IS NULL AND superseded_by IS NULL AND posting = 'posted'"""
    with services.engine.connect() as db:
        found = db.execute(text("SELECT account_id FROM bank.accounts ORDER BY 1"))
        accounts: list[str] = list(found.scalars())
        return accounts, Counter(tuple(row) for row in db.execute(text(rows)))


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_connect_sync_break_repair(  # noqa: PLR0917 - fixtures
    open_for: Callable[..., Page],
    work: Callable[[], None],
    looks_good: Callable[[str], None],
    services: Services,
    break_login: Callable[[str], None],
    provider: str,
) -> None:
    """Connect from an address of the API, see the first sync, sync now, break, repair: the same accounts."""
    page = open_for("alice", "connect")
    choose(page, provider)
    log_in(page, provider)
    page.wait_for_url("**/connections?note=connected")
    expect(page.locator(".state")).to_have_text("Connected; the first reading begins soon")
    work()
    expect(page.locator(".state")).to_have_text("Connected", timeout=15_000)
    expect(page.get_by_text("now", exact=True)).to_be_visible()
    looks_good(f"connections-{provider}")
    accounts, rows = figures(services)
    assert accounts
    assert rows

    page.get_by_role("button", name="Sync now").click()
    expect(page.locator(".state")).to_have_text("Starting …")
    work()
    expect(page.locator(".state")).to_have_text("Connected", timeout=15_000)

    break_login(provider)
    work()
    page.reload()
    expect(page.locator(".state")).to_contain_text("Reconnect needed")
    looks_good(f"reconnect-{provider}")
    page.get_by_role("button", name="Reconnect").click()
    log_in(page, provider)
    page.wait_for_url("**/connections?note=repaired")
    work()
    page.reload()
    expect(page.locator(".state")).to_have_text("Connected")
    again, rows_again = figures(services)
    assert again == accounts
    assert {row: rows_again[row] for row in rows} == rows  # none lost, none doubled

    page.get_by_text("Disconnect").first.click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("No bank is connected yet.")).to_be_visible()


def test_empty_and_error_pages(
    open_for: Callable[..., Page], looks_good: Callable[[str], None], page: Page, site: str
) -> None:
    """No connections, a search that finds nothing, a spent address: each page says what to do."""
    page.goto(f"{site}/open/never-was")
    expect(page.get_by_role("alert")).to_contain_text("Ask your application for a new one")
    looks_good("error")
    open_for("bob", "connections")
    expect(page.get_by_text("No bank is connected yet.")).to_be_visible()
    looks_good("empty")
    page.get_by_role("main").get_by_role("link", name="Connect a bank").click()
    looks_good("connect")
    page.get_by_label("Bank", exact=True).fill("no such bank")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No bank of United States is called that.")).to_be_visible()


def test_leaving_the_window(open_for: Callable[..., Page]) -> None:
    """Whoever closes the provider's window stays on our page and can go on."""
    page = open_for("carol", "connect")
    choose(page, "plaid")
    page.frame_locator("dialog iframe").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_contain_text("Nothing was connected")
    page.get_by_role("main").get_by_role("link", name="Choose a bank").click()
    choose(page, "plaid")
    log_in(page, "plaid")
    page.wait_for_url("**/connections?note=connected")


def test_bank_that_is_connected(open_for: Callable[..., Page], looks_good: Callable[[str], None]) -> None:
    """Choosing a connected bank again leads to repair, before anything is exchanged."""
    page = open_for("dave", "connect")
    choose(page, "plaid")
    log_in(page, "plaid")
    page.wait_for_url("**/connections?note=connected")
    page.goto(page.url.replace("/connections?note=connected", "/connect"))
    choose(page, "plaid")
    expect(page.get_by_role("heading", level=1)).to_contain_text("is connected already")
    looks_good("already")
    page.get_by_role("button", name="Repair the connection").click()
    log_in(page, "plaid")
    page.wait_for_url("**/connections?note=repaired")
