"""F07, F09, F12, F14, S07: who proves nothing is refused, whatever is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.domain.errors import ContractBroken
from bank_sync.domain.events import WebhookEvent
from bank_sync.providers.plaid import webhooks as plaid
from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
from bank_sync.providers.teller import webhooks as teller
from bank_sync.providers.webhooks import WebhookKeysBusy, WebhookRefused
from bank_sync_tests.conftest import Clock
from bank_sync_tests.web.signing import KEY_ID, PRIVATE, encoded, jwk, plaid_token, teller_signature

NOW = Clock().now
AT = int(NOW.timestamp())
BODY = b'{\n  "webhook_type": "ITEM",\n  "webhook_code": "ERROR",\n  "item_id": "item1"\n}'
SECRET = "a-secret-of-teller-1"


def only_ours(key_id: str) -> ec.EllipticCurvePublicKey:
    """The one key there is."""
    if key_id != KEY_ID:
        raise WebhookRefused("unknown_key")
    return PRIVATE.public_key()


def read(token: str | None, body: bytes = BODY) -> WebhookEvent:
    """What Plaid's side makes of a call."""
    return plaid.verified(token, body, only_ours, NOW)


def test_plaid_good() -> None:
    """A token over these bytes is accepted, and names the event."""
    event = read(plaid_token(BODY, AT))
    assert (event.kind, event.provider_item, event.body) == ("ITEM/ERROR", "item1", BODY)


def test_vector_of_teller() -> None:
    """The HMAC is over time, dot and raw bytes: worked out by hand once more here."""
    body = b'{"id":"wh_1","type":"webhook.test","payload":{}}'
    proof = hmac.new(SECRET.encode(), b"%d." % AT + body, hashlib.sha256).hexdigest()
    event = teller.verified(f"t={AT},v1={proof}", body, [SECRET], environment="sandbox", now=NOW)
    assert (event.kind, event.dedup_key) == ("webhook.test", "id:wh_1")


PEM = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _with_public_key_as_secret() -> str:
    told, said = (
        {"alg": "HS256", "kid": KEY_ID},
        {"iat": AT, "request_body_sha256": hashlib.sha256(BODY).hexdigest()},
    )
    signed = ".".join(encoded(json.dumps(one).encode()) for one in (told, said))
    return f"{signed}.{encoded(hmac.new(PEM, signed.encode(), hashlib.sha256).digest())}"


STRANGER = ec.derive_private_key(8, ec.SECP256R1())

