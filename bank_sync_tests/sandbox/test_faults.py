"""Faults on purpose: each kind does what it says, to whom it should, as often as told, and is counted."""

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk


def _queue(desk: "Desk", kind: str, **more: object) -> None:
    body = {"next": [{"kind": kind, **more}]}
    desk.client.post(f"{desk.url}/_sandbox/faults", json=body).raise_for_status()


def _hits(desk: "Desk") -> dict[str, int]:
    return dict(desk.client.get(f"{desk.url}/_sandbox/faults").json()["hit"])


@pytest.fixture
def item(desk: "Desk") -> str:
    """An access token at Plaid."""
    return desk.plaid_link()


def _sync(desk: "Desk", item: str, cursor: str = "", count: int = 100) -> httpx.Response:
    return desk.plaid("/transactions/sync", access_token=item, cursor=cursor, count=count)


@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "TRANSACTIONS_SYNC_LIMIT"), (500, "INTERNAL_SERVER_ERROR"), (503, "PLANNED_MAINTENANCE")],
)
def test_plaid_refusals(desk: "Desk", item: str, status: int, code: str) -> None:
    """Plaid refuses in its own words, once, and then answers again."""
    _queue(desk, f"http_{status}")
    refused = _sync(desk, item)
    assert (refused.status_code, refused.json()["error_code"]) == (status, code)
    assert _sync(desk, item).status_code == 200
    assert _hits(desk) == {f"http_{status}": 1}


@pytest.mark.parametrize("retry_after", ["5", "Mon, 15 Jun 2026 12:01:00 GMT", "1000000000", "-3", None])
def test_retry_after(desk: "Desk", item: str, retry_after: str | None) -> None:
    """A 429 says when to come back in whatever way it was told, or not at all."""
    _queue(desk, "http_429", **({} if retry_after is None else {"retry_after": retry_after}))
    assert _sync(desk, item).headers.get("Retry-After") == retry_after


def test_refusals_of_teller_and_gocardless(desk: "Desk") -> None:
    """Each speaks its own shape where it has one; where not, something in front of it shows a page."""
    token = desk.teller_enroll()["accessToken"]
    app, bank = desk.gocardless_token(), "http_500"
    account = desk.gocardless_link(app)["accounts"][0]
    _queue(desk, "http_429", paths="teller")
    assert desk.teller(token, "/accounts").json()["error"]["code"] == "too_many_requests"
    _queue(desk, "http_504", paths="teller")
    assert "<h1>504" in desk.teller(token, "/accounts").text
    _queue(desk, bank, paths="gocardless")
    refused = desk.gocardless("GET", f"/accounts/{account}/balances/", app)
    assert (refused.status_code, refused.json()["type"]) == (500, "UnknownRequestError")
    _queue(desk, "http_429", paths="gocardless", retry_after="120")
    assert "in 120 seconds" in desk.gocardless("GET", "/requisitions/", app).json()["detail"]


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        ("http_402", 402, "Payment Required"),
        ("http_403", 403, "IP address access denied"),
        ("http_409", 409, "AccountProcessing"),
        ("bank_limit", 429, "RateLimitError"),
    ],
)
def test_refusals_of_gocardless_alone(desk: "Desk", kind: str, status: int, word: str) -> None:
    """What only GoCardless says waits for a call to GoCardless."""
    app = desk.gocardless_token()
    account = desk.gocardless_link(app)["accounts"][0]
    _queue(desk, kind)
    assert desk.plaid("/item/get", access_token="nobody's").json()["error_code"] == "INVALID_ACCESS_TOKEN"
    refused = desk.gocardless("GET", f"/accounts/{account}/balances/", app)
    assert (refused.status_code, word in refused.text) == (status, True)
    assert _hits(desk) == {kind: 1}


def test_times_and_paths(desk: "Desk", item: str) -> None:
    """A queued fault meets only matching paths, so many times, and a plan can be taken back."""
    _queue(desk, "http_502", paths="/transactions/sync$", times=2)
    assert desk.plaid("/accounts/get", access_token=item).status_code == 200
    assert [_sync(desk, item).status_code for _ in range(3)] == [502, 502, 200]
    _queue(desk, "http_502", times=9)
    desk.client.delete(f"{desk.url}/_sandbox/faults")
    assert _sync(desk, item).status_code == 200
    assert _hits(desk) == {"http_502": 2}


def test_before_and_after(desk: "Desk") -> None:
    """A lost request left the public token whole; a lost answer has used it up."""
    made = [_public_token(desk) for _ in range(2)]
    for token, when in zip(made, ("before", "after"), strict=True):
        _queue(desk, "refuse", when=when)
        with pytest.raises(httpx.RemoteProtocolError):
            desk.plaid("/item/public_token/exchange", public_token=token)
    again = [desk.plaid("/item/public_token/exchange", public_token=token).status_code for token in made]
    assert again == [200, 400]


