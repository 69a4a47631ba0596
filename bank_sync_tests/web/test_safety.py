"""S08-S12, S24, F10, F11: bounds, headers, forms, and nobody sees what is somebody else's."""

from __future__ import annotations

import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.settings import load_settings
from bank_sync.storage.connections import update_connection
from bank_sync.storage.database import transaction
from bank_sync.sync.whole import sync_connection
from bank_sync.web.app import create_app
from bank_sync.web.bounds import BOUNDS, Bound, Rates
from bank_sync.web.headers import content_policy
from bank_sync.web.models import ConnectionBody
from bank_sync.web.rendering import page
from bank_sync.web.serving import PatientProtocol, served
from bank_sync_tests.conftest import Clock
from bank_sync_tests.web.people import api, api_key, browser, form_token, post_form

CAP = 1_048_576


def raw(site: str, request: bytes, timeout_s: float = 20.0) -> bytes:
    """What the server answers to these bytes before it closes."""
    parts = urlsplit(site)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=timeout_s) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
            if b"\r\n\r\n" in answer:
                return answer
    return answer


def status(answer: bytes) -> int:
    """The status of a raw answer; 0 for a connection that was closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_f10_bodies(site: str) -> None:
    """F10: a byte over the cap is refused with and without its length told; compressed bodies are, too."""
    url = f"{site}/webhooks/teller"
    assert httpx.post(url, content=b"x" * CAP).status_code == 401
    assert httpx.post(url, content=b"x" * (CAP + 1)).status_code == 413
    chunked = (b"x" * 65_536 for _ in range(17))
    assert httpx.post(url, content=chunked).status_code == 413
    assert httpx.post(url, content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}).status_code == 415
    head = b"POST /webhooks/teller HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
    assert status(raw(site, head + b"99999999999999999999\r\n\r\n")) in (400, 413)
    assert status(raw(site, head + b"-1\r\n\r\n")) == 400
    assert status(raw(site, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 200_000)) in (0, 400, 431)


def test_f10_memory(site: str) -> None:
    """F10: 200 MB in chunks are not read: the process grows by less than twice the cap, and answers 413."""
    parts, process = urlsplit(site), psutil.Process()
    httpx.post(f"{site}/webhooks/teller", content=b"x" * CAP)
    before, most = process.memory_info().rss, 0
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        head = b"POST /webhooks/teller HTTP/1.1\r\nHost: localhost\r\n"
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        sent = 0
        try:
            while sent < 200_000_000:
                connection.sendall(chunk)
                sent += 65_536
                most = max(most, process.memory_info().rss)
        except OSError:  # closed, as it should be
            pass
    assert sent < 10_000_000
    assert most - before < 2 * CAP


@pytest.fixture
def hasty(services: Services) -> Iterator[str]:
    """The web side with deadlines of a fraction of a second, so that the test need not wait."""
    bounds = [Bound(one.prefix, one.bytes_most, 0.5, 5.0, one.per_minute) for one in BOUNDS]

    class Hasty(PatientProtocol):
        headers_s = 0.5

    with served(create_app(services, bounds=bounds), protocol=Hasty) as url:
        yield url


def test_f11_slow_loris(hasty: str) -> None:
    """F11: 200 sockets that drip are closed at the deadline; an honest caller notices nothing."""
    parts = urlsplit(hasty)
    where = (parts.hostname or "", parts.port or 0)

    def times_s() -> list[float]:
        taken = []
        with httpx.Client() as client:
            for _ in range(60):
                began = time.monotonic()
                assert client.get(f"{hasty}/healthz").status_code == 200
                taken.append(time.monotonic() - began)
        return sorted(taken)

    alone = times_s()
    starts = (
        b"",
        b"GET / HTTP/1.1\r\nX-A: ",
        b"POST /webhooks/teller HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
    )
    loris = [socket.create_connection(where, timeout=20) for _ in range(200)]
    for number, one in enumerate(loris):
        one.sendall(starts[number % 3])
    beside = times_s()

    def is_closed(number: int) -> bool:
        try:
            told = loris[number].recv(1_000)
        except ConnectionError:
            return True
        return told == b"" or b" 408 " in told

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(is_closed, range(200)))
    for one in loris:
        one.close()
    p99 = int(len(alone) * 0.99)
    print(f"honest p99: {alone[p99] * 1000:.1f} ms alone, {beside[p99] * 1000:.1f} ms beside 200 slow ones")
    assert statistics.median(beside) < max(10 * statistics.median(alone), 0.25)


def test_rates() -> None:
    """A caller may burst, then goes at the pace of the minute; others are not held back."""
    now = [0.0]
    rates = Rates(lambda: now[0])
    taken = [rates.take("a", 60) for _ in range(30)]
    assert [wait == 0 for wait in taken].count(True) == 16
    assert rates.take("b", 60) == 0
    now[0] += taken[-1] + 0.001
    assert rates.take("a", 60) == 0


def test_too_many_requests(services: Services) -> None:
    """S08: beyond the rate the answer is 429 and says when to come back."""
    bounds = [Bound("/", 1_000, 5, 5, 8)]
    with served(create_app(services, bounds=bounds)) as site:
        answers = [httpx.get(f"{site}/healthz") for _ in range(6)]
    assert {one.status_code for one in answers} == {200, 429}
    assert int(answers[-1].headers["retry-after"]) > 0


HOST = {"Host": "banks.example", "Accept": "text/html"}

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def test_s11_headers(site: str, services: Services) -> None:
    """S11: every kind of answer carries the headers, also refusals made before the application."""
    alice = browser(site, api_key(services), "alice")
    answers = [
        alice.get("/connections"),
        alice.get("/connect"),
        alice.get("/static/style.css"),
        alice.get("/nowhere"),
        alice.get("/healthz"),
        alice.get("/api/v1/openapi.json"),
        alice.get("/api/v1/connections"),
        alice.post("/webhooks/plaid", content=b"{}"),
        alice.post("/webhooks/plaid", content=b"x" * (CAP + 1)),
        alice.request("TRACE", "/connections"),
        alice.get("/healthz", headers={"Host": "evil.example"}),
    ]
    codes = [one.status_code for one in answers]
    assert codes == [200, 200, 200, 404, 200, 200, 401, 401, 413, 405, 421]
    for one in answers:
        assert {name: one.headers.get(name) for name in HEADERS} == HEADERS, one.url
        policy = one.headers["content-security-policy"]
        assert policy == content_policy([services.settings.sandbox_url])
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "server" not in one.headers


def test_s09_forms(site: str, services: Services, link: Callable[..., str]) -> None:
    """S09: a POST of another origin, without the session or its own token is refused."""
    connection_id = link("plaid")
    key = api_key(services)
    mine, other = browser(site, key, "person-of-plaid"), browser(site, key, "mallory")
    path, token = f"/connections/{connection_id}/sync", form_token(mine)
    fields = {"form_token": token}
    assert mine.post(path, data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert mine.post(path, data=fields, headers={"Origin": "null"}).status_code == 403
    assert mine.post(path).status_code == 403
    assert mine.post(path, data={"form_token": form_token(other)}).status_code == 403
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert mine.post(path, content=b"\xff" * 10, headers=form).status_code == 400
    assert httpx.post(f"{site}{path}", data=fields, headers={"Origin": site}).status_code == 401
    del mine.headers["Origin"]
    assert mine.post(path, data=fields).status_code == 403
    mine.headers["Origin"] = site
    assert mine.post(path, data=fields).status_code == 303
    cookie = next(iter(mine.cookies.jar))
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert (cookie.get_nonstandard_attr("SameSite") or "").lower() == "lax"


def test_session_address(site: str, services: Services, clock: Clock) -> None:
    """The address opens once, within ten minutes; the session lives an hour."""
    with api(site, api_key(services), "alice") as application:
        urls = [application.post("/sessions", json={}).json()["url"] for _ in range(2)]
    with httpx.Client(headers={"Accept": "text/html"}) as first:
        assert first.get(urls[0]).status_code == 303
        assert httpx.get(urls[0]).status_code == 410
        clock.advance(minutes=10)
        assert httpx.get(urls[1]).status_code == 410
        assert first.get(f"{site}/connections").status_code == 200
        clock.advance(minutes=51)
        assert first.get(f"{site}/connections").status_code == 401


def test_s09_state(site: str, services: Services) -> None:
    """S09: what comes back from a bank must carry the session's own word, once."""
    mine, other = (browser(site, api_key(services), name) for name in ("alice", "mallory"))
    wish = {"provider": "gocardless", "institution_id": "SANDBOXFINANCE_SFIN0000", "country": "GB"}
    begun = post_form(mine, "/connect", wish)
    shown = mine.get(begun.headers["location"]).text
    url = re.search(r'href="(http[^"]+/psd2/start/[^"]+)"', shown)
    assert url is not None
    back = httpx.get(url.group(1), params={"auto": "1"}).headers["location"]
    assert other.get(back).status_code == 403
    assert mine.get(back.replace("state=", "state=x")).status_code == 403
    assert mine.get(back).status_code == 303
    assert mine.get(back).status_code == 403
    path = f"{begun.headers['location']}/finish"
    assert post_form(other, path).status_code == 404
    done = mine.post(path, json={}, headers={"X-Form-Token": form_token(mine)})
    assert done.json() == {"next": "/connections?note=connected"}


