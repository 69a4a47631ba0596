"""What callers hold of a running server: where it listens, how roles log in. Starts and stops nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from bank_sync.storage.embedded.errors import EmbeddedServerError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A server that accepted a login a moment ago."""

    host: str
    port: int
    pid: int
    data_dir: Path
    passwords: Mapping[str, str] = field(repr=False)

    def url(self, database: str = "bank_sync", role: str = "bank_sync") -> str:
        """Return `postgresql://role:password@host:port/database`; holds a password, so never log it."""
        if role not in self.passwords:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL has no role '{role}'; use one of {sorted(self.passwords)}."
            )
        password = quote(self.passwords[role], safe="")
        return f"postgresql://{role}:{password}@{self.host}:{self.port}/{quote(database, safe='')}"
