"""F01, F04, F06, F08, F13, F15, F47, F48: what is verified is one durable row, all else none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import connections
from bank_sync.storage.database import transaction
from bank_sync.sync.whole import sync_connection
from bank_sync.web.app import create_app
from bank_sync.web.serving import served
from bank_sync_tests.conftest import Clock
from bank_sync_tests.web.signing import plaid_token, teller_signature


def rows(services: Services) -> list[Any]:
    """The inbox, oldest first."""
    with services.engine.connect() as db:
        return list(db.execute(text("SELECT * FROM bank.webhook_inbox ORDER BY event_id")).mappings())


def handle_all(services: Services) -> None:
    """What the draining side does, as far as the receiver can tell."""
    with services.engine.begin() as db:
        db.execute(text("UPDATE bank.webhook_inbox SET state = 'handled'"))


def teller_call(site: str, services: Services, body: bytes) -> httpx.Response:
    """A call that Teller could have made."""
    secret = services.settings.teller_webhook_secret_list()[0]
    header = teller_signature(body, int(services.clock().timestamp()), secret)
    return httpx.post(f"{site}/webhooks/teller", content=body, headers={"Teller-Signature": header})


def teller_body(event_id: str, kind: str = "webhook.test", **payload: object) -> bytes:
    """A body of Teller's."""
    return json.dumps(
        {"id": event_id, "type": kind, "timestamp": "2026-03-10T14:00:00Z", "payload": payload}
    ).encode()


def deliver(sandbox: RunningSandbox, **manner: object) -> list[dict[str, Any]]:
    """Have the pretend banks send what is due."""
    attempts: list[dict[str, Any]] = httpx.post(
        f"{sandbox.url}/_sandbox/webhooks/deliver", json=manner
    ).json()["attempts"]
    return attempts


def plaid_item(services: Services, connection_id: str) -> tuple[str, str]:
    """The access token and the item id of a connection."""
    with transaction(services.engine) as db:
        found = connections.get_connection(db, connection_id)
        return connections.open_credential(db, services.cipher, found).secret, found.provider_connection_id


def plaid_call(sandbox: RunningSandbox, path: str, **wish: object) -> None:
    """A call to the pretend Plaid that must succeed."""
    headers = {"PLAID-CLIENT-ID": "any", "PLAID-SECRET": "any"}
    httpx.post(f"{sandbox.plaid_url}{path}", json=wish, headers=headers).raise_for_status()


@pytest.fixture
def linked(
    site: str, services: Services, sandbox: RunningSandbox, link: Callable[..., str]
) -> tuple[str, str]:
    """A Plaid connection whose webhooks come to the site: its id and its access token."""
    connection_id = link("plaid")
    token, _ = plaid_item(services, connection_id)
    plaid_call(sandbox, "/item/webhook/update", access_token=token, webhook=f"{site}/webhooks/plaid")
    deliver(sandbox)
    handle_all(services)
    return connection_id, token


def test_plaid_end_to_end(linked: tuple[str, str], services: Services, sandbox: RunningSandbox) -> None:
    """A webhook that the pretend Plaid signs becomes a row that names its connection, key fetched by id."""
    connection_id, token = linked
    plaid_call(
        sandbox, "/sandbox/item/fire_webhook", access_token=token, webhook_code="SYNC_UPDATES_AVAILABLE"
    )
    assert [one["status"] for one in deliver(sandbox)] == [200]
    found = rows(services)[-1]
    assert (found["kind"], found["connection_id"], found["state"]) == (
        "TRANSACTIONS/SYNC_UPDATES_AVAILABLE", connection_id, "new",
    )  # fmt: skip
    assert found["environment"] == "sandbox"
    assert json.loads(found["body"])["item_id"] == found["provider_item"]


@pytest.mark.parametrize(
    "code",
    ["ERROR", "PENDING_EXPIRATION", "PENDING_DISCONNECT", "LOGIN_REPAIRED", "USER_PERMISSION_REVOKED",
     "USER_ACCOUNT_REVOKED", "NEW_ACCOUNTS_AVAILABLE", "DEFAULT_UPDATE"],
)  # fmt: skip
def test_plaid_codes(linked: tuple[str, str], services: Services, sandbox: RunningSandbox, code: str) -> None:
    """Every code the pretend Plaid can send is kept under its type and code."""
    plaid_call(sandbox, "/sandbox/item/fire_webhook", access_token=linked[1], webhook_code=code)
    assert [one["status"] for one in deliver(sandbox)] == [200]
    assert rows(services)[-1]["kind"].endswith(f"/{code}")