def test_s10_matrix(site: str, services: Services, link: Callable[..., str]) -> None:
    """S10: two people, every route, every kind of id: what is the other's is 404 for every method."""
    key, connection_id = api_key(services), link("teller")
    sync_connection(services, connection_id)
    with services.engine.connect() as db:
        row = db.execute(text("SELECT transaction_id FROM bank.transactions")).scalars().first()
    with api(site, key, "person-of-teller") as owner, api(site, key, "mallory") as stranger:
        link_id = owner.post("/links", json={"provider": "teller"}).json()["link_id"]
        ids = {"connection_id": connection_id, "transaction_id": row, "link_id": link_id}
        document = owner.get("/openapi.json").json()
        cells = []
        for path, methods in document["paths"].items():
            needed = re.findall(r"{(\w+)}", path)
            for method in methods:
                if not needed:
                    continue
                for chosen in (ids, dict.fromkeys(ids, "conn_never_was")):
                    url = site + path.format(**chosen)
                    wish = {"renews": None} if path.endswith("/settle") else {}
                    body = wish if method in ("post", "patch") else None
                    answer = stranger.request(method, url, json=body)
                    cells.append((method.upper(), path, chosen[needed[0]][:12], answer.status_code))
        assert owner.get(f"/connections/{connection_id}").status_code == 200
        assert stranger.get("/connections").json() == []
    theirs = browser(site, key, "mallory")
    for action in ("sync", "reconnect", "disconnect", "settle"):
        answer = post_form(theirs, f"/connections/{connection_id}/{action}")
        cells.append(("POST", f"/connections/…/{action}", connection_id[:12], answer.status_code))
    for action in ("finish", "leave"):
        answer = post_form(theirs, f"/connect/{link_id}/{action}")
        cells.append(("POST", f"/connect/{{link_id}}/{action}", link_id[:12], answer.status_code))
    cells.append(("GET", "/connect/{link_id}", link_id[:12], theirs.get(f"/connect/{link_id}").status_code))
    for cell in cells:
        print("{:7}{:50}{:14}{}".format(*cell))
    assert len(cells) >= 20
    assert {cell[-1] for cell in cells} == {404}