def _public_token(desk: "Desk") -> str:
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    return str(desk.plaid("/sandbox/public_token/create", **wish).json()["public_token"])


def test_connections_that_end_early(desk: "Desk", item: str) -> None:
    """A connection closed without an answer, and one closed in the middle of it; the next call works."""
    _queue(desk, "refuse")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        _sync(desk, item)
    for when in ("before", "after"):
        _queue(desk, "reset", when=when)
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed"):
            _sync(desk, item)
    assert _sync(desk, item).status_code == 200
    assert _hits(desk) == {"refuse": 1, "reset": 2}


def test_slow_answers_stop_when_the_caller_leaves(desk: "Desk", item: str) -> None:
    """A late, a dripped and a huge answer each outlast a caller's patience."""
    impatient = httpx.Timeout(5, read=0.05)
    _queue(desk, "slow", delay_s=30)
    body = {"client_id": "any", "secret": "any", "access_token": item}
    with pytest.raises(httpx.ReadTimeout):
        desk.client.post(f"{desk.url}/plaid/item/get", json=body, timeout=impatient)
    _queue(desk, "dripped", delay_s=0.01)
    with desk.client.stream("POST", f"{desk.url}/plaid/item/get", json=body) as dripped:
        assert next(dripped.iter_raw()) == b"{"
    _queue(desk, "huge", size_bytes=300_000)
    huge = desk.plaid("/item/get", access_token=item)
    assert len(huge.content) > 300_000
    assert huge.json()["item"]["institution_id"] == "ins_109508"
    _queue(desk, "huge", size_bytes=10_000_000, gzip=True)
    packed = desk.plaid("/item/get", access_token=item)
    assert packed.num_bytes_downloaded < 100_000
    assert len(packed.content) > 10_000_000


def test_answers_that_are_no_json(desk: "Desk", item: str) -> None:
    """Cut JSON, a page with 200, and letters that are not UTF-8."""
    for kind in ("truncated_json", "html_200", "wrong_charset"):
        _queue(desk, kind)
        broken = _sync(desk, item)
        assert broken.status_code == 200
        with pytest.raises(ValueError):  # noqa: PT011 - JSON and UTF-8 errors have nothing else in common
            json.loads(broken.content.decode())
    assert len(_hits(desk)) == 3


def test_duplicate_keys(desk: "Desk", item: str) -> None:
    """One key stands twice in an object with two values."""
    _queue(desk, "duplicate_keys")
    pairs: list[list[str]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        pairs.append([name for name, _ in found])
        return dict(found)

    json.loads(_sync(desk, item).text, object_pairs_hook=keep)
    assert sum(len(names) != len(set(names)) for names in pairs) == 1


@pytest.mark.parametrize("kind", ["drift_extra", "drift_enum", "drift_optional_gone"])
def test_drift_that_harms_nothing(desk: "Desk", item: str, kind: str) -> None:
    """New fields, new words and missing extras: amounts and ids stay as they were, at all three."""
    token, app = desk.teller_enroll()["accessToken"], desk.gocardless_token()
    checking = desk.teller(token, "/accounts").json()[0]["id"]
    linked = desk.gocardless_link(app)["accounts"][0]

    def rows() -> list[list[dict[str, Any]]]:
        listed = desk.gocardless("GET", f"/accounts/{linked}/transactions/", app).json()["transactions"]
        teller = desk.teller(token, f"/accounts/{checking}/transactions", count="20").json()
        return [_sync(desk, item).json()["added"], teller, listed["booked"]]

    before = rows()
    _queue(desk, kind, times=3)
    after = rows()
    assert _hits(desk) == {kind: 3}
    for old, new, money in zip(before, after, ("amount", "amount", "transactionAmount"), strict=True):
        amounts = [[each[money] for each in every] for every in (old, new)]
        assert json.dumps(amounts[0]) in {json.dumps(amounts[1]), json.dumps(_without_extra(amounts[1]))}
        assert old != new


def _without_extra(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_extra(each) for each in value]
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name != "added_next_year"}
    return value


@pytest.mark.parametrize("kind", ["drift_required_gone", "drift_type"])
def test_drift_that_breaks(desk: "Desk", item: str, kind: str) -> None:
    """One row among many good ones lacks its amount, or has a list there."""
    _queue(desk, kind)
    rows = _sync(desk, item).json()["added"]
    bad = [row for row in rows if not isinstance(row.get("amount"), int | float)]
    assert len(bad) == 1
    assert ("amount" in bad[0]) == (kind == "drift_type")


def test_plaid_pages_that_never_end(desk: "Desk", item: str) -> None:
    """Every page is empty, says there are more and names a cursor never seen; the true cursor still works."""
    _queue(desk, "endless_pages")
    cursor, seen = "", set()
    for _ in range(5):
        page = _sync(desk, item, cursor).json()
        assert (page["added"], page["has_more"]) == ([], True)
        cursor = page["next_cursor"]
        seen.add(cursor)
    assert len(seen) == 5
    assert _hits(desk) == {"endless_pages": 5}
    assert _sync(desk, item).json()["added"]


