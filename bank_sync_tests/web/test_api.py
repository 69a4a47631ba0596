"""The API: keys and scopes, one person's things alone, links, syncs, corrections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from bank_sync.domain.errors import ProviderError
from bank_sync.notifications.events import announce
from bank_sync.providers.plaid.link import LinkFlow, WayBack
from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import Services
from bank_sync.storage import outbox
from bank_sync.storage.api_keys import Scope, end_key, list_keys, rotate_key
from bank_sync.storage.database import transaction
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.conftest import LINKS, Clock
from bank_sync_tests.web.people import api, api_key, browser, post_form


@pytest.fixture
def alice(site: str, services: Services) -> Iterator[httpx.Client]:
    """The application acting for alice."""
    with api(site, api_key(services), "alice") as client:
        yield client


def linked(alice: httpx.Client, services: Services, sandbox: RunningSandbox, provider: str) -> str:
    """A connection of alice's, made through the API as an application would."""
    wish = {"provider": provider, "country": "US"}
    if provider == "gocardless":
        wish |= {"institution_id": "SANDBOXFINANCE_SFIN0000", "redirect_url": "http://localhost/back"}
    begun = alice.post("/links", json=wish).raise_for_status().json()
    if provider == "gocardless":
        assert httpx.get(begun["url"], params={"auto": "1"}).is_redirect
        proof: dict[str, object] = {}
    elif provider == "teller":
        body = {"application_id": "any", "username": "user", "password": "password", "nonce": begun["nonce"]}
        given = httpx.post(f"{sandbox.teller_url}/connect/enrollments", json=body).json()
        proof = {
            "access_token": given["accessToken"],
            "enrollment_id": given["enrollment"]["id"],
            "user_id": given["user"]["id"],
            "signatures": given["signatures"],
        }
    else:
        proof = dict(LINKS["plaid"](services, sandbox, "user_good"))
    answer = alice.post(f"/links/{begun['link_id']}/finish", json=proof).raise_for_status()
    return str(answer.json()["connection_id"])


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_link_sync_disconnect(
    alice: httpx.Client, services: Services, sandbox: RunningSandbox, provider: str
) -> None:
    """An application links a bank, sees accounts and rows after a sync, asks for another, and disconnects."""
    connection_id = linked(alice, services, sandbox, provider)
    sync_connection(services, connection_id)
    told = alice.get(f"/connections/{connection_id}").json()
    assert (told["state"], told["provider"]) == ("connected", provider)
    assert told["transactions"] > 0
    accounts = alice.get(f"/connections/{connection_id}/accounts").json()
    assert sum(one["transactions"] for one in accounts) == told["transactions"]
    outcomes = [alice.post(f"/connections/{connection_id}/sync").json()["outcome"] for _ in range(2)]
    assert outcomes == ["queued", "already_queued"]
    assert alice.get("/connections").json()[0]["sync_state"] == "queued"
    assert alice.delete(f"/connections/{connection_id}").status_code == 204
    assert alice.delete(f"/connections/{connection_id}").status_code == 204
    assert alice.get("/connections").json() == []
    assert alice.post(f"/connections/{connection_id}/sync").json()["outcome"] == "ended"
    with services.engine.connect() as db:
        assert db.execute(text("SELECT count(*) FROM bank.credentials")).scalar() == 0
        assert db.execute(text("SELECT count(*) FROM bank.transactions")).scalar() == told["transactions"]


def test_second_login_is_asked_about(
    alice: httpx.Client, services: Services, sandbox: RunningSandbox
) -> None:
    """A bank that is connected is named before anything is exchanged, and can be repaired or added to."""
    connection_id = linked(alice, services, sandbox, "plaid")
    wish = {"provider": "plaid", "country": "US", "institution_id": "ins_109508"}
    refused = alice.post("/links", json=wish)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "already_linked")
    assert refused.json()["error"]["connection_ids"] == [connection_id]
    assert alice.post("/links", json=wish | {"allow_another": True}).status_code == 201
    repair = alice.post(f"/connections/{connection_id}/repair", json={})
    assert (repair.status_code, repair.json()["kind"]) == (201, "plaid_link")


