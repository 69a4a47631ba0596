"""How near a refresh comes to what the providers' minute budgets allow, and whether it stays inside them.

Belongs here: a refresh of all three providers with the nominal budgets on, timed by the pretend banks.
Does not belong here: a refresh without budgets (`benchmarks.refresh`), budgets as such (`storage.budgets`).

    python -m benchmarks.budgets --minutes 2

So many people are linked that the requests of their refresh take each provider's budget about that long. The
floor is what the budget's rule allows at best: a tenth of the minute's requests at once, the rest at a steady
pace. Prints a table and, with `--json`, the figures.
"""

from __future__ import annotations

import argparse
import bisect
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bank_sync.cli.demo_people import Person, prove
from bank_sync.providers.budget import Limit, usual_limit
from bank_sync.sandbox.app import create_app
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.services import Services, open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.sync.batch import Batch
from bank_sync.sync.onboarding import finish_link

_BANKS = {
    "plaid": ("ins_109508", "US"),
    "teller": ("security_cu", "US"),
    "gocardless": ("COMMERZBANK_COBADEFF", "DE"),
}
_NOMINAL = {"plaid": 200, "teller": 100, "gocardless": 50}
_PROBES = 2
_MINUTE_S = 60.0


class Timed:
    """The pretend banks, with the times at which each provider was asked."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._asked: dict[str, list[float]] = defaultdict(list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the time and pass on; `/times` gives them and forgets them."""
        if scope["type"] == "http":
            if scope["path"] == "/times":
                await JSONResponse(self._asked)(scope, receive, send)
                self._asked.clear()
                return
            self._asked[scope["path"].split("/")[1]].append(time.monotonic())
        await self._app(scope, receive, send)


@contextmanager
def banks() -> Iterator[str]:
    """The banks in a process of its own; gives their address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen([sys.executable, "-m", "benchmarks.budgets", "--bank", str(port)]) as process:  # noqa: S603 - our own program
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{url}/times")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield url
        process.terminate()


def people(services: Services, provider: str, count: int, *, first: int = 0) -> None:
    """Link so many people whose accounts have few rows."""
    bank, country = _BANKS[provider]
    for number in range(first, first + count):
        one = Person(f"script-{provider}-{number}", provider, bank, country)
        proof = prove(services, one, services.settings.sandbox_url)
        finish_link(services, provider, user_reference=one.reference, proof=proof)


def first_syncs(settings: Settings, url: str) -> None:
    """Without budgets: what was linked becomes ordinary."""
    with open_services(settings, workers=12) as services:
        with services.engine.begin() as db:
            db.exec_driver_sql("UPDATE bank.connections SET linked_at = linked_at - interval '2 hours'")
        refresh(services)
    httpx.get(f"{url}/times")


def make_due(services: Services) -> None:
    """Everybody is due now."""
    with services.engine.begin() as db:
        db.exec_driver_sql("UPDATE bank.connections SET next_sync_at = now() - interval '1 minute'")


def refresh(services: Services) -> None:
    """Everything that is due.

    Raises:
        RuntimeError: something did not go through.
    """
    batch = Batch(services, f"budgets {time.monotonic()}", ends_at=datetime.max.replace(tzinfo=UTC))
    troubles = [str(one.error) for one in batch.outcomes() if not one.is_whole]
    if troubles:
        raise RuntimeError(f"{len(troubles)} connections failed, the first: {troubles[0]}")


def floor_s(limit: Limit, requests: int) -> float:
    """Seconds from the first request to the last, at best."""
    return max(0, requests - limit.burst) * limit.interval_s


def most_in_a_minute(times: list[float]) -> int:
    """The most requests in any 60 seconds."""
    return max(bisect.bisect_left(times, at + _MINUTE_S) - place for place, at in enumerate(times))


def measure(minutes: float) -> list[dict[str, Any]]:
    """Link, sync once, then refresh with the nominal budgets on."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="budgets-", dir="/tmp")))
        url = stack.enter_context(banks())
        settings = load_settings(environment="sandbox", home=home, sandbox_url=url, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings, workers=12))
        counts = _link_enough(services, url, minutes)
        make_due(services)
        limits = {f"{name}_requests_per_minute": limit for name, limit in _NOMINAL.items()}
        held = load_settings(environment="sandbox", home=home, sandbox_url=url, database_url=None, **limits)
        paced = stack.enter_context(open_services(held, workers=3 * held.refresh_workers))
        refresh(paced)
        asked = httpx.get(f"{url}/times").json()
    return [_told(name, counts[name], sorted(asked[name])) for name in _NOMINAL]


def _link_enough(services: Services, url: str, minutes: float) -> dict[str, int]:
    """How many people of each provider, after a look at what one's refresh asks."""
    for provider in _BANKS:
        people(services, provider, _PROBES)
    first_syncs(services.settings, url)
    make_due(services)
    refresh(services)
    asked = httpx.get(f"{url}/times").json()
    counts = {name: round(limit * minutes * _PROBES / len(asked[name])) for name, limit in _NOMINAL.items()}
    for provider, count in counts.items():
        people(services, provider, max(0, count - _PROBES), first=_PROBES)
    first_syncs(services.settings, url)
    return counts


def _told(provider: str, connections: int, times: list[float]) -> dict[str, Any]:
    limit = usual_limit(provider, _NOMINAL[provider])
    least_s, took_s = floor_s(limit, len(times)), times[-1] - times[0]
    return {
        "provider": provider,
        "per_minute": limit.per_minute,
        "connections": connections,
        "requests": len(times),
        "floor_s": least_s,
        "took_s": took_s,
        "over_floor": took_s / least_s - 1,
        "most_in_a_minute": most_in_a_minute(times),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--bank", type=int, help="be the pretend banks on this port")
    wish = parser.parse_args()
    if wish.bank:
        uvicorn.run(Timed(create_app(SandboxConfig())), port=wish.bank, log_level="warning")
        return
    found = measure(wish.minutes)
    if wish.json:
        print(json.dumps(found, indent=2))
        return
    print(_LINE.format("", "connections", "requests", "floor s", "took s", "over", "most in 60 s"))
    for one in found:
        numbers = (f"{one['floor_s']:.1f}", f"{one['took_s']:.1f}", f"{one['over_floor']:.1%}")
        most = f"{one['most_in_a_minute']} of {one['per_minute']}"
        print(_LINE.format(one["provider"], one["connections"], one["requests"], *numbers, most))


_LINE = "{:12}{:>12}{:>10}{:>9}{:>9}{:>8}{:>14}"


if __name__ == "__main__":
    main()