def test_rotated_keys(linked: tuple[str, str], services: Services, sandbox: RunningSandbox) -> None:
    """Plaid changes its key: the new one is fetched and the webhook accepted."""
    for _ in range(2):
        httpx.post(f"{sandbox.url}/_sandbox/webhooks/plaid/rotate")
        plaid_call(sandbox, "/sandbox/item/fire_webhook", access_token=linked[1], webhook_code="ERROR")
        assert [one["status"] for one in deliver(sandbox)] == [200]
        handle_all(services)


def test_teller_end_to_end(
    site: str, services: Services, sandbox: RunningSandbox, link: Callable[..., str]
) -> None:
    """Teller's events name an enrollment, or rows of an account: both lead to the connection."""
    connection_id = link("teller")
    sync_connection(services, connection_id)
    httpx.post(f"{sandbox.url}/_sandbox/webhooks/teller", json={"url": f"{site}/webhooks/teller"})
    with services.engine.connect() as db:
        item = connections.get_connection(db, connection_id).provider_connection_id
        account = db.execute(text("SELECT provider_account_id FROM bank.accounts")).scalars().first()
    httpx.post(f"{sandbox.url}/_sandbox/links/{item}/break", json={"reason": "account_locked"})
    assert {one["status"] for one in deliver(sandbox)} == {200}
    body = teller_body("wh_rows", "transactions.processed", transactions=[{"account_id": account}])
    assert teller_call(site, services, body).status_code == 200
    told = {(one["kind"], one["connection_id"], one["provider_item"]) for one in rows(services)}
    assert told == {
        ("enrollment.disconnected", connection_id, item), ("transactions.processed", connection_id, item)
    }  # fmt: skip


def test_f01_fifty_at_once(site: str, services: Services) -> None:
    """F01: the same webhook fifty times at once: one row, fifty times 200."""
    body = teller_body("wh_same")
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: teller_call(site, services, body).status_code, range(50)))
    assert answers == [200] * 50
    assert len(rows(services)) == 1


def test_f08_replay(site: str, services: Services) -> None:
    """F08: the same delivery again, after it was handled: 200, and nothing new to do."""
    body = teller_body("wh_replay")
    assert teller_call(site, services, body).status_code == 200
    handle_all(services)
    assert teller_call(site, services, body).status_code == 200
    assert [one["state"] for one in rows(services)] == ["handled"]


def test_f06_poison(site: str, services: Services) -> None:
    """F06: signed nonsense and unknown kinds are kept, visible, and those after them are stored."""
    for body in (b"\x00\xff", b"{}", teller_body("wh_odd", "moon.full"), teller_body("wh_nul", "a\x00b")):
        assert teller_call(site, services, body).status_code == 200
    assert teller_call(site, services, teller_body("wh_after")).status_code == 200
    kinds = [one["kind"] for one in rows(services)]
    assert kinds == ["unreadable", "unreadable", "moon.full", "unreadable", "webhook.test"]


def test_f15_unknown_connection(site: str, services: Services) -> None:
    """F15: of a connection we do not know: stored without one, and answered like any other."""
    known = teller_call(site, services, teller_body("wh_a"))
    orphan = teller_call(
        site, services, teller_body("wh_b", "enrollment.disconnected", enrollment_id="enr_no")
    )
    assert (orphan.status_code, orphan.content) == (known.status_code, known.content)
    assert rows(services)[-1]["connection_id"] is None


def test_f47_same_bytes_next_day(
    linked: tuple[str, str], services: Services, sandbox: RunningSandbox, clock: Clock
) -> None:
    """F47: Plaid's body is the same bytes every time; the one of the next day is a new event."""
    for _ in range(2):
        plaid_call(
            sandbox,
            "/sandbox/item/fire_webhook",
            access_token=linked[1],
            webhook_code="SYNC_UPDATES_AVAILABLE",
        )
        deliver(sandbox)
        handle_all(services)
        clock.advance(days=1)
    same = [one for one in rows(services) if one["kind"].endswith("SYNC_UPDATES_AVAILABLE")]
    assert len(same) == 2
    assert bytes(same[0]["body"]) == bytes(same[1]["body"])


