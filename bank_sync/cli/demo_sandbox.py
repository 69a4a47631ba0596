"""The pretend banks of the demo: found where they already run, else opened in this process.

Belongs here: which sandbox the demo talks to. Does not belong here: the sandbox (`bank_sync.sandbox`).

Two sandboxes on one state file would forget each other's links, hence the look for one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx
from pydantic import SecretStr

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import running_sandbox
from bank_sync.settings import Settings

_PROBE_TIMEOUT_S = 1.0  # what listens on this machine answers at once, or is no sandbox


def is_sandbox(url: str) -> bool:
    """Whether pretend banks answer there."""
    try:
        answer = httpx.get(f"{url}/_sandbox/clock", timeout=_PROBE_TIMEOUT_S, trust_env=False)
        return answer.is_success and "now" in answer.json()
    except (httpx.HTTPError, ValueError):
        return False


@contextmanager
def open_sandbox(settings: Settings, clock: Callable[[], datetime] | None) -> Iterator[str]:
    """Pretend banks on a free port of this machine alone, as long as the block runs; gives their address.

    Links are kept in the home folder, so that the banks know them again next time.
    """
    config = SandboxConfig(state_path=settings.home / "sandbox" / "state.json")
    with running_sandbox(config, clock=clock) as sandbox:
        yield sandbox.url


def among_pretend_banks(settings: Settings, sandbox_url: str) -> Settings:
    """The same installation without the credentials of real providers: the pretend banks play all of them.

    Credentials are empty rather than unset, so that runs of Dagster, which read the environment, find no
    others there. A demo may be run more often than four times a day, so nobody counts.
    """
    without = {
        "plaid_client_id": "",
        "plaid_secret": SecretStr(""),
        "teller_application_id": "",
        "gocardless_secret_id": "",
        "gocardless_secret_key": SecretStr(""),
    }
    as_often_as_wanted = {"gocardless_calls_per_day": 0}
    return settings.model_copy(update={**without, **as_often_as_wanted, "sandbox_url": sandbox_url})
