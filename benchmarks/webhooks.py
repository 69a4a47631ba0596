"""How many webhooks one process on one core verifies and stores in a second: `python -m benchmarks.webhooks`.

The server runs in a process of its own on the first core, callers in threads on the others, over real HTTP,
into a real PostgreSQL (which shares the machine). Every body is new, so every call is a row. Beside it, in
the same run and in turns: Plaid's key asked for with each webhook, as receivers without a cache do, from a
key server on this machine (Plaid's own is farther away). At the end, what 200 MB in chunks do to the memory.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import statistics
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from urllib.parse import urlsplit

import httpx
import psutil

from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
from bank_sync_tests.web.bench_site import SECRET, local_site
from bank_sync_tests.web.hostile import only_ours
from bank_sync_tests.web.signing import KEY_ID, plaid_token, teller_signature

_ROUNDS = 3
_FLOOD_BYTES = 200_000_000
_FLOOD_CHUNK = 65_536


class AskedEachTime(PlaidWebhookKeys):
    """The alternative: no key is kept."""

    def _kept(self, key_id: str) -> None:  # noqa: ARG002 - as the one it stands for
        return None


def _serve(pipe: Connection, keys_url: str | None) -> None:
    """The site on the first core; says its address, and after a word the number of rows."""
    from bank_sync.web.serving import served
    from bank_sync.web.webhooks import Receiver

    client = httpx.Client()

    def asked(key_id: str) -> Mapping[str, object]:
        found: Mapping[str, object] = client.get(f"{keys_url}/{key_id}").raise_for_status().json()
        return found

    with local_site() as (services, app_with):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        keys = (
            AskedEachTime(asked, services.clock, lookups_per_minute=10**9)
            if keys_url
            else PlaidWebhookKeys(only_ours, services.clock)
        )
        with served(app_with(Receiver(services, keys))) as url:
            pipe.send(url)
            pipe.recv()
            with services.engine.connect() as db:
                pipe.send(db.exec_driver_sql("SELECT count(*) FROM bank.webhook_inbox").scalar_one())


@dataclass(frozen=True, slots=True)
class Site:
    """A server in a process of its own."""

    url: str
    pipe: Connection
    process: multiprocessing.process.BaseProcess

    @classmethod
    def started(cls, keys_url: str | None) -> Site:
        """Start one and wait until it listens."""
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, keys_url))
        process.start()
        return cls(ours.recv(), ours, process)

    def stopped(self) -> int:
        """Stop it; how many rows it stored."""
        self.pipe.send("done")
        rows = int(self.pipe.recv())
        self.process.join()
        return rows


class _Keys(BaseHTTPRequestHandler):
    """Plaid's `/webhook_verification_key/get`, as far as a benchmark needs it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The one key there is."""
        body = json.dumps(only_ours(KEY_ID)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _teller(number: int) -> tuple[bytes, dict[str, str]]:
    body = json.dumps({"id": f"wh_{number}", "type": "webhook.test", "payload": {}}).encode()
    return body, {"Teller-Signature": teller_signature(body, int(time.time()), SECRET)}


def _plaid(number: int) -> tuple[bytes, dict[str, str]]:
    wish = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": f"item{number}",
    }
    body = json.dumps(wish, indent=2).encode()
    return body, {"Plaid-Verification": plaid_token(body, time.time())}


_MAKE = {"teller": _teller, "plaid": _plaid}


@dataclass(frozen=True, slots=True)
class Measured:
    """Webhooks a second, and the answer times in ms."""

    per_s: float
    p50_ms: float
    p99_ms: float


def _measure(url: str, provider: str, numbers: range, callers: int) -> Measured:
    """Send these webhooks from so many callers."""
    sent = [_MAKE[provider](number) for number in numbers]
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=callers)) as client:

        def call(one: tuple[bytes, dict[str, str]]) -> float:
            began = time.monotonic()
            answer = client.post(f"{url}/webhooks/{provider}", content=one[0], headers=one[1])
            answer.raise_for_status()
            return (time.monotonic() - began) * 1000

        began = time.monotonic()
        with ThreadPoolExecutor(callers) as pool:
            taken = sorted(pool.map(call, sent))
        whole_s = time.monotonic() - began
    return Measured(len(sent) / whole_s, taken[len(sent) // 2], taken[int(len(sent) * 0.99)])


def _growth_mb(site: Site) -> tuple[float, float]:
    """By how much the server grows while somebody sends 200 MB in chunks, and how much it took of them."""
    parts, server = urlsplit(site.url), psutil.Process(site.process.pid)
    before = most = server.memory_info().rss
    sent = 0
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        head = b"POST /webhooks/plaid HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        try:
            connection.sendall(head)
            while sent < _FLOOD_BYTES:
                connection.sendall(b"10000\r\n" + b"x" * _FLOOD_CHUNK + b"\r\n")
                sent += _FLOOD_CHUNK
                most = max(most, server.memory_info().rss)
        except OSError:  # closed by the server
            pass
    return (most - before) / 1e6, sent / 1e6


def main() -> None:
    """Print the figures, the median of three rounds each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_500, help="webhooks in a round")
    parser.add_argument("--callers", type=int, default=8)
    wish = parser.parse_args()
    keys = ThreadingHTTPServer(("127.0.0.1", 0), _Keys)
    threading.Thread(target=keys.serve_forever, daemon=True).start()
    kept = Site.started(None)
    asked = Site.started(f"http://127.0.0.1:{keys.server_port}")
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[1:] or cores))
    print(f"load average {os.getloadavg()[0]:.1f} on {len(cores)} cores; {wish.callers} callers")
    cases = (("teller", kept), ("plaid", kept), ("plaid, key asked for each time", asked))
    found: dict[str, list[Measured]] = {name: [] for name, _ in cases}
    for number in range(_ROUNDS):
        numbers = range(number * wish.count, (number + 1) * wish.count)
        for name, site in cases:
            found[name].append(_measure(site.url, name.partition(",")[0], numbers, wish.callers))
    for name, rounds in found.items():
        rates = sorted(one.per_s for one in rounds)
        p50, p99 = (statistics.median(getattr(one, what) for one in rounds) for what in ("p50_ms", "p99_ms"))
        print(
            f"{name}: {statistics.median(rates):,.0f} webhooks/s ({rates[0]:,.0f} to {rates[-1]:,.0f}), "
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
        )
    ratios = [
        ours.per_s / theirs.per_s for ours, theirs in zip(found["plaid"], found[cases[2][0]], strict=True)
    ]
    print(f"plaid, key kept / asked for each time: {statistics.median(ratios):.2f} times the webhooks")
    print("200 MB in chunks: {:.1f} MB more memory, closed after {:.1f} MB".format(*_growth_mb(kept)))
    print(f"rows stored: {kept.stopped():,} of {2 * _ROUNDS * wish.count:,}; {asked.stopped():,} beside it")
    keys.shutdown()


if __name__ == "__main__":
    main()
