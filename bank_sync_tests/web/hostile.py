"""A hundred thousand hostile webhooks: `python -m bank_sync_tests.web.hostile [how many]`.

Signed wrongly in every way we could think of, mutated from good ones, or plain noise; each is sent through
the whole application (without a socket). None may be accepted, none may be answered with 500 or above.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from starlette.types import ASGIApp, Message

from bank_sync_tests.web.signing import KEY_ID, PRIVATE, plaid_token, teller_signature

Attack = tuple[str, list[tuple[bytes, bytes]], bytes]

_STRANGER_ID = "99999999-2222-4333-8444-555555555555"


def attacks(dice: random.Random, at: int, secret: str) -> Iterator[Attack]:
    """Endless hostile requests: path, headers, body."""
    kinds = (_noise, _mutated_plaid, _mutated_teller, _wrong_plaid, _wrong_teller)
    while True:
        yield kinds[dice.randrange(len(kinds))](dice, at, secret)


def _noise(dice: random.Random, _: int, __: str) -> Attack:
    provider = dice.choice(("plaid", "teller"))
    name = {"plaid": b"plaid-verification", "teller": b"teller-signature"}[provider]
    headers = [(name, dice.randbytes(dice.randrange(200))) for _ in range(dice.choice((0, 1, 1, 1, 2, 50)))]
    return f"/webhooks/{provider}", headers, dice.randbytes(dice.randrange(300))


def _body(dice: random.Random) -> bytes:
    return b'{"webhook_type": "ITEM", "webhook_code": "ERROR", "item_id": "item%d"}' % dice.randrange(1000)


def _changed(dice: random.Random, good: bytes) -> bytes:
    """A good text with one to three bytes changed, put in or taken out; never the same."""
    while True:
        changed = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            place = dice.randrange(len(changed))
            action = dice.randrange(3)
            if action == 0:
                changed[place] = dice.randrange(256)
            elif action == 1:
                changed.insert(place, dice.randrange(256))
            else:
                del changed[place]
        if bytes(changed) != good:
            return bytes(changed)


def _mutated_plaid(dice: random.Random, at: int, _: str) -> Attack:
    """The signed part of a good token changed, or its body."""
    body = _body(dice)
    token = plaid_token(body, at).encode()
    signed, _dot, proof = token.rpartition(b".")
    if dice.random() < 0.5:
        return "/webhooks/plaid", [(b"plaid-verification", token)], _changed(dice, body)
    return "/webhooks/plaid", [(b"plaid-verification", _changed(dice, signed) + b"." + proof)], body


def _mutated_teller(dice: random.Random, at: int, secret: str) -> Attack:
    body = _body(dice)
    header = teller_signature(body, at, secret).encode()
    if dice.random() < 0.5:
        return "/webhooks/teller", [(b"teller-signature", header)], _changed(dice, body)
    time_part, comma, proof = header.partition(b",")
    return (
        "/webhooks/teller",
        [(b"teller-signature", time_part + comma + b"v1=" + _changed(dice, proof[3:]))],
        body,
    )


def _wrong_plaid(dice: random.Random, at: int, _: str) -> Attack:
    body = _body(dice)
    header = dice.choice(
        (
            {"alg": "none"},
            {"alg": "HS256"},
            {"kid": _STRANGER_ID},
            {"kid": dice.randrange(9)},
            {"kid": None},
            {},
        )
    )
    claims = (
        {}
        if header
        else dice.choice(
            (
                {"iat": at - 301},
                {"iat": at + 301},
                {"iat": None},
                {"iat": 1e308},
                {"request_body_sha256": None},
            )
        )
    )
    token = plaid_token(body, at, header=header, claims=claims)
    return "/webhooks/plaid", [(b"plaid-verification", token.encode())], body


def _wrong_teller(dice: random.Random, at: int, secret: str) -> Attack:
    body = _body(dice)
    signature = dice.choice(
        (
            teller_signature(body, at - 181, secret),
            teller_signature(body, at + 181, secret),
            teller_signature(body, "1e9", secret),
            teller_signature(body, at, secret[:-1]),
            teller_signature(body, at, secret).replace("v1", "v0"),
            "",
        )
    )
    return "/webhooks/teller", [(b"teller-signature", signature.encode())], body


async def statuses(app: ASGIApp, requests: Iterator[Attack]) -> Counter[int]:
    """How often each status was answered."""
    found: Counter[int] = Counter()
    for number, (path, headers, body) in enumerate(requests):
        found[await _status(app, path, headers, body, number)] += 1
    return found


async def _status(
    app: ASGIApp, path: str, headers: list[tuple[bytes, bytes]], body: bytes, number: int
) -> int:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"content-length", b"%d" % len(body)), *headers],
        "client": (f"10.0.{number % 200}.{number % 250}", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    told: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    await app(scope, receive, send)
    return told[0]


def attack(app: ASGIApp, *, at: int, secret: str, count: int, seed: int) -> Counter[int]:
    """Send so many hostile webhooks; the statuses they were answered with."""
    requests = itertools.islice(attacks(random.Random(seed), at, secret), count)  # noqa: S311 - a seed replays
    return asyncio.run(statuses(app, requests))


def main() -> None:
    """Print how a hundred thousand were answered; ends badly when one was accepted or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
    from bank_sync.web.webhooks import Receiver
    from bank_sync_tests.web.bench_site import local_site

    with local_site() as (running, app_with):
        now = running.clock()
        services = replace(running, clock=lambda: now)  # what is too new by a second stays so
        receiver = Receiver(services, PlaidWebhookKeys(only_ours, services.clock))
        began, at = time.monotonic(), int(services.clock().timestamp())
        secret = services.settings.teller_webhook_secret_list()[0]
        found = attack(app_with(receiver), at=at, secret=secret, count=wish.count, seed=wish.seed)
        taken_s = time.monotonic() - began
        with services.engine.connect() as db:
            stored: int = db.exec_driver_sql("SELECT count(*) FROM bank.webhook_inbox").scalar_one()
    accepted = sum(times for status, times in found.items() if status < 400)
    failed = sum(times for status, times in found.items() if status >= 500)
    print(f"{wish.count:,} hostile webhooks in {taken_s:.0f} s: {dict(sorted(found.items()))}")
    print(f"accepted {accepted}, answered with 500 or above {failed}, rows stored {stored}")
    if accepted or failed or stored:
        raise SystemExit(1)


def only_ours(key_id: str) -> dict[str, object] | None:
    """Plaid as far as keys go."""
    from bank_sync_tests.web.signing import jwk

    return jwk(PRIVATE) if key_id == KEY_ID else None


if __name__ == "__main__":
    main()