def test_repair_keeps_the_connection(
    alice: httpx.Client, services: Services, sandbox: RunningSandbox
) -> None:
    """Teller's repair names the enrollment; afterwards it is the same connection, and due."""
    connection_id = linked(alice, services, sandbox, "teller")
    with services.engine.begin() as db:
        db.execute(text("UPDATE bank.connections SET state = 'disconnected', error_code = 'x'"))
    assert alice.post(f"/connections/{connection_id}/sync").json()["outcome"] == "needs_repair"
    begun = alice.post(f"/connections/{connection_id}/repair", json={}).json()
    body = {"application_id": "any", "username": "user", "password": "password"}
    wish = {"nonce": begun["nonce"], "enrollment_id": begun["enrollment_id"]}
    given = httpx.post(f"{sandbox.teller_url}/connect/enrollments", json=body | wish).json()
    proof = {
        "access_token": given["accessToken"],
        "enrollment_id": given["enrollment"]["id"],
        "user_id": given["user"]["id"],
        "signatures": given["signatures"],
    }
    told = alice.post(f"/links/{begun['link_id']}/finish", json=proof).raise_for_status().json()
    assert (told["connection_id"], told["state"], told["needs_repair"]) == (connection_id, "connected", False)


def test_teller_token_of_another_session(
    alice: httpx.Client, services: Services, sandbox: RunningSandbox
) -> None:
    """A token that Teller signed for another nonce is refused: it was somebody else's window."""
    begun = alice.post("/links", json={"provider": "teller"}).json()
    body = {"application_id": "any", "username": "user", "password": "password", "nonce": "another"}
    given = httpx.post(f"{sandbox.teller_url}/connect/enrollments", json=body).json()
    proof = {
        "access_token": given["accessToken"],
        "enrollment_id": given["enrollment"]["id"],
        "user_id": given["user"]["id"],
        "signatures": given["signatures"],
    }
    refused = alice.post(f"/links/{begun['link_id']}/finish", json=proof)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "token_not_signed")
    again = alice.post(f"/links/{begun['link_id']}/finish", json=proof)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "link_over")


def test_person_still_at_the_bank(alice: httpx.Client) -> None:
    """A requisition that is not granted yet answers 202 and stays open."""
    wish = {
        "provider": "gocardless",
        "institution_id": "SANDBOXFINANCE_SFIN0000",
        "redirect_url": "http://localhost/b",
    }
    begun = alice.post("/links", json=wish).json()
    for _ in range(2):
        pending = alice.post(f"/links/{begun['link_id']}/finish", json={})
        assert (pending.status_code, pending.json()["status"]) == (202, "pending")


def test_link_is_over_after_a_while(alice: httpx.Client, clock: Clock) -> None:
    """Half an hour later nothing can be finished any more."""
    begun = alice.post("/links", json={"provider": "teller"}).json()
    clock.advance(minutes=31)
    assert alice.post(f"/links/{begun['link_id']}/finish", json={"access_token": "x"}).status_code == 409


def test_corrections(alice: httpx.Client, services: Services, link: Callable[..., str]) -> None:
    """A person's category and note stand beside the row; null takes them back, what is not sent stays."""
    connection_id = link("teller")
    sync_connection(services, connection_id)
    with services.engine.connect() as db:
        row = db.execute(text("SELECT transaction_id FROM bank.transactions")).scalars().first()
    alice.headers["Bank-Sync-User"] = "person-of-teller"
    path = f"/transactions/{row}"
    food, coffee = "FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"
    food, coffee = "FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"
    wish = {"category_primary": food, "category_detailed": coffee, "note": "flat white"}
    assert alice.patch(path, json=wish).json() == {"transaction_id": row, "is_hidden": False, **wish}
    assert alice.patch(path, json={"note": None, "is_hidden": True}).json()["category_primary"] == food
    assert alice.patch(path, json={"category_primary": "FOOD"}).status_code == 422
    alice.headers["Bank-Sync-User"] = "alice"
    assert alice.patch(path, json={"note": "mine?"}).status_code == 404