class Tags(HTMLParser):
    """What elements and attributes a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.found.append((tag, tuple(name for name, _ in attrs)))


def _shape(name: str) -> list[tuple[str, tuple[str, ...]]]:
    now = Clock().now
    body = ConnectionBody(
        connection_id="conn_1", provider="plaid", institution_id=None, institution_name=name,
        state="connected", sync_state="idle", needs_repair=True, error_code=None, transactions=1,
        linked_at=now, first_synced_at=now, last_synced_at=now, next_sync_at=now, consent_expires_at=None,
    )  # fmt: skip
    words = {"sentence": name, "synced": "now", "next": "soon", "expiry": name}
    shown = {"body": body, "accounts": [], "may_be": [], "tone": "good", **words}
    found = [{"provider": "plaid", "institution_id": name, "name": name, "country": "US"}]
    pages = (
        page("connections.html", connections=[shown], note=name, refresh_s=30, form_token="f"),
        page("connect.html", countries={}, country="US", query=name, institutions=found, failed=False),
    )
    html = "".join(bytes(one.body).decode() for one in pages)
    parser = Tags()
    parser.feed(html)
    return parser.found


@given(
    st.text(min_size=1)
    | st.sampled_from(['"><script>alert(1)</script>', "' onload='x", "{{7*7}}", "</title>", "<!--"])
)
@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_s12_escaping(name: str) -> None:
    """S12: whatever a bank is called, the page has the same elements and attributes."""
    assert _shape(name) == _shape("Bank")


def test_hostile_name_on_a_page(site: str, services: Services, link: Callable[..., str]) -> None:
    """S12: the same through the whole stack."""
    connection_id = link("plaid")
    hostile = '<img src=x onerror="alert(1)">'
    with transaction(services.engine) as db:
        update_connection(db, connection_id, institution_name=hostile)
    html = browser(site, api_key(services), "person-of-plaid").get("/connections").text
    assert hostile not in html
    assert "&lt;img src=x" in html


def test_s24_production(services: Services) -> None:
    """S24: in production only the public name is answered, with HSTS; no sandbox is named."""
    told = {name: getattr(services.settings, name) for name in ("home", "database_url")}
    settings = load_settings(
        environment="production",
        encryption_keys="k1:" + "A" * 43 + "=",
        public_url="https://banks.example",
        teller_application_id="app_x",
        **told,
    )
    with ExitStack() as stack:
        site = stack.enter_context(served(create_app(replace(services, settings=settings))))
        assert httpx.get(f"{site}/healthz").status_code == 421
        client = stack.enter_context(httpx.Client(base_url=site, headers=HOST))
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        policy = answer.headers["content-security-policy"]
        assert "https://cdn.teller.io" in policy
        assert "127.0.0.1" not in policy
        assert client.get("/_sandbox/clock").status_code == 404
        with httpx.Client(base_url=f"{site}/api/v1") as application:
            bearer = {"Authorization": f"Bearer {api_key(services)}", "Bank-Sync-User": "a"}
            headers = HOST | bearer
            url = application.post("/sessions", json={}, headers=headers).json()["url"]
        assert url.startswith("https://banks.example/open/")
        cookie = client.get(urlsplit(url).path).headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie


def test_unexpected_error(site: str, services: Services, caplog: pytest.LogCaptureFixture) -> None:
    """S24: a defect answers 500 without a word about itself, and the log holds no value either."""
    alice = browser(site, api_key(services), "alice")
    with services.engine.begin() as db:
        db.execute(text("ALTER TABLE bank.sync_requests RENAME TO gone"))
    answer = alice.get("/connections")
    assert answer.status_code == 503
    assert "sync_requests" not in answer.text
    assert "relation" not in caplog.text
