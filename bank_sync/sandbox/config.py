"""What can be chosen about a sandbox. Not here: anything that changes while it runs (`state`, `clock`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """How the pretend banks behave.

    `seed` picks the world. `state_path` keeps links and tokens over a restart; None keeps them in memory. A
    pair of credentials left as None lets any pair in; set, only that pair. `plaid_not_ready_s` is how long a
    new Plaid Item has no transactions yet, `plaid_initial_s` how long after that only the newest thirty days.
    `enforce_limits` makes the request limits of all
    three providers binding; `gocardless_daily_limits` says by institution id how many good answers a day and
    scope are allowed where it is not the usual four. `teller_signs_digest` lets Teller
    Connect sign the SHA-256 digest of its message, else the message; `teller_requires_certificate` makes
    Teller refuse who shows no client certificate, as outside its sandbox.
    """

    seed: str = "1"
    state_path: Path | None = None
    plaid_client_id: str | None = None
    plaid_secret: str | None = None
    gocardless_secret_id: str | None = None
    gocardless_secret_key: str | None = None
    teller_application_id: str | None = None
    plaid_not_ready_s: float = 0.0
    plaid_initial_s: float = 0.0
    enforce_limits: bool = False
    gocardless_daily_limits: Mapping[str, int] = field(default_factory=dict)
    teller_signs_digest: bool = True
    teller_requires_certificate: bool = False