FORGERIES: Mapping[str, str | None] = {
    "no header": None,
    "empty": "",
    "not a token": "abc",
    "two parts": plaid_token(BODY, AT).rpartition(".")[0],
    "alg none": plaid_token(BODY, AT, header={"alg": "none"}).rpartition(".")[0] + ".",
    "alg HS256 with the public key as secret": _with_public_key_as_secret(),
    "alg ES384": plaid_token(BODY, AT, header={"alg": "ES384"}),
    "no alg": plaid_token(BODY, AT, header={"alg": None}),
    "no kid": plaid_token(BODY, AT, header={"kid": None}),
    "kid that is a path": plaid_token(BODY, AT, header={"kid": "../../etc/passwd"}),
    "kid that is a number": plaid_token(BODY, AT, header={"kid": 7}),
    "foreign kid": plaid_token(BODY, AT, header={"kid": "99999999-2222-4333-8444-555555555555"}),
    "signed by a stranger": plaid_token(BODY, AT, private=STRANGER),
    "key in the header": plaid_token(BODY, AT, private=STRANGER, header={"jwk": jwk(STRANGER)}),
    "key by address": plaid_token(BODY, AT, private=STRANGER, header={"jku": "http://127.0.0.1/keys"}),
    "unknown critical extension": plaid_token(BODY, AT, header={"crit": ["x"], "x": 1}),
    "another body": plaid_token(BODY + b" ", AT),
    "the body written anew": plaid_token(json.dumps(json.loads(BODY)).encode(), AT),
    "no hash": plaid_token(BODY, AT, claims={"request_body_sha256": None}),
    "hash in upper case": plaid_token(
        BODY, AT, claims={"request_body_sha256": hashlib.sha256(BODY).hexdigest().upper()}
    ),
    "no iat": plaid_token(BODY, AT, claims={"iat": None}),
    "a second too old": plaid_token(BODY, AT - 301),
    "a second too new": plaid_token(BODY, AT + 301),
    "iat as text": plaid_token(BODY, AT, claims={"iat": str(AT)}),
    "iat as fraction": plaid_token(BODY, AT, claims={"iat": AT + 0.5}),
    "iat NaN": plaid_token(BODY, AT, claims={"iat": float("nan")}),
    "iat 1e308": plaid_token(BODY, AT, claims={"iat": 1e308}),
    "iat huge": plaid_token(BODY, AT, claims={"iat": 10**400}),
    "iat negative": plaid_token(BODY, AT, claims={"iat": -1}),
    "iat true": plaid_token(BODY, AT, claims={"iat": True}),
    "endless": "a" * 100_000,
    "deeply nested": encoded(b"[" * 2_000) + "." + encoded(b"{}") + "." + encoded(b"x" * 64),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_plaid_forgeries(name: str) -> None:
    """Each of these is refused, and never by another error than the refusal."""
    with pytest.raises(WebhookRefused):
        read(FORGERIES[name])


@pytest.mark.parametrize("age_s", [-300, 0, 300])
def test_plaid_edges(age_s: int) -> None:
    """Five minutes either way are good."""
    assert read(plaid_token(BODY, AT - age_s)).provider == "plaid"


TELLER_FORGERIES = {
    "no header": None,
    "empty": "",
    "no proof": f"t={AT}",
    "no time": teller_signature(BODY, AT, SECRET).partition(",")[2],
    "another secret": teller_signature(BODY, AT, "another-secret-of-t1"),
    "another body": teller_signature(BODY + b"\n", AT, SECRET),
    "too old": teller_signature(BODY, AT - 181, SECRET),
    "too new": teller_signature(BODY, AT + 181, SECRET),
    "time NaN": teller_signature(BODY, "nan", SECRET),
    "time 1e308": teller_signature(BODY, "1e308", SECRET),
    "time negative": teller_signature(BODY, f"-{AT}", SECRET),
    "time in hex": teller_signature(BODY, hex(AT), SECRET),
    "time in other digits": teller_signature(BODY, "".join(chr(0x660 + int(one)) for one in str(AT)), SECRET),
    "time with space": teller_signature(BODY, f" {AT}", SECRET),
    "time twice": f"t={AT},{teller_signature(BODY, AT, SECRET)},t={AT}".replace("v1", "v2"),
    "scheme v0": teller_signature(BODY, AT, SECRET).replace("v1", "v0"),
    "proof cut": teller_signature(BODY, AT, SECRET)[:-1],
    "proof in upper case": teller_signature(BODY, AT, SECRET).upper().replace("T=", "t=").replace("V1", "v1"),
    "ten thousand proofs": teller_signature(BODY, AT, *["no-secret-of-teller"] * 100),
}


@pytest.mark.parametrize("name", TELLER_FORGERIES)
def test_teller_forgeries(name: str) -> None:
    """Each of these is refused, and never by another error than the refusal."""
    with pytest.raises(WebhookRefused):
        teller.verified(TELLER_FORGERIES[name], BODY, [SECRET], environment="sandbox", now=NOW)


@pytest.mark.parametrize(
    ("signers", "accepted", "is_good"),
    [
        (["old"], ["old"], True),
        (["old", "new"], ["old", "new"], True),
        (["new"], ["old", "new"], True),
        (["new", "old"], ["old"], True),
        (["old"], ["new"], False),
        (["old"], [], False),
        ([""], [], False),
    ],
)
def test_teller_rotation(signers: list[str], accepted: list[str], is_good: bool) -> None:  # noqa: FBT001 - a table
    """F14: any proof over any live secret; the old one ends when it is taken out; no secret refuses all."""
    header = teller_signature(BODY, AT, *signers)
    if is_good:
        teller.verified(header, BODY, accepted, environment="sandbox", now=NOW)
        return
    with pytest.raises(WebhookRefused):
        teller.verified(header, BODY, accepted, environment="sandbox", now=NOW)


@given(
    st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")),
    st.binary(max_size=200),
)
def test_anything(header: str, body: bytes) -> None:
    """F09: no header and no body get past, or raise anything but the refusal."""
    with pytest.raises(WebhookRefused):
        plaid.verified(header, body, only_ours, NOW)
    with pytest.raises(WebhookRefused):
        teller.verified(header, body, [SECRET], environment="sandbox", now=NOW)


@given(st.integers(0, len(plaid_token(BODY, AT)) - 1), st.characters(codec="ascii"))
def test_one_character_changed(place: int, character: str) -> None:
    """A changed token is refused, or its signed part is the same and so is its dedup key."""
    token = plaid_token(BODY, AT)
    changed = token[:place] + character + token[place + 1 :]
    try:
        event = read(changed)
    except WebhookRefused:
        return
    assert event.dedup_key == read(token).dedup_key


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xfe", b'{"webhook_type": 7}', b'{"a":', b"NaN"])
def test_signed_nonsense(body: bytes) -> None:
    """F06: what is signed but not as documented is kept as unreadable, not refused: the sender is real."""
    assert read(plaid_token(body, AT), body).kind == "unreadable"
    header = teller_signature(body, AT, SECRET)
    assert teller.verified(header, body, [SECRET], environment="sandbox", now=NOW).kind == "unreadable"


class Shop:
    """Plaid as far as keys go; counts how often it was asked."""

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, object]] = {KEY_ID: jwk()}
        self.asked: list[str] = []

    def __call__(self, key_id: str) -> Mapping[str, object] | None:
        """The key of that id."""
        self.asked.append(key_id)
        return self.keys.get(key_id)