def test_institutions(alice: httpx.Client) -> None:
    """Banks of a country by a part of their name, over all providers that serve it."""
    american = alice.get("/institutions", params={"country": "US", "query": "bank"}).json()
    assert {one["provider"] for one in american} == {"plaid", "teller"}
    british = alice.get("/institutions", params={"country": "GB"}).json()
    assert {one["provider"] for one in british} == {"plaid", "gocardless"}
    assert alice.get("/institutions", params={"country": "ZZ"}).json() == []


def test_keys(site: str, services: Services, clock: Clock) -> None:
    """No key, a wrong one, one that ended or was revoked: 401. Reading alone: 403 for anything else."""
    good, reading = api_key(services), api_key(services, Scope.READ)
    for wrong in ("", "bsk_", "nonsense", good[:-1], good.upper(), good.replace("bsk", "bsk2")):
        with api(site, wrong or "-", "alice") as client:
            answer = client.get("/connections")
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    with api(site, reading, "alice") as client:
        assert client.get("/connections").status_code == 200
        assert client.post("/sync").status_code == 403
    key_id = good.split("_")[1]
    with api(site, good, "alice") as client, transaction(services.engine) as db:
        end_key(db, key_id, at=clock.now + timedelta(hours=1), now=clock.now)
        db.commit()
        assert client.get("/connections").status_code == 200
        clock.advance(hours=1)
        assert client.get("/connections").status_code == 401
    with services.engine.connect() as db:
        stored = str(list(db.execute(text("SELECT * FROM bank.api_keys"))))
        assert good.split("_", 2)[2] not in stored
        assert len(list_keys(db)) == 2


def test_nobody_named(site: str, services: Services) -> None:
    """Every call says whom it is for."""
    headers = {"Authorization": f"Bearer {api_key(services)}"}
    for person in ({}, {"Bank-Sync-User": ""}, {"Bank-Sync-User": "a b"}, {"Bank-Sync-User": "x" * 201}):
        assert httpx.get(f"{site}/api/v1/connections", headers=headers | person).status_code == 400


def test_reserve_is_respected(
    alice: httpx.Client, services: Services, link: Callable[..., str], clock: Clock
) -> None:
    """Where the bank's calls of the day are used up, a person is told when, not queued in vain."""
    from bank_sync.domain.models import AskedBy

    connection_id = link("gocardless", "user_good")
    alice.headers["Bank-Sync-User"] = "person-of-gocardless"
    for _ in range(5):
        try:
            sync_connection(services, connection_id, asked_by=AskedBy.PERSON)
        except Exception:  # noqa: BLE001 - the quota ends it, which is what is wanted here
            break
        clock.advance(minutes=1)
    told = alice.post(f"/connections/{connection_id}/sync").json()
    assert told["outcome"] == "later"
    assert told["earliest_at"] > clock.now.isoformat()


def test_way_back_to_an_application(alice: httpx.Client) -> None:
    """An Android package in place of an address, where the provider takes one; never both."""
    package = {"provider": "plaid", "android_package": "com.example.app"}
    assert alice.post("/links", json=package).status_code == 201
    both = alice.post("/links", json=package | {"redirect_url": "https://app.example.com/back"})
    assert (both.status_code, both.json()["error"]["fields"][0]["problem"]) == (422, "two_ways_back")
    assert alice.post("/links", json=package | {"android_package": "no package"}).status_code == 422


