"""How many webhooks one process on one core verifies and stores in a second: `python -m benchmarks.webhooks`.

The server runs in a process of its own on the first core, callers in threads on the others, over real HTTP,
into a real PostgreSQL (which shares the machine). Every body is new, so every call is a row.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import httpx

from bank_sync_tests.web.bench_site import SECRET, local_site
from bank_sync_tests.web.signing import plaid_token, teller_signature


def _serve(pipe: Connection) -> None:
    """The site on the first core; says its address, and after a word the number of rows."""
    from bank_sync.providers.plaid.webhook_keys import PlaidWebhookKeys
    from bank_sync.web.serving import served
    from bank_sync.web.webhooks import Receiver
    from bank_sync_tests.web.hostile import only_ours

    with local_site() as (services, app_with):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        receiver = Receiver(services, PlaidWebhookKeys(only_ours, services.clock))
        with served(app_with(receiver)) as url:
            pipe.send(url)
            pipe.recv()
            with services.engine.connect() as db:
                pipe.send(db.exec_driver_sql("SELECT count(*) FROM bank.webhook_inbox").scalar_one())


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


def _measure(url: str, provider: str, count: int, callers: int) -> str:
    """Send `count` webhooks from so many callers; the figures in a line."""
    sent = [_MAKE[provider](number) for number in range(count)]
    with httpx.Client(timeout=60, limits=httpx.Limits(max_connections=callers)) as client:

        def call(one: tuple[bytes, dict[str, str]]) -> float:
            began = time.monotonic()
            answer = client.post(f"{url}/webhooks/{provider}", content=one[0], headers=one[1])
            answer.raise_for_status()
            return time.monotonic() - began

        began = time.monotonic()
        with ThreadPoolExecutor(callers) as pool:
            taken = sorted(pool.map(call, sent))
        whole_s = time.monotonic() - began
    p50, p99 = taken[count // 2] * 1000, taken[int(count * 0.99)] * 1000
    return f"{provider}: {count / whole_s:,.0f} webhooks/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def main() -> None:
    """Print the figures of both providers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5_000)
    parser.add_argument("--callers", type=int, default=8)
    wish = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    server.start()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(cores[1:] or cores))
    url = ours.recv()
    print(f"load average {os.getloadavg()[0]:.1f} on {len(cores)} cores")
    for provider in _MAKE:
        print(_measure(url, provider, wish.count, wish.callers))
    ours.send("done")
    print(f"rows stored: {ours.recv():,} of {2 * wish.count:,}")
    server.join()


if __name__ == "__main__":
    main()