def test_teller_pages_that_never_end(desk: "Desk") -> None:
    """Every page is full of rows with ids never seen."""
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{desk.teller(token, '/accounts').json()[0]['id']}/transactions"
    _queue(desk, "endless_pages", paths="/transactions$")
    query, seen = {"count": "50"}, set()
    for _ in range(4):
        page = desk.teller(token, path, **query).json()
        seen |= {row["id"] for row in page}
        query["from_id"] = page[-1]["id"]
    assert len(seen) == 200


def test_repeated_cursor(desk: "Desk", item: str) -> None:
    """The cursor sent comes back as the next one, with more to come; Teller gives its first page again."""
    first = _sync(desk, item, count=10).json()["next_cursor"]
    _queue(desk, "repeated_cursor", paths="plaid")
    page = _sync(desk, item, first, 10).json()
    assert (page["next_cursor"], page["has_more"]) == (first, True)
    token = desk.teller_enroll()["accessToken"]
    path = f"/accounts/{desk.teller(token, '/accounts').json()[0]['id']}/transactions"
    top = desk.teller(token, path, count="5").json()
    _queue(desk, "repeated_cursor", paths="teller")
    assert desk.teller(token, path, count="5").json() == top
    assert desk.teller(token, path, count="5", from_id=top[-1]["id"]).json() == top
    assert _hits(desk) == {"repeated_cursor": 2}


def test_empty_pages_in_between(desk: "Desk", item: str) -> None:
    """An empty page with a cursor of its own loses no row and doubles none."""
    whole = [row["transaction_id"] for row in desk.plaid_round(item).added]
    first = _sync(desk, item, count=50).json()
    _queue(desk, "empty_pages", times=2)
    rest = desk.plaid_round(item, first["next_cursor"], count=50).added
    assert [row["transaction_id"] for row in [*first["added"], *rest]] == whole
    assert _hits(desk) == {"empty_pages": 2}


def test_mutation_strikes_only_inside_a_loop(desk: "Desk", item: str) -> None:
    """The first page of a loop cannot meet it, a later one does."""
    _queue(desk, "mutation")
    first = _sync(desk, item, count=10)
    assert first.status_code == 200
    later = _sync(desk, item, first.json()["next_cursor"], 10)
    assert later.json()["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"


def _course(desk: "Desk", item: str, seed: int) -> list[int]:
    plan = {"seed": seed, "rate": 0.4, "kinds": ["http_503", "http_500", "http_429"]}
    desk.client.post(f"{desk.url}/_sandbox/faults", json=plan).raise_for_status()
    return [desk.plaid("/item/get", access_token=item).status_code for _ in range(40)]


def test_one_seed_one_course(desk: "Desk", item: str) -> None:
    """The same seed meets the same requests with the same faults; all hits count, the admin door is safe."""
    courses = [_course(desk, item, seed) for seed in (7, 7, 8)]
    assert courses[0] == courses[1] != courses[2]
    hit = sum(status != 200 for course in courses for status in course)
    assert sum(_hits(desk).values()) == hit
    assert 20 < hit < 80
    assert desk.truth("plaid", item)


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"kinds": ["sunshine"], "rate": 1},
        {"kinds": ["slow"], "rate": 2},
        {"next": [{"kind": "slow", "times": 0}]},
        {"next": [{"kind": "slow", "paths": "("}]},
        {"next": [{"kind": "slow", "when": "never"}]},
        {"next": {"kind": "slow"}},
    ],
)
def test_plans_without_sense(desk: "Desk", plan: dict[str, object]) -> None:
    """Nonsense is refused with a sentence, and nothing of it is taken."""
    refused = desk.client.post(f"{desk.url}/_sandbox/faults", json=plan)
    assert (refused.status_code, list(refused.json())) == (400, ["error"])


def test_requests_counted(desk: "Desk", item: str) -> None:
    """Calls are counted by method and path, ids left out; so are GoCardless's good answers by day."""
    app = desk.gocardless_token()
    account = desk.gocardless_link(app)["accounts"][0]
    _queue(desk, "http_503", paths="balances")
    for _ in range(2):
        desk.gocardless("GET", f"/accounts/{account}/balances/", app)
    _sync(desk, item)
    told = desk.client.get(f"{desk.url}/_sandbox/requests").json()
    assert told["counts"]["GET /gocardless/api/v2/accounts/{id}/balances"] == 2
    assert told["counts"]["POST /plaid/transactions/sync"] == 1
    day = {"account": account, "scope": "balances", "day": "2026-06-15", "count": 1}
    assert told["successful_account_calls"] == [day]