def test_plaid_is_told_the_way_back() -> None:
    """Each way under Plaid's own name for it, and nothing where there is none."""
    told: list[dict[str, object]] = []

    def call(path: str, wish: Mapping[str, object], *, repeatable: bool = True) -> object:
        assert (path, repeatable) == ("/link/token/create", True)
        told.append(dict(wish))
        return {"link_token": "link-1", "expiration": "2026-03-10T18:00:00Z"}

    flow = LinkFlow(call, "bank_sync", 730, None)
    for back in (WayBack("https://app.example.com/back"), WayBack(None, "com.example.app"), WayBack()):
        flow.start("user_1", None, "US", back)
    found = [(one.get("redirect_uri"), one.get("android_package_name")) for one in told]
    assert found == [("https://app.example.com/back", None), (None, "com.example.app"), (None, None)]
    assert "redirect_uri" not in told[2]


def test_sync_status(alice: httpx.Client, services: Services, sandbox: RunningSandbox, clock: Clock) -> None:
    """How a sync stands, part by part, before it, when it waits, after it and after it failed."""
    connection_id = linked(alice, services, sandbox, "teller")
    path = f"/connections/{connection_id}/sync"
    told = alice.get(path).json()
    assert (told["sync_state"], told["parts"], told["transactions"]) == ("idle", [], 0)
    assert told["next_sync_reason"] == "It was just linked, so it is read at once."
    alice.post(path)
    assert alice.get(path).json()["sync_state"] == "queued"
    with services.engine.begin() as db:
        db.execute(text("UPDATE bank.sync_requests SET started_at = now()"))
    sync_connection(services, connection_id)
    told = alice.get(path).json()
    assert (told["sync_state"], told["error_code"], told["may_be_asked_at"]) == ("completed", None, None)
    parts = [(one["part"], one["outcome"]) for one in told["parts"]]
    assert parts == [("accounts", "succeeded"), ("transactions", "succeeded"), ("balances", "succeeded")]
    assert told["transactions"] > 0
    with services.engine.connect() as db:
        item: str = db.execute(text("SELECT provider_connection_id FROM bank.connections")).scalar_one()
    httpx.post(f"{sandbox.url}/_sandbox/links/{item}/break", json={}).raise_for_status()
    clock.advance(hours=1)
    with pytest.raises(ProviderError):
        sync_connection(services, connection_id)
    told = alice.get(path).json()
    assert (told["sync_state"], told["needs_repair"]) == ("failed", True)
    assert told["error_code"] in {one["error_code"] for one in told["parts"] if one["outcome"] == "failed"}


def test_unwanted_messages(alice: httpx.Client, services: Services, sandbox: RunningSandbox) -> None:
    """What a person does not want is written and marked, so that nothing is told twice or late."""
    path = "/notifications/preferences"
    assert alice.get(path).json()["unwanted"] == []
    assert {"first_sync_done", "new_transactions", "reconnect_needed"} <= set(alice.get(path).json()["kinds"])
    assert alice.put(path, json={"unwanted": ["spam"]}).status_code == 422
    told = alice.put(path, json={"unwanted": ["first_sync_done", "first_sync_done"]}).json()
    assert told["unwanted"] == ["first_sync_done"]
    connection_id = linked(alice, services, sandbox, "teller")
    sync_connection(services, connection_id)
    announce(services, connection_id)
    with transaction(services.engine) as db:
        user_id: str = db.execute(text("SELECT user_id FROM bank.users")).scalar_one()
        outbox.enqueue(
            db, user_id=user_id, connection_id=connection_id, kind="reconnect_needed", dedupe_key="x",
            message="", details={}, now=services.clock(),
        )  # fmt: skip
    with services.engine.connect() as db:
        marks = db.execute(text("SELECT kind, is_unwanted FROM bank.notifications ORDER BY 1")).all()
    assert [tuple(one) for one in marks] == [("first_sync_done", True), ("reconnect_needed", False)]


