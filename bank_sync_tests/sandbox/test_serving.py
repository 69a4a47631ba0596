"""The server around the protocols: state on disk, the admin door, starting and stopping."""

import json
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import bank_sync
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import run, running_sandbox

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk, OpenDesk


def test_everything_after_a_restart(open_desk: "OpenDesk", tmp_path: Path) -> None:
    """Links of all three providers, the clock and app tokens are as they were."""
    config = SandboxConfig(state_path=tmp_path / "state.json")
    before = open_desk(config)
    app_token = before.gocardless_token()
    links = {
        "plaid": before.plaid_link(),
        "teller": str(before.teller_enroll()["accessToken"]),
        "gocardless": str(before.gocardless_link(app_token)["id"]),
    }
    before.wait(s=3600)
    truths = {provider: before.truth(provider, token) for provider, token in links.items()}
    after = open_desk(config)
    assert {provider: after.truth(provider, token) for provider, token in links.items()} == truths
    assert after.gocardless("GET", "/institutions/", app_token).status_code == 200
    assert after.client.get(f"{after.url}/_sandbox/clock").json()["now"] == "2026-06-15T13:00:00+00:00"


def test_state_file(open_desk: "OpenDesk", tmp_path: Path) -> None:
    """The state file can be read by its owner alone, is whole JSON, and leaves no draft behind."""
    path = tmp_path / "state.json"
    desk = open_desk(SandboxConfig(state_path=path))
    desk.plaid_link()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())["tables"]["plaid_items"]) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_same_requests_without_state(open_desk: "OpenDesk") -> None:
    """Two fresh servers with one seed answer the same requests alike, down to the tokens."""
    tokens = {open_desk(SandboxConfig(seed="9")).plaid_link() for _ in range(2)}
    other = open_desk(SandboxConfig(seed="10")).plaid_link()
    assert len(tokens) == 1
    assert other not in tokens


def test_one_bank_through_two_providers(desk: "Desk") -> None:
    """The same person at the same bank has the same money at Plaid and at Teller."""
    plaid = desk.truth("plaid", desk.plaid_link("ins_56", "maya"))
    teller = desk.truth("teller", desk.teller_enroll("maya", institution="chase")["accessToken"])
    pairs = list(zip(plaid, teller, strict=True))
    assert [(ours["mask"], ours["current"]) for ours, _ in pairs] == [
        (theirs["mask"], theirs["current"]) for _, theirs in pairs
    ]


@pytest.mark.parametrize("provider", ["plaid", "teller"])
def test_login_broken_and_repaired(desk: "Desk", provider: str) -> None:
    """A login can be broken and repaired from outside, by its token."""
    token = desk.plaid_link() if provider == "plaid" else str(desk.teller_enroll()["accessToken"])

    def read() -> int:
        if provider == "plaid":
            return desk.plaid("/transactions/sync", access_token=token).status_code
        account = desk.teller(token, "/accounts").json()[0]["id"]
        return desk.teller(token, f"/accounts/{account}/balances").status_code

    link = f"{desk.url}/_sandbox/links/{token}"
    assert read() == 200
    assert desk.client.post(f"{link}/break", json={"reason": "account_locked"}).json() == {
        "is_login_required": True
    }
    assert read() in {400, 404}
    assert desk.client.post(f"{link}/repair").json() == {"is_login_required": False}
    assert read() == 200


def test_admin_refusals(desk: "Desk") -> None:
    """What the admin door cannot do it says in a sentence."""
    admin = f"{desk.url}/_sandbox"
    assert desk.client.get(f"{admin}/truth?provider=bank&token=x").status_code == 404
    assert desk.client.post(f"{admin}/links/nobody/break").status_code == 404
    for wish in ({}, {"now": "2026-01-01T00:00:00"}, {"now": 7}, {"advance_days": "x"}):
        assert desk.client.post(f"{admin}/clock", json=wish).status_code == 400


def test_clock_set(desk: "Desk") -> None:
    """The clock can be set to an instant."""
    moved = desk.client.post(f"{desk.url}/_sandbox/clock", json={"now": "2026-12-24T18:00:00+01:00"})
    assert moved.json()["now"] == "2026-12-24T17:00:00+00:00"


def test_front_page(desk: "Desk") -> None:
    """The front page says what is served."""
    page = desk.client.get(desk.url)
    assert page.headers["content-type"].startswith("text/html")
    assert "/gocardless/api/v2" in page.text


def test_markup_in_a_name(desk: "Desk") -> None:
    """What a request brings is shown on a page as text, never as markup."""
    made = desk.plaid(
        "/link/token/create",
        client_name="<script>alert(1)</script>",
        language="en",
        country_codes=["US"],
        products=["transactions"],
        user={"client_user_id": '"><script>alert(2)</script>'},
        hosted_link={},
    ).json()
    assert "<script>" not in desk.client.get(made["hosted_link_url"]).text


def test_stopping_with_an_open_connection() -> None:
    """Stopping does not wait for a client that keeps its connection, and leaves no thread."""
    with httpx.Client() as client:
        with running_sandbox() as sandbox:
            client.get(sandbox.url).raise_for_status()
            began = time.monotonic()
        assert time.monotonic() - began < 2
        assert "sandbox" not in {thread.name for thread in threading.enumerate()}


def test_in_the_foreground() -> None:
    """The server says where it is in its first line, answers there, and ends in peace when interrupted."""
    script = "from bank_sync.sandbox.serve import run; run(port=0)"
    root = Path(bank_sync.__file__).parents[1]
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = server.stdout.readline().split()[3]
        assert httpx.get(url).status_code == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(10) == 0


def test_address_taken() -> None:
    """An address another program holds is an OSError at once, not a server that never answers."""
    with running_sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        run(port=int(sandbox.url.rpartition(":")[2]))


def test_first_sync_of_two_years(desk: "Desk") -> None:
    """A page of five hundred rows of a fresh two-year Item comes well within a second."""
    token = desk.plaid_link(days=730)
    cursor, slowest_s, rows = "", 0.0, 0
    while True:
        began = time.monotonic()
        page = desk.plaid("/transactions/sync", access_token=token, cursor=cursor, count=500).json()
        slowest_s = max(slowest_s, time.monotonic() - began)
        cursor, rows = page["next_cursor"], rows + len(page["added"])
        if not page["has_more"]:
            break
    assert rows > 1200
    assert slowest_s < 3  # well under a second alone; the bound leaves room for a busy machine