def _id(number: int) -> str:
    return f"{number:08x}-2222-4333-8444-555555555555"


def test_keys_are_kept(clock: Clock) -> None:
    """A key is asked for once an hour, however many webhooks it signs."""
    shop = Shop()
    keys = PlaidWebhookKeys(shop, clock)
    assert {keys(KEY_ID).public_numbers() for _ in range(50)} == {PRIVATE.public_key().public_numbers()}
    assert len(shop.asked) == 1
    clock.advance(hours=1)
    keys(KEY_ID)
    assert len(shop.asked) == 2


def test_expired_key(clock: Clock) -> None:
    """F12: a key that Plaid has ended is refused, from the next look-up on."""
    shop = Shop()
    keys = PlaidWebhookKeys(shop, clock)
    keys(KEY_ID)
    shop.keys[KEY_ID] = jwk(expired_at=AT)
    clock.advance(hours=1)
    with pytest.raises(WebhookRefused):
        keys(KEY_ID)


def test_new_key_renews_the_others(clock: Clock) -> None:
    """When Plaid signs with another key, the ones we hold are asked for again before they are trusted."""
    shop = Shop()
    keys = PlaidWebhookKeys(shop, clock)
    keys(KEY_ID)
    shop.keys = {KEY_ID: jwk(expired_at=AT), _id(1): jwk(kid=_id(1))}
    keys(_id(1))
    with pytest.raises(WebhookRefused):
        keys(KEY_ID)


def test_unknown_keys_are_bounded(clock: Clock) -> None:
    """F12: strangers' key ids are asked for once each and thirty a minute in all; a known key still works."""
    shop = Shop()
    keys = PlaidWebhookKeys(shop, clock)
    keys(KEY_ID)
    outcomes = []
    for number in [*range(200), *range(200)]:
        try:
            keys(_id(number))
        except (WebhookRefused, WebhookKeysBusy) as error:
            outcomes.append(type(error))
    assert len(shop.asked) == 30
    assert outcomes.count(WebhookRefused) == 2 * 29
    keys(KEY_ID)
    clock.advance(minutes=1)
    with pytest.raises(WebhookRefused):
        keys(_id(150))


def test_key_that_is_none(clock: Clock) -> None:
    """A key of another kind is Plaid breaking its promise: nothing is accepted, nothing is kept."""
    shop = Shop()
    shop.keys[KEY_ID] = {"kty": "oct", "k": encoded(b"secret"), "expired_at": None}
    keys = PlaidWebhookKeys(shop, clock)
    for _ in range(2):
        with pytest.raises(ContractBroken):
            keys(KEY_ID)
    assert len(shop.asked) == 2


def test_no_library_checks_less(clock: Clock) -> None:
    """What the library alone would let through (a token of last year), we do not."""
    old = plaid_token(BODY, (NOW - timedelta(days=365)).timestamp())
    assert jwt.decode(old, PRIVATE.public_key(), algorithms=["ES256"])
    with pytest.raises(WebhookRefused):
        read(old)
    assert isinstance(NOW, datetime)