@pytest.mark.parametrize("provider", ["plaid", "teller", "gocardless"])
def test_connected_once_more(
    alice: httpx.Client, services: Services, sandbox: RunningSandbox, provider: str
) -> None:
    """A bank that was disconnected and is connected again goes on as the connection it was."""
    connection_id = linked(alice, services, sandbox, provider)
    sync_connection(services, connection_id)
    rows = alice.get(f"/connections/{connection_id}").json()["transactions"]
    alice.delete(f"/connections/{connection_id}").raise_for_status()
    assert linked(alice, services, sandbox, provider) == connection_id
    sync_connection(services, connection_id)
    [told] = alice.get("/connections").json()
    assert (told["state"], told["transactions"]) == ("connected", rows)


@pytest.fixture
def unclear(alice: httpx.Client, services: Services, sandbox: RunningSandbox) -> tuple[str, str]:
    """A stored connection of alice's, and a new link that shares only some of its accounts."""
    stored = linked(alice, services, sandbox, "plaid")
    sync_connection(services, stored)
    with services.engine.begin() as db:
        first = "(SELECT min(account_id) FROM bank.accounts)"
        db.execute(text(f"UPDATE bank.account_keys SET stable_key = 'another' WHERE account_id = {first}"))
    begun = alice.post("/links", json={"provider": "plaid"}).json()
    proof = LINKS["plaid"](services, sandbox, "user_good")
    refused = alice.post(f"/links/{begun['link_id']}/finish", json=proof)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "link_unclear")
    new, *others = refused.json()["error"]["connection_ids"]
    assert others == [stored]
    return stored, new


def test_settled_as_the_same(
    alice: httpx.Client, unclear: tuple[str, str], site: str, services: Services
) -> None:
    """A person says through the API that it is the stored one; nothing but that one can be said."""
    stored, new = unclear
    assert alice.post(f"/connections/{new}/sync").json()["outcome"] == "needs_repair"
    with api(site, api_key(services), "mallory") as stranger:
        assert stranger.post(f"/connections/{new}/settle", json={"renews": stored}).status_code == 404
    for wrong in (new, "conn_never_was"):
        assert alice.post(f"/connections/{new}/settle", json={"renews": wrong}).status_code == 404
    assert alice.post(f"/connections/{stored}/settle", json={"renews": None}).status_code == 404
    told = alice.post(f"/connections/{new}/settle", json={"renews": stored}).json()
    assert (told["connection_id"], told["state"]) == (stored, "connected")
    assert [one["connection_id"] for one in alice.get("/connections").json()] == [stored]


def test_settled_in_the_browser(unclear: tuple[str, str], site: str, services: Services) -> None:
    """The page asks, names the accounts of what it may be, and takes no for an answer."""
    stored, new = unclear
    visitor = browser(site, api_key(services), "alice")
    page = visitor.get("/connections").text
    assert "Is this a bank you connected before?" in page
    assert f'name="renews" value="{stored}"' in page
    assert "Yes, the one with Cash Rewards Card, Everyday Checking, High Yield Savings" in page
    assert post_form(visitor, f"/connections/{new}/settle", {"renews": "conn_x"}).status_code == 404
    assert post_form(visitor, f"/connections/{new}/settle").headers["location"].endswith("note=settled")
    page = visitor.get("/connections").text
    assert "Is this a bank" not in page
    assert page.count("<article") == 2


def test_rotated_key(site: str, services: Services, clock: Clock) -> None:
    """A successor has the old key's scopes; both are good until the old one ends."""
    old = api_key(services, Scope.READ)
    with transaction(services.engine) as db:
        key, new = rotate_key(db, old.split("_")[1], ends_at=clock.now + timedelta(hours=24), now=clock.now)
    assert key.scopes == {Scope.READ}
    for later, expected in ((0, [200, 200]), (25, [401, 200])):
        clock.advance(hours=later)
        with api(site, old, "alice") as before, api(site, new, "alice") as after:
            assert [one.get("/connections").status_code for one in (before, after)] == expected
            assert after.post("/sync").status_code == 403