def test_redelivery_waiting(
    linked: tuple[str, str], services: Services, sandbox: RunningSandbox, clock: Clock
) -> None:
    """The same bytes while the first still waits are one event: it will be looked at once."""
    for _ in range(3):
        plaid_call(
            sandbox,
            "/sandbox/item/fire_webhook",
            access_token=linked[1],
            webhook_code="SYNC_UPDATES_AVAILABLE",
        )
        deliver(sandbox, duplicate=True)
        clock.advance(seconds=40)
    assert len([one for one in rows(services) if one["state"] == "new"]) == 1


def test_f48_while_syncing(
    linked: tuple[str, str], services: Services, sandbox: RunningSandbox, clock: Clock
) -> None:
    """F48: once an event is handled, a sync is under way; the same bytes then are a second event."""
    for expected in (1, 2):
        plaid_call(
            sandbox,
            "/sandbox/item/fire_webhook",
            access_token=linked[1],
            webhook_code="SYNC_UPDATES_AVAILABLE",
        )
        deliver(sandbox)
        clock.advance(seconds=1)
        waiting = [one for one in rows(services) if one["kind"].endswith("SYNC_UPDATES_AVAILABLE")]
        assert len(waiting) == expected
        handle_all(services)


def test_f13_database_down(services: Services, settings: Any) -> None:
    """F13: no row, no 2xx: 503 with Retry-After for what is signed; forgeries are still refused with 401."""
    from bank_sync.services import open_services

    gone = settings.model_copy(
        update={"database_url": settings.database_url.__class__("postgresql://nobody@127.0.0.1:9/none")}
    )
    with open_services(gone, clock=services.clock) as broken, served(create_app(broken)) as site:
        answer = teller_call(site, services, teller_body("wh_down"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert httpx.post(f"{site}/webhooks/teller", content=b"{}").status_code == 401
        assert httpx.get(f"{site}/readyz").status_code == 503
        assert httpx.get(f"{site}/healthz").status_code == 200


def test_f13_keys_unreachable(services: Services, settings: Any) -> None:
    """F13: Plaid cannot be asked for its key: 503 with Retry-After, never a refusal it would count."""
    from bank_sync.services import open_services

    body = b'{"webhook_type": "ITEM", "webhook_code": "ERROR"}'
    alone = settings.model_copy(update={"sandbox_url": "http://127.0.0.1:9"})
    with open_services(alone, clock=services.clock) as cut, served(create_app(cut)) as site:
        token = plaid_token(body, services.clock().timestamp())
        answer = httpx.post(f"{site}/webhooks/plaid", content=body, headers={"Plaid-Verification": token})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")


def test_two_headers(site: str, services: Services) -> None:
    """Two signatures are none: nobody can tell which one a proxy before us looked at."""
    body = teller_body("wh_two")
    good = teller_signature(
        body, int(services.clock().timestamp()), services.settings.teller_webhook_secret_list()[0]
    )
    headers = [("Teller-Signature", good), ("Teller-Signature", good)]
    assert httpx.post(f"{site}/webhooks/teller", content=body, headers=headers).status_code == 401
    assert rows(services) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods(site: str, method: str) -> None:
    """Only POST is offered."""
    assert httpx.request(method, f"{site}/webhooks/plaid").status_code == 405


def test_f04_dies_before_it_answers(services: Services, site: str) -> None:
    """What was stored before the process died is there once, however often it is sent again."""
    body = teller_body("wh_dying")
    program = [sys.executable, "-m", "bank_sync_tests.web.dying_site", "0", services.clock().isoformat()]
    environment = {**os.environ, **services.settings.as_environment()}
    with subprocess.Popen(
        program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as dying:
        address = next(iter(dying.stdout or ())).strip()
        with pytest.raises(httpx.RemoteProtocolError):
            teller_call(address, services, body)
        assert dying.wait(20) == 9
    assert [row["state"] for row in rows(services)] == ["new"]
    assert [teller_call(site, services, body).status_code for _ in range(3)] == [200, 200, 200]
    assert len(rows(services)) == 1
