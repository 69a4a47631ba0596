"""Webhooks: said when there is something to say, signed to be proved, retried as the vendor does."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

if TYPE_CHECKING:
    from bank_sync_tests.sandbox.conftest import Desk


@dataclass(slots=True)
class Inbox:
    """An application's webhook address: what came, and what it answers."""

    url: str = ""
    status: int = 200
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        """Everything that came, read."""
        return [json.loads(body) for _, body in self.received]

    def codes(self) -> list[str]:
        """The codes of what came from Plaid, the types of what came from Teller."""
        return [str(body.get("webhook_code") or body.get("type")) for body in self.bodies()]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A real server on this machine."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            box.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(box.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    box.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield box
    server.shutdown()
    server.server_close()
    thread.join()


def _admin(desk: "Desk", path: str, **body: object) -> dict[str, Any]:
    answer = desk.client.post(f"{desk.url}/_sandbox/webhooks/{path}", json=body)
    return dict(answer.raise_for_status().json())


def _deliver(desk: "Desk", **manner: object) -> list[tuple[str, str]]:
    attempts = _admin(desk, "deliver", **manner)["attempts"]
    return [(each["kind"], each["outcome"]) for each in attempts]


def _item(desk: "Desk", url: str, user: str = "maya") -> str:
    wish = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    options = {"webhook": url, "override_username": user}
    public = desk.plaid("/sandbox/public_token/create", **wish, options=options).json()["public_token"]
    return str(desk.plaid("/item/public_token/exchange", public_token=public).json()["access_token"])


def _fire(desk: "Desk", item: str, code: str) -> httpx.Response:
    return desk.plaid("/sandbox/item/fire_webhook", access_token=item, webhook_code=code)


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_proved(desk: "Desk", headers: dict[str, str], body: bytes) -> tuple[bool, dict[str, Any]]:
    """Check as Plaid's documents say, with the key Plaid tells; gives the verdict and that key."""
    head, claims, signature = headers["plaid-verification"].split(".")
    kid = json.loads(_part(head))["kid"]
    key = desk.plaid("/webhook_verification_key/get", key_id=kid).json()["key"]
    point = ec.EllipticCurvePublicNumbers(
        int.from_bytes(_part(key["x"])), int.from_bytes(_part(key["y"])), ec.SECP256R1()
    )
    raw = _part(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    point.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    said = json.loads(_part(claims))["request_body_sha256"]
    return said == hashlib.sha256(body).hexdigest(), key


def test_updates_after_the_first_sync(desk: "Desk", inbox: Inbox) -> None:
    """Nothing before the first sync; then one webhook when rows came, and none while nothing changes."""
    item = _item(desk, inbox.url)
    desk.wait(days=1)
    assert _deliver(desk) == []
    desk.plaid_round(item)
    assert _deliver(desk) == []
    desk.wait(days=2)
    assert _deliver(desk) == [("TRANSACTIONS/SYNC_UPDATES_AVAILABLE", "delivered")]
    assert _deliver(desk) == []
    body = inbox.bodies()[0]
    assert body["initial_update_complete"] is body["historical_update_complete"] is True
    assert body["item_id"] == desk.plaid("/item/get", access_token=item).json()["item"]["item_id"]


def test_login_lost_and_repaired(desk: "Desk", inbox: Inbox) -> None:
    """A lost login is told with its error, and one repaired elsewhere is told too."""
    item = _item(desk, inbox.url)
    desk.plaid("/sandbox/item/reset_login", access_token=item)
    _deliver(desk)
    desk.client.post(f"{desk.url}/_sandbox/links/{item}/repair")
    _deliver(desk)
    assert inbox.codes() == ["ERROR", "LOGIN_REPAIRED"]
    assert inbox.bodies()[0]["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"


def test_plaid_signature(desk: "Desk", inbox: Inbox) -> None:
    """The JWT is proved by the key of its kid, over the body as it was sent; old keys expire."""
    item = _item(desk, inbox.url)
    _fire(desk, item, "DEFAULT_UPDATE")
    _deliver(desk)
    headers, body = inbox.received[0]
    proved, key = _is_proved(desk, headers, body)
    assert proved
    assert (key["alg"], key["expired_at"]) == ("ES256", None)
    assert body.startswith(b'{\n  "webhook_type"')
    assert _admin(desk, "plaid/rotate")["kid"] != key["kid"]
    _fire(desk, item, "DEFAULT_UPDATE")
    _deliver(desk)
    proved, newer = _is_proved(desk, *inbox.received[1])
    assert proved
    assert newer["kid"] != key["kid"]
    _admin(desk, "plaid/expire")
    assert _is_proved(desk, headers, body)[1]["expired_at"] is not None
    assert _is_proved(desk, *inbox.received[1])[1]["expired_at"] is None


def test_unknown_key(desk: "Desk") -> None:
    """A key id nobody signed with is refused by its own code."""
    refused = desk.plaid("/webhook_verification_key/get", key_id="6c5516e1-92dc-479e-a8ff-5a51992e0001")
    assert refused.json()["error_code"] == "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


def test_plaid_retries(desk: "Desk", inbox: Inbox) -> None:
    """A rejected webhook comes again after 30 s, then each time four times later, and is given up."""
    inbox.status = 500
    _fire(desk, _item(desk, inbox.url), "DEFAULT_UPDATE")
    assert _deliver(desk) == [("TRANSACTIONS/DEFAULT_UPDATE", "waiting")]
    for delay_s in (30, 120, 480, 1920, 7680, 30_720):
        desk.wait(s=delay_s - 1)
        assert _deliver(desk) == []
        desk.wait(s=1)
        assert len(_deliver(desk)) == 1
    assert len(inbox.received) == 7
    told = desk.client.get(f"{desk.url}/_sandbox/webhooks").json()
    assert (told["waiting"], told["done"][0]["outcome"]) == ([], "given_up")


def test_hopeless_address(desk: "Desk", inbox: Inbox) -> None:
    """Where nearly everything was rejected for a day, nothing is tried again."""
    inbox.status = 404
    item = _item(desk, inbox.url)
    for _ in range(12):
        _fire(desk, item, "DEFAULT_UPDATE")
    outcomes = [outcome for _, outcome in _deliver(desk)]
    assert outcomes == ["waiting"] * 9 + ["given_up"] * 3


def test_twice_lost_and_out_of_order(desk: "Desk", inbox: Inbox) -> None:
    """Webhooks are lost, doubled and shuffled on demand."""
    item = _item(desk, inbox.url)
    codes = ["DEFAULT_UPDATE", "NEW_ACCOUNTS_AVAILABLE", "PENDING_DISCONNECT", "LOGIN_REPAIRED"]
    for code in codes:
        _fire(desk, item, code)
    assert _deliver(desk, drop=1)[0] == ("TRANSACTIONS/DEFAULT_UPDATE", "dropped")
    assert inbox.codes() == codes[1:]
    for code in codes:
        _fire(desk, item, code)
    inbox.received.clear()
    _deliver(desk, reorder=5, duplicate=True)
    assert sorted(inbox.codes()) == sorted(codes * 2)
    assert inbox.codes() != sorted(codes * 2, key=codes.index)
    assert desk.client.post(f"{desk.url}/_sandbox/webhooks/deliver", json={"drop": "x"}).status_code == 400


def test_only_this_machine(desk: "Desk") -> None:
    """An address elsewhere is never asked."""
    _fire(desk, _item(desk, "https://example.com/hook"), "DEFAULT_UPDATE")
    assert _deliver(desk) == [("TRANSACTIONS/DEFAULT_UPDATE", "refused")]


def test_nobody_listening(desk: "Desk") -> None:
    """An address that does not answer is tried again later."""
    _fire(desk, _item(desk, "http://127.0.0.1:9/hook"), "DEFAULT_UPDATE")
    assert _deliver(desk) == [("TRANSACTIONS/DEFAULT_UPDATE", "waiting")]


def test_what_cannot_be_fired(desk: "Desk", inbox: Inbox) -> None:
    """An Item without an address, and a code that does not exist."""
    refused = _fire(desk, desk.plaid_link(), "DEFAULT_UPDATE")
    assert (refused.status_code, refused.json()["error_type"]) == (400, "SANDBOX_ERROR")
    assert _fire(desk, _item(desk, inbox.url), "SUNSHINE").json()["error_code"] == "INVALID_FIELD"


def test_address_changed(desk: "Desk", inbox: Inbox) -> None:
    """The new address is told that it is the new address."""
    item = desk.plaid_link()
    changed = desk.plaid("/item/webhook/update", access_token=item, webhook=inbox.url).json()
    assert changed["item"]["webhook"] == inbox.url
    _deliver(desk)
    assert inbox.bodies()[0]["new_webhook_url"] == inbox.url


def test_hosted_session(desk: "Desk", inbox: Inbox) -> None:
    """A finished Link session tells of the new Item, then that it is over."""
    wish = {
        "client_name": "Test",
        "language": "en",
        "country_codes": ["US"],
        "products": ["transactions"],
        "user": {"client_user_id": "maya"},
        "hosted_link": {},
        "webhook": inbox.url,
    }
    made = desk.plaid("/link/token/create", **wish).json()
    form = {"institution_id": "ins_109508", "decision": "approve", "username": "maya"}
    desk.client.post(made["hosted_link_url"], data=form)
    _deliver(desk)
    added, over = inbox.bodies()
    assert (added["webhook_code"], over["webhook_code"]) == ("ITEM_ADD_RESULT", "SESSION_FINISHED")
    assert over["public_tokens"] == [added["public_token"]]
    assert over["status"] == "SUCCESS"


def _is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    at, *proofs = (part.partition("=")[2] for part in headers["teller-signature"].split(","))
    wanted = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return wanted in proofs


def test_teller_signature(desk: "Desk", inbox: Inbox) -> None:
    """One secret signs; during rotation two do; the old one is gone when it is retired."""
    old = _admin(desk, "teller", url=inbox.url)["secrets"][0]
    _admin(desk, "teller/test")
    _deliver(desk)
    new = _admin(desk, "teller/rotate")["secrets"][0]
    _admin(desk, "teller/test")
    _deliver(desk)
    _admin(desk, "teller/retire")
    _admin(desk, "teller/test")
    _deliver(desk)
    signed = [[_is_signed(*each, secret) for secret in (old, new)] for each in inbox.received]
    assert signed == [[True, False], [True, True], [False, True]]
    assert len({body["id"] for body in inbox.bodies()}) == 3
    assert inbox.bodies()[0]["payload"] == {}


def test_teller_rows_processed(desk: "Desk", inbox: Inbox) -> None:
    """Rows are told, whole, once their category is known."""
    token = desk.teller_enroll("maya")["accessToken"]
    _admin(desk, "teller", url=inbox.url)
    desk.wait(days=2)
    _deliver(desk)
    assert inbox.codes() == ["transactions.processed"]
    rows = inbox.bodies()[0]["payload"]["transactions"]
    assert rows
    assert {row["details"]["processing_status"] for row in rows} == {"complete"}
    one = desk.teller(token, f"/accounts/{rows[0]['account_id']}/transactions/{rows[0]['id']}").json()
    assert one == rows[0]


def test_teller_disconnected(desk: "Desk", inbox: Inbox) -> None:
    """A lost enrollment is told with the tail of its error code."""
    made = desk.teller_enroll("maya")
    _admin(desk, "teller", url=inbox.url)
    reason = {"reason": "user_action.mfa_required"}
    desk.client.post(f"{desk.url}/_sandbox/links/{made['accessToken']}/break", json=reason)
    _deliver(desk)
    assert inbox.codes() == ["enrollment.disconnected"]
    told = {"enrollment_id": made["enrollment"]["id"], "reason": "disconnected.user_action.mfa_required"}
    assert inbox.bodies()[0]["payload"] == told
